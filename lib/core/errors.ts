/**
 * Whose fault it is, in types: the peer's ({@linkcode DecodeError}), the caller's
 * ({@linkcode StateError}, or the built-in `RangeError` and `TypeError`), or ours
 * ({@linkcode invariant}).
 *
 * @module
 */

/** The peer sent bytes that are not what the format says. Caught in one place, traced, dropped. */
export class DecodeError extends Error {
  /** `DecodeError`. */
  override readonly name: string = "DecodeError";
  /** What was being decoded and what is wrong with it. */
  readonly what: string;
  /** Byte offset of the fault. */
  readonly offset: number;

  /**
   * Says what was wrong and where.
   *
   * @param what What was being decoded and what is wrong with it, without any payload bytes.
   * @param offset Byte offset of the fault.
   */
  constructor(what: string, offset = 0) {
    super(`${what} (at byte ${offset})`);
    this.what = what;
    this.offset = offset;
  }
}

/** The caller used an object in a state that does not allow it. */
export class StateError extends Error {
  /** `StateError`. */
  override readonly name: string = "StateError";
}

/** We broke a promise to ourselves: a bug in this program. */
export class InvariantError extends Error {
  /** `InvariantError`. */
  override readonly name: string = "InvariantError";
}

/**
 * Asserts what the code relies on.
 *
 * @throws {InvariantError} When `condition` is false.
 */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantError(what);
}
