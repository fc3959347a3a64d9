/**
 * Durations as people write and read them: `500ms`, `10s`, `5m`, `4h12m`.
 *
 * @module
 */
import { InvalidValue } from "./usage.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The limits of one duration option, in ms. */
export interface DurationLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Reads a number with its unit. Bare numbers are refused: programs disagree about their unit.
 *
 * @returns Whole milliseconds.
 * @throws {InvalidValue} When it is anything else or outside the limits.
 */
export function parseDuration(text: string, limits: DurationLimits): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text);
  const ms = match ? Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? NaN)) : NaN;
  if (!(ms >= limits.minMs && ms <= limits.maxMs)) {
    throw new InvalidValue(
      `a duration with its unit (500ms, 10s, 5m) from ${formatDuration(limits.minMs)} to ${
        formatDuration(limits.maxMs)
      }`,
    );
  }
  return ms;
}

/**
 * Two significant units at most: `38ms`, `1.9s`, `30s`, `4m10s`, `4h12m`. A part that is zero is left
 * out, and nothing is rounded up to a unit it does not reach.
 *
 * @param ms Not negative.
 */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(Math.round(ms / 100) / 10)}s`;
  if (ms < 3_600_000) return joined(Math.floor(ms / 1000), 60, "m", "s");
  return joined(Math.floor(ms / 60_000), 60, "h", "m");
}

function joined(count: number, base: number, major: string, minor: string): string {
  // 59.95 s to 60 s counts as a minute: it would read "60s" otherwise.
  const whole = Math.max(count, base);
  const rest = whole % base;
  return `${Math.floor(whole / base)}${major}${rest === 0 ? "" : `${rest}${minor}`}`;
}
