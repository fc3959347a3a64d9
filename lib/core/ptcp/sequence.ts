/**
 * Arithmetic of sequence numbers modulo 2^32 and of timestamps modulo 2^31.
 *
 * Sequence numbers are compared nowhere else: libjingle compares them raw and stalls at 4 GiB,
 * a signed difference does not. Two numbers are comparable while less than 2^31 apart.
 *
 * Source: PROTOCOL.md sections 2.8 and 10.
 *
 * @module
 */

/** `a + n` modulo 2^32. `n` may be negative. */
export function seqAdd(a: number, n: number): number {
  return (a + n) >>> 0;
}

/** `a - b` as a signed 32-bit number: positive when `a` lies after `b`. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

/** Whether `a` lies before `b`. */
export function seqLess(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Whether `at` lies in the `length` numbers from `start`. */
export function seqWithin(at: number, start: number, length: number): boolean {
  return ((at - start) >>> 0) < length;
}

/**
 * `a - b` of two timestamps as a signed 31-bit number of ms; right for clocks that wrap at 2^31
 * and for clocks that wrap at 2^32.
 */
export function timestampDiff(a: number, b: number): number {
  return ((a - b) << 1) >> 1;
}
