/**
 * A priority queue of instants; among equals the first in is the first out.
 *
 * @module
 */

interface Entry<T> {
  readonly at: number;
  readonly order: number;
  readonly item: T;
}

/** The earliest item first. */
export class Heap<T> {
  readonly #entries: Entry<T>[] = [];
  #pushed = 0;

  /** The instant of the earliest item. */
  get nextAt(): number | undefined {
    return this.#entries[0]?.at;
  }

  /** How many items wait. */
  get size(): number {
    return this.#entries.length;
  }

  /** Adds an item. */
  push(at: number, item: T): void {
    const entries = this.#entries;
    const entry = { at, order: this.#pushed++, item };
    let i = entries.length;
    entries.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(entry, entries[parent]!)) break;
      entries[i] = entries[parent]!;
      i = parent;
    }
    entries[i] = entry;
  }

  /** Takes the earliest item. */
  pop(): T | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (first === undefined || last === undefined || entries.length === 0) return first?.item;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && isBefore(entries[child + 1]!, entries[child]!)) child++;
      if (!isBefore(entries[child]!, last)) break;
      entries[i] = entries[child]!;
      i = child;
    }
    entries[i] = last;
    return first.item;
  }
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
