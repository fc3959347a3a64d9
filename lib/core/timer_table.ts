/**
 * The timers of one machine: a closed set of names, each armed at most once.
 *
 * @module
 */
import type { Deadline } from "./types.ts";

/**
 * Holds when each named timer of a machine is due.
 *
 * @typeParam Name The closed set of timer names.
 */
export class TimerTable<Name extends string> {
  readonly #dueAt = new Map<Name, number>();

  /** Arms or re-arms `name` for the instant `at`, in monotonic ms. */
  set(name: Name, at: number): void {
    this.#dueAt.set(name, at);
  }

  /** Arms `name` unless it is armed for an earlier instant already. */
  setNoLaterThan(name: Name, at: number): void {
    const current = this.#dueAt.get(name);
    if (current === undefined || at < current) this.#dueAt.set(name, at);
  }

  /** Disarms `name`; no effect when it is not armed. */
  clear(name: Name): void {
    this.#dueAt.delete(name);
  }

  /** Disarms every timer. */
  clearAll(): void {
    this.#dueAt.clear();
  }

  /** Whether `name` is armed. */
  isSet(name: Name): boolean {
    return this.#dueAt.has(name);
  }

  /** Disarms `name` if it is due at `now`, and says whether it was. */
  takeDue(name: Name, now: number): boolean {
    const at = this.#dueAt.get(name);
    if (at === undefined || at > now) return false;
    this.#dueAt.delete(name);
    return true;
  }

  /** The earliest armed timer, or nothing. */
  next(): Deadline | undefined {
    let reason: Name | undefined;
    let at = Infinity;
    for (const [name, dueAt] of this.#dueAt) {
      if (dueAt < at) {
        at = dueAt;
        reason = name;
      }
    }
    return reason === undefined ? undefined : { at, reason };
  }
}

/** The earlier of two deadlines; either may be absent. */
export function earlier(a: Deadline | undefined, b: Deadline | undefined): Deadline | undefined {
  if (!a) return b;
  if (!b) return a;
  return b.at < a.at ? b : a;
}
