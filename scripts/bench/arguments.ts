/**
 * What the command line of the bench asks for.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";

/** Choices of a run. */
export interface BenchArguments {
  /** Rounds that count; one more warms up. */
  readonly rounds: number;
  /** Size of one transfer. */
  readonly transferBytes: number;
  /** Size of the transfer over which memory is watched. */
  readonly memoryBytes: number;
}

const MB = 1_000_000;
const OPTIONS = ["rounds", "megabytes"] as const;

/**
 * Reads the arguments: `--rounds N`, `--megabytes N` and `--long`, which watches memory over 5 GB.
 *
 * @throws {RangeError} On anything else.
 */
export function parseBenchArguments(args: readonly string[]): BenchArguments {
  const parsed = parseArgs([...args], {
    string: [...OPTIONS],
    boolean: ["long"],
    unknown: (argument: string) => {
      throw new RangeError(`unknown argument ${argument}`);
    },
  });
  const count = (name: typeof OPTIONS[number], otherwise: number): number => {
    const text = parsed[name] as string | undefined;
    if (text === undefined) return otherwise;
    if (!/^[1-9]\d{0,4}$/.test(text)) throw new RangeError(`--${name} is 1 to 99999`);
    return Number(text);
  };
  return {
    rounds: count("rounds", 5),
    transferBytes: count("megabytes", 40) * MB,
    memoryBytes: (parsed.long ? 5000 : 300) * MB,
  };
}
