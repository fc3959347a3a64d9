/**
 * How far a run has come, on a terminal: one line that is written over.
 *
 * @module
 */
import type { LineOutput } from "./output.ts";

/** Between two drawings: faster is flicker. */
const MIN_INTERVAL_MS = 100;

/** A line at the bottom of standard error. */
export class Progress {
  readonly #output: LineOutput | undefined;
  #drawnAt = -Infinity;
  #shown = false;

  /** @param output Standard error, or nothing where nobody watches. */
  constructor(output: LineOutput | undefined) {
    this.#output = output;
  }

  /** Draws the line anew. */
  draw(text: string, now: number): void {
    if (now - this.#drawnAt < MIN_INTERVAL_MS) return;
    this.#drawnAt = now;
    this.#shown = true;
    this.#output?.text(`\r\x1b[K${text}`);
  }

  /** Takes the line away, so that something else can be written. */
  clear(): void {
    if (!this.#shown) return;
    this.#shown = false;
    this.#output?.text("\r\x1b[K");
    this.#drawnAt = -Infinity;
  }
}
