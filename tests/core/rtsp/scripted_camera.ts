/**
 * A camera that answers an RTSP client as its script says, in virtual time.
 *
 * @module
 */
import { concatBytes, decodeLatin1, utf8 } from "../../../lib/core/bytes.ts";
import { RtspClient, type RtspClientEvent } from "../../../lib/core/rtsp/client.ts";
import type { RtspClientOptions } from "../../../lib/core/rtsp/client_options.ts";
import {
  encodeHead,
  headerValue,
  type RtspHeader,
  type RtspRequestHead,
} from "../../../lib/core/rtsp/message.ts";
import { RtspReader } from "../../../lib/core/rtsp/reader.ts";
import { seededRandom } from "../../../lib/core/random.ts";

/** One answer; nothing: silence. */
export interface ScriptedAnswer {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: readonly RtspHeader[];
  readonly body?: string;
}

/** What the camera does about a request. */
export type CameraScript = (
  head: RtspRequestHead,
  before: number,
) => ScriptedAnswer | "silence" | "close";

/** A client and its camera. */
export class ScriptedCamera {
  readonly client: RtspClient;
  readonly requests: RtspRequestHead[] = [];
  readonly events: RtspClientEvent[] = [];
  readonly #script: CameraScript;
  readonly #reader = new RtspReader();
  now = 1_000;

  constructor(script: CameraScript, options: Partial<RtspClientOptions> = {}) {
    this.#script = script;
    this.client = new RtspClient({
      goal: "options",
      streams: [{ channel: 1, url: "rtsp://127.0.0.1:554/cam/realmonitor?channel=1&subtype=0" }],
      account: "unproven",
      path: "direct",
      random: seededRandom(1),
      ...options,
    });
  }

  /** Starts the client and lets both talk until they are silent. */
  start(): this {
    this.client.start(this.now);
    this.#settle();
    return this;
  }

  /** Sends bytes to the client. */
  send(bytes: Uint8Array): void {
    this.client.receive(bytes, this.now);
    this.#settle();
  }

  /** Lets time pass up to the client's next deadline. */
  expire(): void {
    this.now = this.client.pollDeadline()!.at;
    this.client.handleTimeout(this.now);
    this.#settle();
  }

  /** The methods the camera was asked, in order. */
  get methods(): readonly string[] {
    return this.requests.map(({ method }) => method);
  }

  /** How often a login was sent. */
  get logins(): number {
    return this.requests.filter((head) => headerValue(head, "Authorization") !== undefined).length;
  }

  /** The reason of the failure that ended it, or `done`. */
  get end(): string | undefined {
    const last = this.events.at(-1);
    return last?.type === "failed" ? last.failure.reason : last?.type;
  }

  #settle(): void {
    for (let bytes = this.client.pollTransmit(); bytes; bytes = this.client.pollTransmit()) {
      this.#reader.push(bytes);
      for (let item = this.#reader.next(); item; item = this.#reader.next()) {
        if (item.type === "request") this.#answer(item.head);
      }
    }
    for (let event = this.client.pollEvent(); event; event = this.client.pollEvent()) {
      this.events.push(event);
    }
  }

  #answer(head: RtspRequestHead): void {
    const before = this.requests.filter(({ method }) => method === head.method).length;
    this.requests.push(head);
    const answer = this.#script(head, before);
    if (answer === "silence") return;
    if (answer === "close") return this.client.closed();
    const { status, reason = "x", headers = [], body = "" } = answer;
    const bytes = encodeHead({
      type: "response",
      version: "1.0",
      status,
      reason,
      headers: [
        ["CSeq", headerValue(head, "CSeq") ?? "0"],
        ...headers,
        ...(body === "" ? [] : [["Content-Length", String(utf8(body).length)] as const]),
      ],
    });
    this.client.receive(concatBytes([bytes, utf8(body)]), this.now);
  }
}

/** A challenge as devices send it. */
export function challenge(parameters = ""): readonly RtspHeader[] {
  return [["WWW-Authenticate", `Digest realm="Login to x", nonce="abc"${parameters}`]];
}

/** A description with one H.264 track of 1920x1080. */
export const DESCRIPTION = [
  "v=0",
  "o=- 1 1 IN IP4 0.0.0.0",
  "s=x",
  "m=video 0 RTP/AVP 96",
  "a=control:trackID=0",
  "a=framerate:25.000000",
  "a=rtpmap:96 H264/90000",
  "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z2QAKqwsaoHgCJ+WbgICAgQ=,aO4xshs=",
  "m=audio 0 RTP/AVP 8",
  "a=control:trackID=1",
  "",
].join("\r\n");

/** An interleaved RTP packet of channel 0. */
export function rtp(
  packet: { sequence: number; timestamp: number; payload: readonly number[]; channel?: number },
): Uint8Array {
  const { sequence, timestamp, payload, channel = 0 } = packet;
  const length = 12 + payload.length;
  return Uint8Array.of(
    0x24,
    channel,
    length >> 8,
    length & 255,
    0x80,
    96,
    sequence >> 8,
    sequence & 255,
    (timestamp >>> 24) & 255,
    (timestamp >>> 16) & 255,
    (timestamp >>> 8) & 255,
    timestamp & 255,
    1,
    2,
    3,
    4,
    ...payload,
  );
}

/** A head as text, for assertions about lines. */
export function headText(head: RtspRequestHead): string {
  return decodeLatin1(encodeHead(head));
}
