/**
 * What an RTSP client is told and what it reports.
 *
 * @module
 */
import type { Failure } from "../failure.ts";
import type { Random, Trace } from "../types.ts";
import type { DigestCredentials } from "./digest.ts";
import type { MediaFigures } from "./media_meter.ts";
import type { MediaDescription } from "./session_description.ts";

/** One stream of the device. */
export interface RtspStream {
  /** Its channel, for reports. */
  readonly channel: number;
  /** An absolute `rtsp:` URL without login. */
  readonly url: string;
}

/**
 * How far to go: an answer to OPTIONS; the description of every stream; media of the first stream.
 */
export type RtspGoal = "options" | "describe" | "media";

/** What a client is told once. */
export interface RtspClientOptions {
  readonly goal: RtspGoal;
  /** At least one. */
  readonly streams: readonly RtspStream[];
  readonly credentials?: DigestCredentials | undefined;
  /** Whether the device is known to accept the account: then a 401 is no wrong password. */
  readonly account: "proven" | "unproven";
  /** How the bytes travel, for reports. */
  readonly path: string;
  /** For client nonces. */
  readonly random: Random;
  /** How long an answer is waited for; 8 s: go2rtc gives up after 5. */
  readonly answerTimeoutMs?: number | undefined;
  /** From PLAY until a key frame must have come; 10 s: twice the longest usual interval. */
  readonly keyFrameTimeoutMs?: number | undefined;
  /** How long media is measured; 5 s. */
  readonly measureMs?: number | undefined;
  readonly trace?: Trace | undefined;
}

/** Defaults of an RTSP client. */
export const RTSP_CLIENT_DEFAULTS = {
  answerTimeoutMs: 8_000,
  keyFrameTimeoutMs: 10_000,
  measureMs: 5_000,
} as const;

/** What a client reports; `done` and `failed` end it. */
export type RtspClientEvent =
  /** OPTIONS was answered, with whatever status: something that speaks RTSP is there. */
  | { readonly type: "answered"; readonly status: number }
  | {
    readonly type: "described";
    readonly channel: number;
    readonly media: readonly MediaDescription[];
  }
  /** The device has no such channel; others may still be described. */
  | { readonly type: "missing"; readonly channel: number }
  | { readonly type: "measured"; readonly figures: MediaFigures }
  | { readonly type: "done" }
  | { readonly type: "failed"; readonly failure: Failure };
