/**
 * Sizes as people write them: `64KiB`, `4MiB`.
 *
 * @module
 */
import { InvalidValue } from "./usage.ts";

const UNIT_BYTES: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** The limits of one size option, in bytes. */
export interface SizeLimits {
  readonly minBytes: number;
  readonly maxBytes: number;
}

/**
 * Reads a number with a binary unit. Bare numbers are refused, as for durations.
 *
 * @returns Whole bytes.
 * @throws {InvalidValue} When it is anything else or outside the limits.
 */
export function parseSize(text: string, limits: SizeLimits): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)([KMG]iB)$/.exec(text);
  const bytes = match ? Math.round(Number(match[1]) * (UNIT_BYTES[match[2] ?? ""] ?? NaN)) : NaN;
  if (!(bytes >= limits.minBytes && bytes <= limits.maxBytes)) {
    throw new InvalidValue(
      `a size with its unit (64KiB, 4MiB) from ${formatSize(limits.minBytes)} to ${
        formatSize(limits.maxBytes)
      }`,
    );
  }
  return bytes;
}

/** The largest binary unit that is reached: `64KiB`, `1.5MiB`, `12B`. */
export function formatSize(bytes: number): string {
  for (const unit of ["GiB", "MiB", "KiB"]) {
    const size = UNIT_BYTES[unit] ?? 1;
    if (bytes >= size) return `${Math.round(bytes / size * 10) / 10}${unit}`;
  }
  return `${bytes}B`;
}
