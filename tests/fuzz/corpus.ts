/**
 * Corpora and crashers as text: the target's name, then one input a line in hex; sequences of one
 * file are parted by empty lines.
 *
 * @module
 */
import { fromHex, toHex } from "../../lib/core/bytes.ts";

/** One sequence of inputs. */
export interface Sequence {
  readonly target: string;
  readonly inputs: readonly Uint8Array[];
}

/** Where crashers are; corpora lie in the folder `corpus` of it. */
export const HOSTILE: URL = new URL("../../fixtures/hostile/", import.meta.url);

/** Bytes of a corpus that is kept: small enough to be read, large enough to remember. */
const MAX_KEPT_BYTES = 24_576;

/** Sequences as text. */
export function encodeSequences(sequences: readonly Sequence[]): string {
  return sequences.map(({ target, inputs }) =>
    [target, ...inputs.map((input) => input.length === 0 ? "-" : toHex(input)), ""].join("\n")
  ).join("\n");
}

/** The inverse of {@linkcode encodeSequences}. */
export function decodeSequences(text: string): Sequence[] {
  return text.trimEnd().split("\n\n").map((part) => {
    const [target = "", ...lines] = part.split("\n");
    return { target, inputs: lines.map((line) => line === "-" ? new Uint8Array() : fromHex(line)) };
  });
}

/** All crashers, with the names of their files. */
export function readCrashers(): (Sequence & { readonly file: string })[] {
  const files = [...Deno.readDirSync(HOSTILE)].map(({ name }) => name).sort();
  return files.filter((name) => name.endsWith(".txt")).flatMap((file) =>
    decodeSequences(Deno.readTextFileSync(new URL(file, HOSTILE)))
      .map((sequence) => ({ ...sequence, file }))
  );
}

/** The kept corpus of a target; empty when there is none. */
export function readCorpus(target: string): (readonly Uint8Array[])[] {
  try {
    const text = Deno.readTextFileSync(new URL(`corpus/${target}.txt`, HOSTILE));
    return decodeSequences(text).map(({ inputs }) => inputs);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Keeps the shortest sequences of a corpus, the honest samples left out. */
export function writeCorpus(
  target: string,
  corpus: readonly (readonly Uint8Array[])[],
  samples: readonly (readonly Uint8Array[])[],
): void {
  const bytesOf = (inputs: readonly Uint8Array[]): number =>
    inputs.reduce((sum, input) => sum + input.length, 0);
  const kept: Sequence[] = [];
  let bytes = 0;
  const fresh = corpus.filter((inputs) => !samples.includes(inputs));
  for (const inputs of fresh.sort((a, b) => bytesOf(a) - bytesOf(b))) {
    bytes += bytesOf(inputs);
    if (bytes > MAX_KEPT_BYTES) break;
    kept.push({ target, inputs });
  }
  if (kept.length === 0) return;
  const folder = new URL("corpus/", HOSTILE);
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(new URL(`${target}.txt`, folder), encodeSequences(kept));
}
