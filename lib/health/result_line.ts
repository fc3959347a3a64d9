/**
 * Results as people read them: one line a device, in columns.
 *
 * @module
 */
import type { CheckResult, CheckState, CheckSummary } from "./check_result.ts";

/** How lines look. */
export interface LineStyle {
  /** Width of the column of names. */
  readonly nameWidth: number;
  readonly color: "on" | "off";
}

/** Names longer than this push their line to the right instead of all lines. */
const MAX_NAME_WIDTH = 32;

const COLORS: Readonly<Record<CheckState, string>> = {
  up: "\x1b[32m",
  down: "\x1b[31m",
  unknown: "\x1b[33m",
};

/** The style that fits these names. */
export function lineStyle(names: readonly string[], color: LineStyle["color"]): LineStyle {
  const longest = names.reduce((width, name) => Math.max(width, name.length), 0);
  return { nameWidth: Math.min(longest, MAX_NAME_WIDTH), color };
}

/** `front-door  up       direct  38ms   1.9s  rtsp 401 (reachable)`. */
export function resultLine(result: CheckResult, style: LineStyle): string {
  const { device, state, path, roundTripMs, durationMs, reason, message } = result;
  const word = state.padEnd(7);
  const columns = [
    device.padEnd(style.nameWidth),
    style.color === "on" ? `${COLORS[state]}${word}\x1b[0m` : word,
    (path ?? "-").padEnd(6),
    (roundTripMs === undefined ? "-" : `${roundTripMs}ms`).padStart(6),
    seconds(durationMs).padStart(6),
    reason === "ok" ? message : `${reason}: ${message}`,
  ];
  const warnings = result.warnings.map(({ reason, what }) => ` [${reason}: ${what}]`).join("");
  return columns.join("  ") + warnings;
}

/** `3/4 up`, and what the others are. */
export function summaryLine({ up, total, down, unknown }: CheckSummary): string {
  const others = [down > 0 ? `${down} down` : "", unknown > 0 ? `${unknown} unknown` : ""]
    .filter((part) => part !== "").join(", ");
  return `${up}/${total} up${others === "" ? "" : ` (${others})`}`;
}

function seconds(ms: number): string {
  return ms < 999.5 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}
