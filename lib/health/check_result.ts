/**
 * What one check of one device found: the same data for every format.
 *
 * @module
 */
import type { PathKind } from "../core/carrier.ts";
import type { PathPolicy } from "../core/cloud/signaling.ts";
import type { Failure, Reason } from "../core/failure.ts";
import type { MediaFigures } from "../core/rtsp/media_meter.ts";
import type { MediaDescription } from "../core/rtsp/session_description.ts";
import type { CheckLevel } from "./check_level.ts";

/**
 * `up`: everything asked for was seen to work. `down`: something was seen not to work. `unknown`: the
 * device was not judged (another check runs, time was up, a bad line in the list, our bug).
 */
export type CheckState = "up" | "down" | "unknown";

/** Who told: the cloud, a session of the check's own, or a tunnel that was running already. */
export type CheckSource = "cloud" | "session" | "tunnel" | "none";

/** Steps of a check; each is reported with the time at which it was passed. */
export type CheckPhase =
  | "resolve"
  | "lookup"
  | "auth"
  | "channel"
  | "punch"
  | "relay"
  | "session"
  | "port"
  | "rtsp"
  | "describe"
  | "media";

/** One port of the device. */
export interface CheckedPort {
  /** Of the device. */
  readonly port: number;
  /** Whether the device grants it; `untested` when a running tunnel does not forward it. */
  readonly answer: "granted" | "refused" | "untested";
}

/** One channel. */
export interface CheckedChannel {
  /** From 1. */
  readonly channel: number;
  /** Whether the device has it. */
  readonly present: boolean;
  /** Its tracks. */
  readonly media: readonly MediaDescription[];
}

/** One result. Times in ms. */
export interface CheckResult {
  /** Its name for people: configured, from the list, or the redacted serial. */
  readonly device: string;
  /** Hash of the serial, the same in every run. */
  readonly id: string;
  /** The verdict. */
  readonly state: CheckState;
  /** `ok`, or the stable reason word. */
  readonly reason: Reason | "ok";
  /** A sentence or more. */
  readonly message: string;
  /** How far the check was to go. */
  readonly level: CheckLevel;
  /** The highest level that was seen to work. */
  readonly reached?: CheckLevel | undefined;
  /** Who told. */
  readonly source: CheckSource;
  /** When it began, Unix ms. */
  readonly startedAt: number;
  /** Of the whole check. */
  readonly durationMs: number;
  /** From the beginning until each step was passed. */
  readonly phases: Readonly<Partial<Record<CheckPhase, number>>>;
  /** From the beginning until the session could carry data. */
  readonly handshakeMs?: number | undefined;
  /** How the bytes travel. */
  readonly path?: PathKind | undefined;
  /** What was asked for; `auto` when nothing was. */
  readonly pathWanted?: PathPolicy | undefined;
  /** Of the device's P2P program. */
  readonly version?: string | undefined;
  /** What the device offers, e.g. `p2p`, `udprelay`. */
  readonly policy?: readonly string[] | undefined;
  /** To the device and back. */
  readonly roundTripMs?: number | undefined;
  /** Losses our transport noticed. */
  readonly packetsLost?: number | undefined;
  /** Segments our transport sent again. */
  readonly packetsResent?: number | undefined;
  /** Those that were to be granted. */
  readonly ports?: readonly CheckedPort[] | undefined;
  /** Status of the first RTSP answer; 401 counts as reachable. */
  readonly rtspStatus?: number | undefined;
  /** Those that were to be described. */
  readonly channels?: readonly CheckedChannel[] | undefined;
  /** What was measured while the first channel played. */
  readonly media?: MediaFigures | undefined;
  /** What is not as it should be although the device is up. */
  readonly warnings: readonly Failure[];
}

/** Counts of a run. */
export interface CheckSummary {
  readonly total: number;
  readonly up: number;
  readonly down: number;
  readonly unknown: number;
}

/** Counts the results of a run. */
export function summarize(results: readonly Pick<CheckResult, "state">[]): CheckSummary {
  const count = (state: CheckState): number =>
    results.filter((result) => result.state === state).length;
  return {
    total: results.length,
    up: count("up"),
    down: count("down"),
    unknown: count("unknown"),
  };
}

/** Reasons that say nothing about the device. */
const UNJUDGED: ReadonlySet<Reason> = new Set(["busy", "config", "internal", "usage"]);

/** The state a failure puts a device into. */
export function stateOf(reason: Reason): CheckState {
  return UNJUDGED.has(reason) ? "unknown" : "down";
}

/** A result without a check: why the device was not looked at. */
export function unchecked(
  device: { readonly name: string; readonly id: string },
  level: CheckLevel,
  failure: Failure,
  startedAt: number,
): CheckResult {
  return {
    device: device.name,
    id: device.id,
    state: "unknown",
    reason: failure.reason,
    message: `${failure.what} ${failure.advice}`.trim(),
    level,
    source: "none",
    startedAt,
    durationMs: 0,
    phases: {},
    warnings: [],
  };
}
