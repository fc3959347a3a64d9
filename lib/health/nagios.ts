/**
 * Results for Nagios, Icinga and their like: one line, figures behind a bar, exit code 0 to 3.
 *
 * Source: Monitoring Plugins Development Guidelines, "plugin output" and "performance data".
 *
 * @module
 */
import { type CheckResult, summarize } from "./check_result.ts";

/** Exit codes of a plugin. */
export const NAGIOS_EXIT = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;

/** One of {@linkcode NAGIOS_EXIT}. */
export type NagiosExit = typeof NAGIOS_EXIT[keyof typeof NAGIOS_EXIT];

/** From when on a handshake is slow, in ms. */
export interface NagiosThresholds {
  readonly warningMs: number;
  readonly criticalMs: number;
}

/** A handshake takes 2 to 10 s; players give up after 10, ours after 30. */
export const NAGIOS_THRESHOLDS: NagiosThresholds = { warningMs: 10_000, criticalMs: 30_000 };

/** What a run is to Nagios. */
export interface NagiosReport {
  readonly line: string;
  readonly exit: NagiosExit;
}

const WORDS = ["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const;

/** The worst first: a device that is down is worse than one nobody looked at. */
const SEVERITY: readonly NagiosExit[] = [2, 1, 3, 0];

/** A line is cut here: some transports of Nagios take 4 kB. */
const MAX_TEXT_LENGTH = 1_000;

/** Reports a run. The relay is a warning unless it was asked for. */
export function nagiosReport(
  results: readonly CheckResult[],
  thresholds: NagiosThresholds = NAGIOS_THRESHOLDS,
): NagiosReport {
  const judged = results.map((result) => ({ result, ...judge(result, thresholds) }));
  const exit = SEVERITY.find((code) => judged.some((one) => one.exit === code)) ?? 0;
  const [only] = judged;
  const worst = judged.filter((one) => one.exit === exit && exit !== 0);
  const summary = summarize(results);
  const text = judged.length === 1 && only ? `${only.result.device} ${only.text}` : [
    `${summary.up}/${summary.total} up`,
    ...worst.map(({ result, text }) => `${result.device} ${text}`),
  ].join("; ");
  return { line: nagiosLine(exit, text, figures(results, thresholds)), exit };
}

/** The line of a run that could not even begin. */
export function nagiosUnknown(message: string): NagiosReport {
  return { line: nagiosLine(3, message, []), exit: NAGIOS_EXIT.unknown };
}

function nagiosLine(exit: NagiosExit, text: string, figures: readonly string[]): string {
  // The bar begins the figures and a line end the long text.
  const plain = text.replace(/[|\r\n]+/g, " ").slice(0, MAX_TEXT_LENGTH);
  const tail = figures.length === 0 ? "" : ` | ${figures.join(" ")}`;
  return `DAHUA-P2P ${WORDS[exit]} - ${plain}${tail}`;
}

function judge(
  result: CheckResult,
  { warningMs, criticalMs }: NagiosThresholds,
): { readonly exit: NagiosExit; readonly text: string } {
  const { state, reason, message, handshakeMs = 0 } = result;
  if (state !== "up") {
    return { exit: state === "down" ? 2 : 3, text: `${reason}: ${message}` };
  }
  const slow = handshakeMs >= warningMs;
  const relay = isRelayed(result) && (result.pathWanted ?? "auto") === "auto";
  const notes = [
    ...(relay ? ["relay in use"] : []),
    ...(slow ? [`slow handshake (${(handshakeMs / 1000).toFixed(1)}s)`] : []),
  ];
  const exit = handshakeMs >= criticalMs ? 2 : notes.length > 0 ? 1 : 0;
  return { exit, text: [...notes, message].join(", ") };
}

/** Whether the bytes take a detour, of either kind. */
function isRelayed({ path }: CheckResult): boolean {
  return path !== undefined && path !== "direct";
}

function figures(results: readonly CheckResult[], thresholds: NagiosThresholds): string[] {
  const { up, total } = summarize(results);
  const relays = results.filter(isRelayed).length;
  const [result] = results;
  if (results.length !== 1 || !result) {
    return [`up=${up};;;0;${total}`, `relay=${relays};;;0;${total}`];
  }
  const seconds = (ms: number): string => (ms / 1000).toFixed(3);
  const { warningMs, criticalMs } = thresholds;
  const { handshakeMs, roundTripMs, phases, media } = result;
  return [
    ...(handshakeMs === undefined
      ? []
      : [`handshake=${seconds(handshakeMs)}s;${warningMs / 1000};${criticalMs / 1000}`]),
    ...(phases.rtsp === undefined || handshakeMs === undefined
      ? []
      : [`rtsp=${seconds(Math.max(0, phases.rtsp - handshakeMs))}s`]),
    ...(roundTripMs === undefined ? [] : [`rtt=${seconds(roundTripMs)}s`]),
    ...(media
      ? [
        `fps=${media.framesPerSecond.toFixed(1)}`,
        `bitrate=${Math.round(media.bitsPerSecond / 8)}B`,
      ]
      : []),
    `relay=${relays}`,
    `up=${up}`,
  ];
}
