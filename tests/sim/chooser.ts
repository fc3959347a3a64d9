/**
 * Choices by a seed.
 *
 * @module
 */
import { seededRandom } from "../../lib/core/random.ts";
import type { Random } from "../../lib/core/types.ts";

/** Makes one choice after the other; the same seed makes the same ones. */
export class Chooser {
  readonly random: Random;

  /** @param source A seed, or where chance comes from. */
  constructor(source: number | Random) {
    this.random = typeof source === "number" ? seededRandom(source) : source;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#uniform() * (high - low + 1));
  }

  /** Whether something with this chance happens. */
  chance(rate: number): boolean {
    return this.#uniform() < rate;
  }

  /** One of the options. */
  of<const T>(options: readonly T[]): T {
    return options[this.between(0, options.length - 1)]!;
  }

  /** So many results of `make`. */
  list<T>(length: number, make: () => T): T[] {
    return Array.from({ length }, make);
  }

  #uniform(): number {
    return this.random.uint32() / 0x1_0000_0000;
  }
}
