/**
 * Fuzzes targets: mutates known sequences, keeps those after which something new happened, and notes
 * what fails.
 *
 * @module
 */
import process from "node:process";
import { seededRandom } from "../../lib/core/random.ts";
import { DECODERS } from "./decoders.ts";
import { honestSession, machines } from "./machines.ts";
import { Mutator } from "./mutation.ts";
import { streams } from "./streams.ts";
import type { Target } from "./target.ts";

/** A sequence that a target does not survive. */
export interface Crash {
  readonly target: string;
  readonly inputs: readonly Uint8Array[];
  readonly error: unknown;
}

/** A sequence that took longer than its length allows. */
export interface Slow {
  readonly target: string;
  readonly inputs: readonly Uint8Array[];
  readonly ms: number;
}

/** Every target there is. */
export function allTargets(): readonly Target[] {
  const session = honestSession();
  return [...DECODERS, ...streams(session.slice(0, 30)), ...machines(session)];
}

/** Kinds of behaviour remembered for one target. */
const MAX_KINDS = 2_000;
/** Longer sequences are tried, but nothing is made of them. */
const MAX_CORPUS_INPUT_BYTES = 16_384;
/** How long a sequence may take. */
export interface TimeLimits {
  /** However short it is; a collection of garbage fits in. */
  readonly baseMs: number;
  /** For each byte. */
  readonly msPerByte: number;
}

/** A quadratic reader of 64 KiB takes far more. */
const TIME_LIMITS: TimeLimits = { baseMs: 100, msPerByte: 0.005 };

/** Fuzzes one target. */
export class Fuzzer {
  readonly target: Target;
  readonly corpus: (readonly Uint8Array[])[];
  readonly crashes: Crash[] = [];
  readonly slow: Slow[] = [];
  readonly #mutator: Mutator;
  readonly #limits: TimeLimits;
  readonly #kinds = new Set<string>();
  #inputs = 0;

  constructor(
    target: Target,
    seed: number,
    kept: readonly (readonly Uint8Array[])[] = [],
    limits: TimeLimits = TIME_LIMITS,
  ) {
    this.target = target;
    this.#limits = limits;
    this.#mutator = new Mutator(seededRandom(seed), target.words);
    this.corpus = [...target.corpus, ...kept];
    for (const inputs of [...this.corpus]) this.#try(inputs, "known");
  }

  /** Inputs given so far. */
  get inputs(): number {
    return this.#inputs;
  }

  /** Kinds of behaviour seen. */
  get kinds(): number {
    return this.#kinds.size;
  }

  /** Gives at least so many inputs, or as many as there is time for. */
  run({ inputs = Infinity, ms = Infinity }: { inputs?: number; ms?: number }): void {
    const end = this.#inputs + inputs;
    const endsAt = performance.now() + ms;
    while (this.#inputs < end && this.crashes.length === 0 && performance.now() < endsAt) {
      const one = this.#mutator.of(this.corpus);
      const other = this.#mutator.of(this.corpus);
      this.#try(this.#mutator.sequence(one, other, this.target.maxInputs), "fresh");
    }
  }

  #try(inputs: readonly Uint8Array[], origin: "known" | "fresh"): void {
    this.#inputs += inputs.length;
    const startedAt = performance.now();
    let kind: string;
    try {
      kind = this.target.run(inputs);
    } catch (error) {
      this.crashes.push({ target: this.target.name, inputs: this.#smaller(inputs), error });
      return;
    }
    this.#judgeTime(inputs, performance.now() - startedAt);
    if (this.#kinds.size >= MAX_KINDS || this.#kinds.has(kind)) return;
    this.#kinds.add(kind);
    const bytes = inputs.reduce((sum, { length }) => sum + length, 0);
    if (origin === "fresh" && bytes <= MAX_CORPUS_INPUT_BYTES) this.corpus.push(inputs);
  }

  #judgeTime(inputs: readonly Uint8Array[], firstMs: number): void {
    let bytes = 0;
    for (const input of inputs) bytes += input.length;
    const limitMs = this.#limits.baseMs + this.#limits.msPerByte * bytes;
    if (firstMs <= limitMs) return;
    // Somebody else may have had the processor, and the collector its turn: what counts is the best
    // of several runs, in time of this process.
    let ms = firstMs;
    for (let i = 0; i < 8 && ms > limitMs; i++) {
      const before = process.cpuUsage();
      this.target.run(inputs);
      ms = Math.min(ms, process.cpuUsage(before).user / 1_000);
    }
    if (ms > limitMs) this.slow.push({ target: this.target.name, inputs, ms });
  }

  /** Leaves inputs out as long as it still fails. */
  #smaller(failing: readonly Uint8Array[]): readonly Uint8Array[] {
    let best = failing;
    for (let at = 0; at < best.length && best.length > 1;) {
      const fewer = best.toSpliced(at, 1);
      if (fails(this.target, fewer)) best = fewer;
      else at++;
    }
    return best;
  }
}

function fails(target: Target, inputs: readonly Uint8Array[]): boolean {
  try {
    target.run(inputs);
    return false;
  } catch {
    return true;
  }
}
