/**
 * Fuzzes every decoder, stream reader and machine: `deno task fuzz [--minutes M] [--target NAME]
 * [--seed S] [--corpus keep]`. Without options: one minute.
 *
 * What fails is written to `fixtures/hostile`, where a test replays it for ever; with `--corpus keep`
 * so are sequences that showed something new. Time must be linear in the input and memory flat, or
 * the run fails.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../lib/core/bytes.ts";
import { encodeSequences, HOSTILE, readCorpus, writeCorpus } from "../tests/fuzz/corpus.ts";
import { allTargets, type Crash, Fuzzer } from "../tests/fuzz/engine.ts";
import { Soak } from "../tests/fuzz/soak.ts";

/** How long one target is at it before the next has its turn. */
const TURN_MS = 250;
/** Growth of the heap that is no leak: the corpora, compiled code. */
const MAX_GROWTH_BYTES = 32 * 1024 * 1024;

/** Hostile datagrams to one link after the other, to see what stays of them. */
const SOAK_DATAGRAMS = 100_000;
/** What a link may come to hold under fire: its buffers and tables are full then. */
const MAX_SOAK_BYTES = 8 * 1024 * 1024;

/** What was asked for. */
interface Wanted {
  readonly minutes: number;
  readonly seed: number;
  readonly target?: string;
  readonly corpus?: string;
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

function parse(args: readonly string[]): Wanted {
  const wanted: Record<string, string> = {};
  for (let i = 0; i < args.length; i++) {
    const [, name, inline] = /^--(minutes|target|seed|corpus)(?:=(.*))?$/.exec(args[i]!) ?? [];
    const value = inline ?? args[++i];
    if (name === undefined || value === undefined) {
      throw new RangeError(
        "usage: deno task fuzz [--minutes M] [--target NAME] [--seed S] [--corpus keep]",
      );
    }
    wanted[name] = value;
  }
  const { minutes = "1", seed = String(crypto.getRandomValues(new Uint32Array(1))[0]) } = wanted;
  return { ...wanted, minutes: Number(minutes), seed: Number(seed) };
}

/** The memory in use once everything unreachable is gone. */
function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function keep({ target, inputs }: Pick<Crash, "target" | "inputs">): string {
  const text = encodeSequences([{ target, inputs }]);
  const name = `${target}-${toHex(sha256(new TextEncoder().encode(text)).subarray(0, 4))}.txt`;
  Deno.mkdirSync(HOSTILE, { recursive: true });
  Deno.writeTextFileSync(new URL(name, HOSTILE), text);
  return name;
}

function main(args: readonly string[]): number {
  const { minutes, target, seed, corpus } = parse(args);
  const targets = allTargets().filter(({ name }) => target === undefined || name === target);
  if (targets.length === 0) throw new RangeError(`there is no target ${target}`);
  print(`seed ${seed}`);
  const fuzzers = targets.map((each, i) => new Fuzzer(each, seed + i, readCorpus(each.name)));
  const startedAt = performance.now();
  let settledBytes: number | undefined;
  let turns = 0;
  while (performance.now() - startedAt < minutes * 60_000) {
    for (const fuzzer of fuzzers) fuzzer.run({ ms: TURN_MS });
    // By then the corpora have taken most of what they will.
    if (++turns === 3) settledBytes = liveBytes();
  }
  let isFine = true;
  let total = 0;
  for (const { target: { name }, inputs, kinds, crashes, slow } of fuzzers) {
    total += inputs;
    print(`${name}: ${inputs} inputs, ${kinds} kinds`);
    for (const crash of crashes) {
      const { error } = crash;
      print(`  CRASH ${keep(crash)}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    for (const one of slow.slice(0, 3)) print(`  SLOW ${keep(one)}: ${Math.round(one.ms)} ms`);
    isFine &&= crashes.length === 0 && slow.length === 0;
  }
  if (corpus === "keep") {
    for (const { target: { name, corpus: samples }, corpus: all } of fuzzers) {
      writeCorpus(name, all, samples);
    }
  }
  const kept = fuzzers.reduce(
    (sum, { corpus }) => sum + corpus.flat().reduce((bytes, input) => bytes + input.length, 0),
    0,
  );
  const grown = settledBytes === undefined ? 0 : liveBytes() - settledBytes;
  print(`${total} inputs in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  print(
    `memory grew by ${Math.round(grown / 1024)} KiB, corpora hold ${Math.round(kept / 1024)} KiB`,
  );
  if (grown > MAX_GROWTH_BYTES + 2 * kept) {
    print("MEMORY is not flat");
    isFine = false;
  }
  return isFine && soak() ? 0 : 1;
}

/** Puts links under fire; returns whether they stay small. */
function soak(): boolean {
  const fire = new Soak();
  fire.run(SOAK_DATAGRAMS / 4);
  const before = liveBytes();
  fire.run(SOAK_DATAGRAMS);
  const grown = liveBytes() - before;
  print(
    `${SOAK_DATAGRAMS} datagrams to ${fire.links} links: ${Math.round(grown / 1024)} KiB more`,
  );
  return grown <= MAX_SOAK_BYTES;
}

if (import.meta.main) Deno.exit(main(Deno.args));
