/**
 * Blanking of secrets in one direction of an RTSP connection, byte by byte: text may be cut
 * anywhere, and nothing is held back.
 *
 * A byte stays only while all that is known so far says that it is harmless: methods, status,
 * listed headers, the known words of a URL, SDP lines that describe media, interleaved packets. Of
 * a word that turns out to be no listed one, the part it shares with a listed one has been let
 * through; nothing else has. Source of the messages: RFC 2326, PROTOCOL.md section 1.4.
 *
 * @module
 */
import { LoginRedaction } from "./rtsp_login_redaction.ts";
import { UrlRedaction } from "./rtsp_url_redaction.ts";
import { SdpRedaction } from "./sdp_redaction.ts";
import { BLANK } from "./signaling_redaction.ts";
import { isPrefixOf, isWordChar } from "./word_match.ts";

const METHODS: readonly string[] = [
  "OPTIONS",
  "DESCRIBE",
  "ANNOUNCE",
  "SETUP",
  "PLAY",
  "PAUSE",
  "RECORD",
  "TEARDOWN",
  "GET_PARAMETER",
  "SET_PARAMETER",
  "REDIRECT",
];
const MESSAGE_STARTS: readonly string[] = [...METHODS, "RTSP/1.0"];

/** How the value of a header is treated; a header that is not listed is blanked. */
type ValuePolicy = "keep" | "url" | "session" | "authentication" | "rtp-info" | "blank";

const HEADER_POLICY: ReadonlyMap<string, ValuePolicy> = new Map<string, ValuePolicy>([
  ["cseq", "keep"],
  ["date", "keep"],
  ["server", "keep"],
  ["user-agent", "keep"],
  ["public", "keep"],
  ["allow", "keep"],
  ["accept", "keep"],
  ["accept-encoding", "keep"],
  ["range", "keep"],
  ["scale", "keep"],
  ["speed", "keep"],
  ["require", "keep"],
  ["unsupported", "keep"],
  ["connection", "keep"],
  ["cache-control", "keep"],
  ["content-type", "keep"],
  ["content-length", "keep"],
  ["content-encoding", "keep"],
  ["transport", "keep"],
  ["rate-control", "keep"],
  ["x-dynamic-rate", "keep"],
  ["x-accept-dynamic-rate", "keep"],
  ["content-base", "url"],
  ["content-location", "url"],
  ["session", "session"],
  ["rtp-info", "rtp-info"],
  ["authorization", "authentication"],
  ["www-authenticate", "authentication"],
]);

const RTP_INFO_WORDS: readonly string[] = ["url=", "seq=", "rtptime=", "ssrc="];

/** Longest text body followed; more is nothing a camera sends and would hide a lost boundary. */
const MAX_BODY_BYTES = 1_048_576;
/** Longest header name. */
const MAX_NAME_CHARS = 40;

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** Where in the stream the next byte stands. */
type Place =
  | "message" // before a message or an interleaved packet
  | "start" // inside the first word
  | "status" // behind RTSP/1.0
  | "target" // the URL of a request
  | "version" // behind the URL
  | "name" // a header's name
  | "value"
  | "sdp"
  | "body" // any other body: blanked
  | "packet-header"
  | "packet"
  | "blind"; // boundary lost

/** Blanks the secrets of one direction of one RTSP connection. */
export class RtspRedaction {
  #place: Place = "message";
  /** The word, name or value so far; never longer than the longest listed one and one more. */
  #word = "";
  #name = "";
  #policy: ValuePolicy = "blank";
  #contentLength = 0;
  #isSdp = false;
  #bodyLeft = 0;
  #packetHeader = 0;
  readonly #url = new UrlRedaction();
  readonly #login = new LoginRedaction();
  readonly #sdp = new SdpRedaction();

  /** Bytes of the stream are missing: everything is blanked until {@linkcode resume} finds a start. */
  lose(): void {
    this.#place = "blind";
  }

  /**
   * Blanks `bytes[start..end)` in place.
   *
   * @param isFrameStart Whether a realm frame begins here: a lost boundary is found again only there.
   */
  redact(bytes: Uint8Array, start: number, end: number, isFrameStart: boolean): void {
    if (this.#place === "blind" && isFrameStart) this.#resume(bytes, start, end);
    let i = start;
    while (i < end) {
      if (this.#place === "packet") {
        const count = Math.min(end - i, this.#bodyLeft);
        i += count;
        this.#bodyLeft -= count;
        if (this.#bodyLeft === 0) this.#place = "message";
      } else if (this.#place === "blind") {
        bytes.fill(BLANK, i, end);
        return;
      } else {
        if (!this.#keeps(bytes[i]!)) bytes[i] = BLANK;
        i++;
      }
    }
  }

  #resume(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const channel = bytes[start + 1] ?? 0xff;
    // A channel below a tab is no text; text is only believed with a whole first word.
    const isPacket = bytes[start] === 0x24 && length >= 4 && channel < 9;
    const isMessage = MESSAGE_STARTS.some((word) => {
      if (length <= word.length || bytes[start + word.length] !== SPACE) return false;
      for (let i = 0; i < word.length; i++) {
        if (bytes[start + i] !== word.charCodeAt(i)) return false;
      }
      return true;
    });
    if (isPacket || isMessage) this.#place = "message";
  }

  /** Takes one byte; whether it may stay. */
  #keeps(byte: number): boolean {
    switch (this.#place) {
      case "message":
        return this.#beginMessage(byte);
      case "start":
        return this.#inFirstWord(byte);
      case "target":
        if (byte === LF) return this.#beginHeader();
        if (byte === SPACE) {
          this.#place = "version";
          this.#word = "";
          return true;
        }
        return this.#url.keeps(byte);
      case "version":
        if (byte === LF) return this.#beginHeader();
        if (byte === CR) return true;
        this.#word += String.fromCharCode(byte);
        if ("RTSP/1.0".startsWith(this.#word)) return true;
        this.#word = " ";
        return false;
      case "status":
        if (byte === LF) return this.#beginHeader();
        return byte === CR || byte === SPACE || isWordChar(byte);
      case "name":
        return this.#inName(byte);
      case "value":
        return this.#inValue(byte);
      case "packet-header":
        return this.#inPacketHeader(byte);
      case "sdp":
      case "body":
        return this.#inBody(byte);
      default:
        return false;
    }
  }

  #beginMessage(byte: number): boolean {
    if (byte === CR || byte === LF) return true;
    if (byte === 0x24) {
      this.#place = "packet-header";
      this.#packetHeader = 0;
      this.#bodyLeft = 0;
      return true;
    }
    this.#contentLength = 0;
    this.#isSdp = false;
    this.#place = "start";
    this.#word = "";
    return this.#inFirstWord(byte);
  }

  #inFirstWord(byte: number): boolean {
    if (byte === SPACE && this.#word === "RTSP/1.0") {
      this.#place = "status";
      return true;
    }
    if (byte === SPACE && METHODS.includes(this.#word)) {
      this.#place = "target";
      this.#url.begin();
      return true;
    }
    this.#word += String.fromCharCode(byte);
    if (isPrefixOf(MESSAGE_STARTS, this.#word)) return true;
    this.#place = "blind";
    return false;
  }

  #inPacketHeader(byte: number): boolean {
    this.#packetHeader++;
    if (this.#packetHeader > 1) this.#bodyLeft = this.#bodyLeft * 256 + byte;
    if (this.#packetHeader === 3) this.#place = this.#bodyLeft > 0 ? "packet" : "message";
    return true;
  }

  #beginHeader(): boolean {
    this.#place = "name";
    this.#word = "";
    return true;
  }

  #inName(byte: number): boolean {
    if (byte === CR) return true;
    if (byte === LF) {
      if (this.#word !== "") return this.#beginHeader();
      this.#endHeaders();
      return true;
    }
    if (byte === 0x3a && this.#word !== "") {
      this.#name = this.#word.toLowerCase();
      this.#policy = HEADER_POLICY.get(this.#name) ?? "blank";
      this.#place = "value";
      this.#word = "";
      this.#login.begin();
      this.#url.begin();
      return true;
    }
    if (isWordChar(byte) && this.#word.length < MAX_NAME_CHARS) {
      this.#word += String.fromCharCode(byte);
      return true;
    }
    // A continued or broken line: blank to its end.
    this.#name = "";
    this.#policy = "blank";
    this.#place = "value";
    return false;
  }

  #endHeaders(): void {
    this.#bodyLeft = this.#contentLength;
    if (this.#bodyLeft === 0) this.#place = "message";
    else if (this.#bodyLeft > MAX_BODY_BYTES) this.#place = "blind";
    else this.#place = this.#isSdp ? "sdp" : "body";
    this.#sdp.begin();
    this.#word = "";
    this.#name = "";
  }

  #inValue(byte: number): boolean {
    if (byte === LF) {
      this.#noteValue();
      return this.#beginHeader();
    }
    if (byte === CR) return true;
    switch (this.#policy) {
      case "keep":
        if (this.#word.length < 64) this.#word += String.fromCharCode(byte);
        return true;
      case "url":
        return byte === SPACE || this.#url.keeps(byte);
      case "session":
        if (byte === 0x3b) this.#policy = "keep";
        return byte === 0x3b || byte === SPACE;
      case "authentication":
        return this.#login.keeps(byte);
      case "rtp-info":
        return this.#keepsInRtpInfo(byte);
      case "blank":
        return byte === SPACE;
    }
  }

  #noteValue(): void {
    const value = this.#word.trim().toLowerCase();
    if (this.#name === "content-length" && /^[0-9]{1,9}$/.test(value)) {
      this.#contentLength = Number(value);
    }
    if (this.#name === "content-type") this.#isSdp = value.startsWith("application/sdp");
  }

  #keepsInRtpInfo(byte: number): boolean {
    const char = String.fromCharCode(byte);
    if (char === ";" || char === "," || byte === SPACE) {
      this.#name = "";
      this.#word = "";
      return true;
    }
    if (this.#name === "url=") return this.#url.keeps(byte);
    if (this.#name === "blank") return false;
    if (RTP_INFO_WORDS.includes(this.#name)) return isWordChar(byte);
    this.#word += char;
    if (!isPrefixOf(RTP_INFO_WORDS, this.#word)) {
      this.#name = "blank";
      return false;
    }
    if (char === "=") {
      this.#name = this.#word;
      this.#url.begin();
    } else this.#name = "";
    return true;
  }

  #inBody(byte: number): boolean {
    this.#bodyLeft--;
    const keeps = this.#place === "sdp" ? this.#sdp.keeps(byte) : byte === CR || byte === LF;
    if (this.#bodyLeft === 0) this.#place = "message";
    return keeps;
  }
}
