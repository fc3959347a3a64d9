/**
 * A small RTSP client over any byte stream: asks what is there, and watches it play for a while.
 *
 * | state      | on                                    | then                                       |
 * |------------|---------------------------------------|--------------------------------------------|
 * | idle       | `start`                               | options                                    |
 * | options    | any answer                            | describe, or done                          |
 * | describe   | 200                                   | describe the next, setup, or done          |
 * | describe   | 404                                   | describe the next, or failed when none was |
 * | setup      | 200                                   | play                                       |
 * | play       | 200                                   | measure                                    |
 * | measure    | `measure` due and a key frame came    | teardown                                   |
 * | measure    | `key-frame` due without one           | failed                                     |
 * | teardown   | any answer, or `answer` due           | done                                       |
 * | any        | 401                                   | the same again with a login, or failed     |
 * | any        | other refusal, `answer` due, closed   | failed                                     |
 *
 * Source: RFC 2326; PROTOCOL.md section 1.4 for what devices answer.
 *
 * @module
 */
import { decodeLatin1, utf8 } from "../bytes.ts";
import { DecodeError, StateError } from "../errors.ts";
import type { Failure } from "../failure.ts";
import { relayZombie } from "../link_failures.ts";
import { TimerTable } from "../timer_table.ts";
import type { Deadline } from "../types.ts";
import * as failures from "./client_failures.ts";
import { RtspLogin } from "./client_login.ts";
import {
  RTSP_CLIENT_DEFAULTS,
  type RtspClientEvent,
  type RtspClientOptions,
  type RtspStream,
} from "./client_options.ts";
import { MediaMeter } from "./media_meter.ts";
import { encodeHead, headerValue, headerValues, type RtspHeader } from "./message.ts";
import { type RtspItem, RtspReader } from "./reader.ts";
import {
  controlUrl,
  type MediaDescription,
  parseSessionDescription,
} from "./session_description.ts";

export type { RtspClientEvent, RtspClientOptions, RtspStream } from "./client_options.ts";

type Timer =
  /** The request under way was not answered. */
  | "answer"
  /** No picture came. */
  | "key-frame"
  /** Media was watched for long enough. */
  | "measure";

type Method = "OPTIONS" | "DESCRIBE" | "SETUP" | "PLAY" | "TEARDOWN";

interface Asked {
  readonly method: Method;
  readonly uri: string;
  readonly headers: readonly RtspHeader[];
  readonly cseq: number;
}

type Response = Extract<RtspItem, { type: "response" }>;

/** A farewell is not waited for longer. */
const TEARDOWN_TIMEOUT_MS = 1_000;

/** What a device says, in its status text or body, when its connections are used up. */
const LIMIT_WORDS = /threshold|too many|maximum|exceed/i;

/** One dialogue on one connection. */
export class RtspClient {
  readonly #options: RtspClientOptions & typeof RTSP_CLIENT_DEFAULTS;
  readonly #login: RtspLogin;
  readonly #reader = new RtspReader();
  readonly #timers = new TimerTable<Timer>(["answer", "key-frame", "measure"]);
  readonly #transmits: Uint8Array[] = [];
  readonly #events: RtspClientEvent[] = [];
  readonly #described: { stream: RtspStream; base: string; media: readonly MediaDescription[] }[] =
    [];
  readonly #missing: number[] = [];
  #ended = false;
  #asked: Asked | undefined;
  #cseq = 0;
  #answers = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #session: string | undefined;
  #next = 0;
  #meter: MediaMeter | undefined;
  #playedAt = 0;

  /**
   * A client that has not begun.
   *
   * @throws {RangeError} Without a stream.
   */
  constructor(options: RtspClientOptions) {
    if (options.streams.length === 0) throw new RangeError("at least one stream is needed");
    const { answerTimeoutMs, keyFrameTimeoutMs, measureMs } = options;
    this.#options = {
      ...options,
      answerTimeoutMs: answerTimeoutMs ?? RTSP_CLIENT_DEFAULTS.answerTimeoutMs,
      keyFrameTimeoutMs: keyFrameTimeoutMs ?? RTSP_CLIENT_DEFAULTS.keyFrameTimeoutMs,
      measureMs: measureMs ?? RTSP_CLIENT_DEFAULTS.measureMs,
    } as RtspClientOptions & typeof RTSP_CLIENT_DEFAULTS;
    this.#login = new RtspLogin(options.credentials, options.random, options.account);
  }

  /** Begins. @throws {StateError} The second time. */
  start(now: number): void {
    if (this.#cseq > 0) throw new StateError("an RTSP client starts once");
    this.#ask("OPTIONS", this.#options.streams[0]!.url, [], now);
  }

  /** Takes bytes of the device, which are given away. */
  receive(bytes: Uint8Array, now: number): void {
    if (this.#ended) return;
    this.#receivedBytes += bytes.length;
    this.#reader.push(bytes);
    try {
      for (let item = this.#reader.next(); item && !this.#ended; item = this.#reader.next()) {
        if (item.type === "response") this.#onResponse(item, now);
        else if (item.type === "interleaved" && item.channel === 0) this.#onPacket(item.data, now);
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#fail(failures.unexpected(error.what));
    }
  }

  /** The device has closed the connection. */
  closed(): void {
    if (this.#ended) return;
    if (this.#asked?.method === "TEARDOWN") return this.#done();
    this.#fail(
      failures.limitReached(
        this.#answers === 0
          ? "closed without an answer"
          : `closed during ${this.#asked?.method ?? "PLAY"}`,
      ),
    );
  }

  /** Runs every timer that is due. */
  handleTimeout(now: number): void {
    if (this.#timers.take("answer", now)) this.#onSilence();
    if (this.#timers.take("measure", now)) this.#judgeMedia(now);
    if (this.#timers.take("key-frame", now) && this.#meter?.playable === false) {
      const { packets } = this.#meter.figures;
      this.#fail(failures.noPicture(packets, now - this.#playedAt));
    }
  }

  /** The next bytes to send. */
  pollTransmit(): Uint8Array | undefined {
    return this.#transmits.shift();
  }

  /** The next thing that happened. */
  pollEvent(): RtspClientEvent | undefined {
    return this.#events.shift();
  }

  /** When {@linkcode handleTimeout} is due. */
  pollDeadline(): Deadline | undefined {
    return this.#ended ? undefined : this.#timers.earliest();
  }

  /** @throws {DecodeError} When the device gave a URL that is no line. */
  #ask(method: Method, uri: string, headers: readonly RtspHeader[], now: number): void {
    if (hasLineBreak(uri)) throw new DecodeError("a line break in a URL of the device");
    const cseq = ++this.#cseq;
    this.#asked = { method, uri, headers, cseq };
    const authorization = this.#login.authorization(method, uri);
    const bytes = encodeHead({
      type: "request",
      method,
      uri,
      version: "1.0",
      headers: [
        ["CSeq", String(cseq)],
        ["User-Agent", "dahua-p2p"],
        ...headers,
        ...(this.#session === undefined ? [] : [["Session", this.#session] as const]),
        ...(authorization === undefined ? [] : [["Authorization", latin1(authorization)] as const]),
      ],
    });
    this.#sentBytes += bytes.length;
    this.#transmits.push(bytes);
    const timeoutMs = method === "TEARDOWN" ? TEARDOWN_TIMEOUT_MS : this.#options.answerTimeoutMs;
    this.#timers.set("answer", now + timeoutMs);
    this.#options.trace?.({ at: now, scope: "rtsp", name: "request", data: { method, cseq } });
  }

  #onResponse(response: Response, now: number): void {
    const asked = this.#asked;
    const { status } = response.head;
    // A bare carriage return ends no line for the reader; sent back, it would be one for the device.
    if (response.head.headers.some(([, value]) => hasLineBreak(value))) {
      throw new DecodeError("a line break in a header");
    }
    const cseq = headerValue(response.head, "CSeq");
    if (!asked || status < 200 || (cseq !== undefined && Number(cseq) !== asked.cseq)) return;
    this.#asked = undefined;
    this.#answers++;
    this.#timers.clear("answer");
    const data = { method: asked.method, status };
    this.#options.trace?.({ at: now, scope: "rtsp", name: "response", data });
    if (asked.method === "TEARDOWN") return this.#done();
    if (asked.method === "OPTIONS") return this.#onOptions(response, now);
    if (status < 300) {
      this.#login.served();
      return this.#onServed(asked, response, now);
    }
    if (asked.method === "DESCRIBE" && status === 404) {
      this.#login.served();
      const { channel } = this.#options.streams[this.#next - 1]!;
      this.#missing.push(channel);
      this.#events.push({ type: "missing", channel });
      return this.#describeNext(now);
    }
    const verdict = this.#refusal(asked.method, response);
    if (verdict === "again") this.#ask(asked.method, asked.uri, asked.headers, now);
    else this.#fail(verdict);
  }

  #onOptions(response: Response, now: number): void {
    const { status } = response.head;
    const failure = status === 401 ? undefined : this.#turnedDown(response);
    if (failure) return this.#fail(failure);
    this.#events.push({ type: "answered", status });
    if (this.#options.goal === "options") return this.#done();
    if (status === 401) this.#login.learn(headerValues(response.head, "WWW-Authenticate"));
    this.#describeNext(now);
  }

  #onServed(asked: Asked, response: Response, now: number): void {
    if (asked.method === "DESCRIBE") {
      const stream = this.#options.streams[this.#next - 1]!;
      const media = parseSessionDescription(decodeLatin1(response.body));
      const base = headerValue(response.head, "Content-Base") ?? asked.uri;
      this.#described.push({ stream, base, media });
      this.#events.push({ type: "described", channel: stream.channel, media });
      return this.#describeNext(now);
    }
    const session = headerValue(response.head, "Session")?.split(";")[0]?.trim();
    if (session) this.#session = session;
    if (asked.method === "SETUP") {
      const { base } = this.#described[0]!;
      const video = this.#video!;
      this.#playedAt = now;
      this.#meter = new MediaMeter(video.codec, video.clockRate, now);
      return this.#ask("PLAY", base, [["Range", "npt=0.000-"]], now);
    }
    this.#timers.set("measure", now + this.#options.measureMs);
    this.#timers.set("key-frame", this.#playedAt + this.#options.keyFrameTimeoutMs);
  }

  #describeNext(now: number): void {
    const { streams, goal } = this.#options;
    const stream = streams[this.#next++];
    if (stream) {
      return this.#ask("DESCRIBE", stream.url, [["Accept", "application/sdp"]], now);
    }
    const [first] = this.#described;
    if (!first) return this.#fail(failures.notFound(this.#missing));
    if (goal === "describe") return this.#done();
    const video = this.#video;
    if (!video) return this.#fail(failures.noVideo(first.stream.channel));
    const transport: RtspHeader = ["Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"];
    this.#ask("SETUP", controlUrl(first.base, video.control), [transport], now);
  }

  get #video(): MediaDescription | undefined {
    return this.#described[0]?.media.find(({ kind }) => kind === "video");
  }

  #onPacket(data: Uint8Array, now: number): void {
    const meter = this.#meter;
    if (!meter) return;
    meter.packet(data, now);
    // The time of measuring was over before there was a picture.
    if (meter.playable && this.#timers.isSet("key-frame") && !this.#timers.isSet("measure")) {
      this.#judgeMedia(now);
    }
  }

  #judgeMedia(now: number): void {
    const meter = this.#meter;
    if (!meter?.playable || !this.#timers.isSet("key-frame")) return;
    this.#timers.clear("key-frame");
    this.#events.push({ type: "measured", figures: meter.figures });
    this.#ask("TEARDOWN", this.#described[0]!.base, [], now);
  }

  #refusal(method: Method, response: Response): "again" | Failure {
    const { status } = response.head;
    if (status === 401) {
      const limit = this.#limitWords(response);
      if (limit) return limit;
      return this.#login.refused(headerValues(response.head, "WWW-Authenticate"));
    }
    return this.#turnedDown(response) ??
      (status === 404
        ? failures.notFound([this.#described[0]!.stream.channel])
        : failures.unexpected(`${method} ${status}`));
  }

  /** Refusals that mean the same whatever was asked. */
  #turnedDown(response: Response): Failure | undefined {
    const { status } = response.head;
    if (status === 453 || status === 503) return failures.limitReached(`${status}`);
    if (status !== 403) return undefined;
    const limit = this.#limitWords(response);
    if (limit) return limit;
    // With a login it is the account's share; without one nobody is let in.
    return this.#login.sent ? failures.limitReached("403 after a login") : failures.lockedOut();
  }

  #limitWords(response: Response): Failure | undefined {
    const { status, reason } = response.head;
    const text = `${reason} ${decodeLatin1(response.body.subarray(0, 512))}`;
    return LIMIT_WORDS.test(text)
      ? failures.limitReached(`${status}, its users are used up`)
      : undefined;
  }

  #onSilence(): void {
    const asked = this.#asked;
    if (!asked) return;
    if (asked.method === "TEARDOWN") return this.#done();
    const { answerTimeoutMs, path } = this.#options;
    if (this.#answers === 0 && this.#receivedBytes > 0) {
      return this.#fail(failures.unexpected("something came, but no answer"));
    }
    this.#fail(
      this.#answers === 0
        ? relayZombie(this.#sentBytes, answerTimeoutMs, path)
        : failures.answerMissing(asked.method, answerTimeoutMs),
    );
  }

  #done(): void {
    this.#end();
    this.#events.push({ type: "done" });
  }

  #fail(failure: Failure): void {
    this.#end();
    this.#events.push({ type: "failed", failure });
  }

  #end(): void {
    this.#ended = true;
    this.#asked = undefined;
    this.#timers.clearAll();
  }
}

/** UTF-8 bytes one by one as characters: heads are Latin-1, user names may be more. */
function latin1(text: string): string {
  return Array.from(utf8(text), (byte) => String.fromCharCode(byte)).join("");
}

function hasLineBreak(text: string): boolean {
  return /[\r\n]/.test(text);
}
