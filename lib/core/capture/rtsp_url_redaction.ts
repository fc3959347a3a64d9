/**
 * Blanking of RTSP URLs, byte by byte: only the scheme and the known words of a path stay.
 *
 * @module
 */
import { isPrefixOf, isWordChar } from "./word_match.ts";

/** Words of URL paths; what follows `=` must be a number or a word. */
const PATH_WORDS: readonly string[] = [
  "cam",
  "realmonitor",
  "playback",
  "live",
  "stream",
  "main",
  "sub",
  "trackID=",
  "streamid=",
];
const QUERY_WORDS: readonly string[] = ["channel=", "subtype=", "unicast=", "proto=", "encode="];

/** Longest value of a listed word. */
const MAX_VALUE_CHARS = 24;

/** Where inside a URL the next byte stands. */
type UrlPlace = "scheme" | "authority" | "path" | "query" | "path-value" | "query-value" | "blank";

/** Decides for each byte of a URL whether it may stay. */
export class UrlRedaction {
  #place: UrlPlace = "scheme";
  #word = "";

  /** A URL begins with the next byte. */
  begin(): void {
    this.#enter("scheme");
  }

  /** Takes one byte; whether it may stay. The caller knows where the URL ends. */
  keeps(byte: number): boolean {
    const char = String.fromCharCode(byte);
    switch (this.#place) {
      case "scheme":
        return this.#inScheme(char);
      case "authority":
        // The host tells nothing, and a login may stand before it.
        if (char === "/") this.#enter("path");
        return char === "/";
      case "path":
      case "query":
        return this.#inWord(char, this.#place);
      case "path-value":
      case "query-value":
        if (char === "&" && this.#place === "query-value") this.#enter("query");
        // Cameras append the track to the query: "?channel=1&subtype=0/trackID=0".
        else if (char === "/") this.#enter("path");
        else if (char === "?") this.#enter("query");
        else if (isWordChar(byte) && this.#word.length < MAX_VALUE_CHARS) this.#word += char;
        else this.#place = "blank";
        return this.#place !== "blank";
      case "blank":
        return false;
    }
  }

  #enter(place: UrlPlace): void {
    this.#place = place;
    this.#word = "";
  }

  #inScheme(char: string): boolean {
    this.#word += char;
    if (this.#word === "rtsp://" || this.#word === "rtsps://") this.#enter("authority");
    else if (this.#word !== "*" && !isPrefixOf(["rtsp://", "rtsps://"], this.#word)) {
      // Relative, as the controls of an SDP are: "trackID=0".
      if (this.#word.length === 1 && isPrefixOf(PATH_WORDS, char)) {
        this.#place = "path";
        return true;
      }
      this.#place = "blank";
      return false;
    }
    return true;
  }

  #inWord(char: string, place: "path" | "query"): boolean {
    if (char === "/" && place === "path") {
      this.#word = "";
      return true;
    }
    if (char === "?" || (char === "&" && place === "query")) {
      this.#enter("query");
      return true;
    }
    this.#word += char;
    if (!isPrefixOf(place === "query" ? QUERY_WORDS : PATH_WORDS, this.#word)) {
      this.#place = "blank";
      return false;
    }
    if (char === "=") this.#enter(place === "query" ? "query-value" : "path-value");
    return true;
  }
}
