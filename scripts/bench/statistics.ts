/**
 * The little statistics a bench needs.
 *
 * @module
 */

/**
 * The value below which a share of all values lies.
 *
 * @param values At least one, in any order.
 * @param share 0 to 1.
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** The middle of all values. */
export function median(values: readonly number[]): number {
  const middle = quantile(values, 0.5);
  if (values.length % 2 === 1) return middle;
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[values.length / 2 - 1]! + middle) / 2;
}
