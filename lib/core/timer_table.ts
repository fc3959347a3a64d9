/**
 * A closed set of named timers: the instants at which a machine wants to be called.
 *
 * @module
 */
import type { Deadline } from "./types.ts";

/**
 * Named instants, each set or not. Timers do not fire: whoever owns the table asks which are due.
 *
 * @typeParam Name The names; the table never holds another.
 */
export class TimerTable<Name extends string> {
  readonly #names: readonly Name[];
  readonly #at: Record<Name, number>;
  #earliest: Deadline | undefined;
  #stale = false;

  /**
   * A table in which no timer is set.
   *
   * @param names Every timer, in the order in which those of one instant are reported.
   */
  constructor(names: readonly Name[]) {
    this.#names = names;
    this.#at = Object.fromEntries(names.map((name) => [name, Infinity])) as Record<Name, number>;
  }

  /** Sets a timer, replacing its earlier instant. */
  set(name: Name, at: number): void {
    if (this.#at[name] === at) return;
    this.#at[name] = at;
    this.#stale = true;
  }

  /** Unsets a timer. */
  clear(name: Name): void {
    this.#at[name] = Infinity;
    this.#stale = true;
  }

  /** Unsets every timer. */
  clearAll(): void {
    for (const name of this.#names) this.#at[name] = Infinity;
    this.#stale = true;
  }

  /** The instant of a timer, `Infinity` when it is not set. */
  at(name: Name): number {
    return this.#at[name];
  }

  /** Whether a timer is set. */
  isSet(name: Name): boolean {
    return this.#at[name] !== Infinity;
  }

  /** Unsets a timer that is due at `now` and says whether it was. */
  take(name: Name, now: number): boolean {
    if (this.#at[name] > now) return false;
    this.clear(name);
    return true;
  }

  /** The first timer that will be due, or nothing when none is set. */
  earliest(): Deadline | undefined {
    if (!this.#stale) return this.#earliest;
    this.#stale = false;
    let first: Name | undefined;
    for (const name of this.#names) {
      const at = this.#at[name];
      if (at !== Infinity && (first === undefined || at < this.#at[first])) first = name;
    }
    if (first === undefined) return this.#earliest = undefined;
    const at = this.#at[first];
    if (this.#earliest?.at === at && this.#earliest.reason === first) return this.#earliest;
    return this.#earliest = { at, reason: first };
  }
}

/** The earlier of two deadlines; either may be absent. */
export function earlier(a: Deadline | undefined, b: Deadline | undefined): Deadline | undefined {
  if (!a) return b;
  if (!b) return a;
  return b.at < a.at ? b : a;
}
