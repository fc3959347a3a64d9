/**
 * What can be fuzzed: something that takes inputs and must not fail, whatever they are.
 *
 * @module
 */
import { DecodeError } from "../../lib/core/errors.ts";

/** One thing to fuzz. */
export interface Target {
  readonly name: string;
  /** Honest sequences of inputs to begin with. */
  readonly corpus: readonly (readonly Uint8Array[])[];
  /** Words that belong into inputs. */
  readonly words?: readonly string[] | undefined;
  /** Inputs of one sequence at the most; 1 for a decoder. */
  readonly maxInputs: number;
  /**
   * Takes a sequence of inputs from a fresh start.
   *
   * @returns What happened, in a few words: a sequence after which something new happened is kept.
   * @throws {Error} On any failure of ours. {@linkcode DecodeError} never comes out.
   */
  run(inputs: readonly Uint8Array[]): string;
}

/**
 * A decoder as a target.
 *
 * @param decode May throw {@linkcode DecodeError} and nothing else; what it returns names what happened.
 */
export function decoder(
  name: string,
  samples: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => string | void,
  words?: readonly string[],
): Target {
  return {
    name,
    corpus: samples.map((sample) => [sample]),
    words,
    maxInputs: 1,
    run: (inputs) => {
      let happened = "";
      for (const input of inputs) {
        try {
          happened += decode(input) ?? "decoded";
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          happened += error.what;
        }
      }
      return happened;
    },
  };
}

/** Fails when a statement about ourselves does not hold. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
