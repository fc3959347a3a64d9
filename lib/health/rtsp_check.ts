/**
 * The levels that speak RTSP, over whatever carries the bytes.
 *
 * @module
 */
import { FailureError } from "../core/failure.ts";
import type { RtspGoal } from "../core/rtsp/client_options.ts";
import type { DigestCredentials } from "../core/rtsp/digest.ts";
import type { MediaDescription } from "../core/rtsp/session_description.ts";
import type { Trace } from "../core/types.ts";
import type { ByteStream } from "../net/byte_stream.ts";
import { systemRandom } from "../net/environment.ts";
import { runRtspDialogue } from "../net/rtsp_dialogue.ts";
import type { CheckLevel } from "./check_level.ts";
import type { CheckedChannel, CheckResult } from "./check_result.ts";
import type { Findings } from "./findings.ts";

/** The port of RTSP. */
export const DEFAULT_RTSP_PORT = 554;

/** What the RTSP levels need to know. */
export interface RtspCheck {
  readonly level: CheckLevel;
  readonly port: number;
  readonly channels: readonly number[];
  readonly credentials?: DigestCredentials | undefined;
  readonly keyFrameTimeoutMs?: number | undefined;
  readonly measureMs?: number | undefined;
  readonly trace?: Trace | undefined;
}

/** What only the connection tells. */
export interface RtspCarrier {
  /** Whether the device is known to accept the account. */
  readonly account: "proven" | "unproven";
  /** How the bytes travel, for reports. */
  readonly path: string;
}

/**
 * Speaks RTSP as far as the level asks for, and closes the stream.
 *
 * @throws {FailureError} When the level is not reached.
 */
export async function checkRtsp(
  stream: ByteStream,
  check: RtspCheck & RtspCarrier,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const goal: RtspGoal = check.level === "media"
    ? "media"
    : check.credentials
    ? "describe"
    : "options";
  const channels: CheckedChannel[] = [];
  const { found } = findings;
  const failure = await runRtspDialogue(
    stream,
    {
      ...check,
      goal,
      random: systemRandom,
      streams: check.channels.map((channel) => ({
        channel,
        url: `rtsp://127.0.0.1:${check.port}/cam/realmonitor?channel=${channel}&subtype=0`,
      })),
    },
    (event) => {
      switch (event.type) {
        case "answered":
          found.rtspStatus = event.status;
          findings.passed("rtsp");
          if (goal === "options") findings.reached("rtsp");
          return;
        case "described":
          channels.push({ channel: event.channel, present: true, media: event.media });
          findings.passed("describe");
          findings.reached("rtsp");
          break;
        case "missing":
          channels.push({ channel: event.channel, present: false, media: [] });
          break;
        case "measured":
          found.media = event.figures;
          findings.passed("media");
          findings.reached("media");
          return;
      }
      found.channels = channels;
    },
    signal,
  );
  if (failure) throw new FailureError(failure);
  const missing = channels.filter(({ present }) => !present).map(({ channel }) => channel);
  if (missing.length > 0) {
    throw new FailureError({
      reason: "rtsp-not-found",
      what: `The device answers RTSP but has no channel ${missing.join(", ")}.`,
      advice: "Channels of a recorder start at 1; an unused one has no stream.",
      facts: { channels: missing.join(",") },
    });
  }
}

/** What was found, in a few words: `direct, rtsp 401 (reachable), 1: H264 1920x1080`. */
export function describeFindings(found: Partial<CheckResult>): string {
  const { path, source, ports = [], rtspStatus, channels = [], media } = found;
  const parts = [
    source === "tunnel" ? "running tunnel" : "",
    path ?? "",
    ...ports.filter(({ answer }) => answer === "untested").map(({ port }) =>
      `port ${port} not forwarded by the tunnel, so not tested`
    ),
    rtspStatus === undefined ? "" : `rtsp ${rtspStatus}${rtspStatus === 401 ? " (reachable)" : ""}`,
    ...channels.map(({ channel, media: tracks }) => `channel ${channel} ${tracksText(tracks)}`),
  ];
  if (media) {
    parts.push(
      `${media.framesPerSecond.toFixed(1)} fps`,
      bitRate(media.bitsPerSecond),
      ...(media.keyFrameMs === undefined
        ? []
        : [`key frame after ${(media.keyFrameMs / 1000).toFixed(1)}s`]),
    );
  }
  return parts.filter((part) => part !== "").join(", ");
}

function tracksText(media: readonly MediaDescription[]): string {
  return media.map(({ codec, size }) => size ? `${codec} ${size.width}x${size.height}` : codec)
    .join(" + ");
}

function bitRate(bitsPerSecond: number): string {
  return bitsPerSecond >= 1_000_000
    ? `${(bitsPerSecond / 1_000_000).toFixed(1)} Mbit/s`
    : `${Math.round(bitsPerSecond / 1000)} kbit/s`;
}
