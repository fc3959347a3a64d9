/**
 * Blanking of `Authorization` and `WWW-Authenticate` values, byte by byte: the scheme and the names
 * of the Digest parameters stay, no value does.
 *
 * @module
 */
import { isPrefixOf } from "./word_match.ts";

const SCHEMES: readonly string[] = ["digest", "basic"];
const DIGEST_WORDS: readonly string[] = [
  "username=",
  "realm=",
  "nonce=",
  "uri=",
  "response=",
  "algorithm=",
  "qop=",
  "nc=",
  "cnonce=",
  "opaque=",
  "stale=",
];

/** Decides for each byte of a login header's value whether it may stay. */
export class LoginRedaction {
  #place: "scheme" | "name" | "equals" | "quoted" | "escaped" | "bare" | "blank" = "scheme";
  #word = "";

  /** A value begins with the next byte. */
  begin(): void {
    this.#place = "scheme";
    this.#word = "";
  }

  /** Takes one byte; whether it may stay. */
  keeps(byte: number): boolean {
    const char = String.fromCharCode(byte);
    switch (this.#place) {
      case "scheme":
        return this.#inScheme(char);
      case "name":
        return this.#inName(char);
      case "equals":
        this.#word = "";
        this.#place = char === '"' ? "quoted" : "bare";
        return char === '"';
      case "quoted":
        if (char === '"') this.#place = "name";
        else if (char === "\\") this.#place = "escaped";
        return char === '"';
      case "escaped":
        this.#place = "quoted";
        return false;
      case "bare":
        if (char === ",") this.#place = "name";
        return char === ",";
      case "blank":
        return false;
    }
  }

  #inScheme(char: string): boolean {
    if (char === " ") {
      if (this.#word !== "") this.#place = this.#word === "digest" ? "name" : "blank";
      if (this.#place !== "scheme") this.#word = "";
      return true;
    }
    this.#word += char.toLowerCase();
    if (isPrefixOf(SCHEMES, this.#word)) return true;
    this.#place = "blank";
    return false;
  }

  #inName(char: string): boolean {
    if (char === "," || char === " ") {
      this.#word = "";
      return true;
    }
    this.#word += char;
    if (!isPrefixOf(DIGEST_WORDS, this.#word)) {
      this.#place = "blank";
      return false;
    }
    if (char === "=") this.#place = "equals";
    return true;
  }
}
