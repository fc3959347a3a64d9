/**
 * Lines to standard output and standard error, whole and at once.
 *
 * Writes are synchronous: a line is out before the process can end, and `Deno.exit` loses none.
 *
 * @module
 */

import { configError } from "./usage.ts";

/** What a {@linkcode LineOutput} writes to; `Deno.stdout` and `Deno.stderr` are such. */
export interface ByteSink {
  writeSync(bytes: Uint8Array): number;
}

/** Nobody reads standard output any more. */
export class OutputClosedError extends Error {
  override readonly name = "OutputClosedError";
}

/** What becomes of lines nobody can read. */
export type BrokenOutputPolicy =
  /** Data: the reader is the purpose, so throw. */
  | "throw"
  /** Logs: the work goes on without its reader. */
  | "discard";

const ENCODER = new TextEncoder();

/** Writes lines in UTF-8, ended by `\n` on every system. */
export class LineOutput {
  readonly #sink: ByteSink;
  readonly #policy: BrokenOutputPolicy;
  #broken = false;

  constructor(sink: ByteSink, policy: BrokenOutputPolicy) {
    this.#sink = sink;
    this.#policy = policy;
  }

  /**
   * Writes one line, or several joined by `\n`.
   *
   * @throws {OutputClosedError} When the reader is gone and the policy is `throw`.
   * @throws {FailureError} `config` when it cannot be written (a full disk) and the policy is `throw`.
   */
  line(text: string): void {
    this.#write(`${text}\n`);
  }

  /** Writes text as it is, without ending the line: a prompt. */
  text(text: string): void {
    this.#write(text);
  }

  #write(text: string): void {
    if (this.#broken && this.#policy === "discard") return;
    const bytes = ENCODER.encode(text);
    try {
      for (let offset = 0; offset < bytes.length;) {
        offset += this.#sink.writeSync(bytes.subarray(offset));
      }
    } catch (error) {
      // A terminal somebody else switched to non-blocking mode loses this line, not all that follow.
      this.#broken = !(error instanceof Deno.errors.WouldBlock);
      if (this.#policy === "discard") return;
      if (error instanceof Deno.errors.BrokenPipe) {
        throw new OutputClosedError("standard output is closed", { cause: error });
      }
      throw configError(
        `Standard output cannot be written: ${error instanceof Error ? error.message : error}.`,
        "Is its disk full? Send it elsewhere.",
      );
    }
  }
}
