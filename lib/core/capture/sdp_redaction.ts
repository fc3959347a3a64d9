/**
 * Blanking of session descriptions, byte by byte: lines that describe media stay, names, keys and
 * everything unknown do not. Source: RFC 8866.
 *
 * @module
 */
import { UrlRedaction } from "./rtsp_url_redaction.ts";
import { isPrefixOf } from "./word_match.ts";

const KEPT_LINES = "vmbtcr";
const ATTRIBUTES: readonly string[] = [
  "control:",
  "rtpmap:",
  "fmtp:",
  "range:",
  "framerate:",
  "framesize:",
  "length:",
  "type:",
  "tool:",
  "charset:",
  "cliprect:",
  "packetization-supported:",
  "rtppayload-supported:",
  "recvonly",
  "sendonly",
  "sendrecv",
];

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** Decides for each byte of a session description whether it may stay. */
export class SdpRedaction {
  readonly #url = new UrlRedaction();
  #place: "letter" | "equals" | "keep" | "attribute" | "control" | "blank" = "letter";
  #word = "";

  /** A description begins with the next byte. */
  begin(): void {
    this.#place = "letter";
    this.#word = "";
  }

  /** Takes one byte; whether it may stay. */
  keeps(byte: number): boolean {
    if (byte === LF) {
      this.begin();
      return true;
    }
    if (byte === CR) return true;
    const char = String.fromCharCode(byte);
    switch (this.#place) {
      case "letter":
        this.#word = char;
        this.#place = byte >= 0x61 && byte <= 0x7a ? "equals" : "blank";
        return this.#place === "equals";
      case "equals":
        if (char !== "=") this.#place = "blank";
        else if (KEPT_LINES.includes(this.#word)) this.#place = "keep";
        else this.#place = this.#word === "a" ? "attribute" : "blank";
        this.#word = "";
        return char === "=";
      case "keep":
        return true;
      case "attribute":
        this.#word += char;
        if (!isPrefixOf(ATTRIBUTES, this.#word)) {
          this.#place = "blank";
          return false;
        }
        if (char === ":") {
          this.#place = this.#word === "control:" ? "control" : "keep";
          this.#url.begin();
        }
        return true;
      case "control":
        return this.#url.keeps(byte);
      case "blank":
        return byte === SPACE;
    }
  }
}
