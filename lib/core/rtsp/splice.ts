/**
 * One chunk on its way through a filter: ranges of it that go on, joined where they touch, with
 * bytes of the filter's own between them.
 *
 * @module
 */

/** Collects what becomes of one chunk. */
export class Splice {
  readonly #chunk: Uint8Array;
  readonly #parts: Uint8Array[] = [];
  #from = 0;
  #to = 0;

  /**
   * Starts with nothing kept.
   *
   * @param chunk The chunk; kept parts are views of it, never copies.
   */
  constructor(chunk: Uint8Array) {
    this.#chunk = chunk;
  }

  /** Lets the bytes from `from` up to `to` go on. */
  keep(from: number, to: number): void {
    if (this.#from < this.#to && from === this.#to) {
      this.#to = to;
      return;
    }
    this.#cut();
    this.#from = from;
    this.#to = to;
  }

  /** Places `bytes` behind all that was kept so far. */
  insert(bytes: Uint8Array): void {
    this.#cut();
    if (bytes.length > 0) this.#parts.push(bytes);
  }

  /** The result in order: the chunk itself when all of it went on and nothing was inserted. */
  take(): Uint8Array[] {
    this.#cut();
    return this.#parts;
  }

  #cut(): void {
    if (this.#from === this.#to) return;
    const whole = this.#from === 0 && this.#to === this.#chunk.length;
    this.#parts.push(whole ? this.#chunk : this.#chunk.subarray(this.#from, this.#to));
    this.#from = this.#to = 0;
  }
}
