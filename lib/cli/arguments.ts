/**
 * Splits a command line into options and operands, strictly: nothing unknown, missing, empty or given
 * twice passes.
 *
 * The standard library's `parseArgs` collects the values. By itself it is lenient: it takes
 * `--password-file -` for an option without a value and an operand, splits `-pSECRET` into letters,
 * and keeps what it does not know. So every option is first brought into its one unmistakable form,
 * `--name=VALUE`, and refused when it has none.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { type Option, optionLabel } from "./option.ts";
import { quoted } from "./printable.ts";
import { usageError } from "./usage.ts";

/** A command line, split. */
export interface Arguments {
  /** Values as typed, in order, by option; a switch has the value `true`. */
  readonly given: ReadonlyMap<Option<unknown>, readonly string[]>;
  /** What is no option, in order. */
  readonly operands: readonly string[];
}

/** More words than this is no command line of ours. */
const MAX_ARGUMENTS = 1000;

/**
 * Understands `--name VALUE`, `--name=VALUE`, `-nVALUE`, `-n VALUE`, joined switches (`-dr`) and `--`.
 * A value that starts with a dash is taken only as `--name=VALUE`, except for `-` alone.
 *
 * @param args The words after the command's name.
 * @param options What the command takes.
 * @throws {FailureError} `usage` at the first word that does not fit.
 */
export function parseArguments(
  args: readonly string[],
  options: readonly Option<unknown>[],
): Arguments {
  if (args.length > MAX_ARGUMENTS) {
    throw usageError("The command line is too long.", `At most ${MAX_ARGUMENTS} words.`);
  }
  const { words, operands } = canonical(args, options);
  const names = options.map(keyOf);
  const parsed = parseArgs(words, { string: names, collect: names });
  const given = new Map<Option<unknown>, readonly string[]>();
  for (const option of options) {
    const values = parsed[keyOf(option)];
    // With `string` and `collect` every option has a list of texts, an empty one when not given.
    if (!Array.isArray(values) || values.length === 0) continue;
    if (values.includes("")) {
      throw usageError(`${optionLabel(option)} has an empty value.`, wanted(option));
    }
    if (values.length > 1 && option.occurrence === "once" && option.placeholder !== undefined) {
      throw usageError(`${optionLabel(option)} is given twice.`, "Give it once.");
    }
    given.set(option, values);
  }
  return { given, operands };
}

/** The library takes `--no-state` for the absence of `--state`, whatever follows it. */
function keyOf({ name }: Option<unknown>): string {
  return `option-${name}`;
}

/** Every option as `--name=VALUE`, a switch's value being `true`, and the operands apart. */
function canonical(
  args: readonly string[],
  options: readonly Option<unknown>[],
): { readonly words: readonly string[]; readonly operands: readonly string[] } {
  const words: string[] = [];
  const operands: string[] = [];
  const rest = args[Symbol.iterator]();
  const take = (option: Option<unknown>, value: string): void => {
    words.push(`--${keyOf(option)}=${value}`);
  };
  const takeNext = (option: Option<unknown>): void => {
    const next = rest.next();
    if (next.done || (next.value.startsWith("-") && next.value !== "-")) {
      throw usageError(
        `${optionLabel(option)} needs a value.`,
        `${wanted(option)} A value that starts with a dash is written --${option.name}=VALUE.`,
      );
    }
    take(option, next.value);
  };
  for (const word of rest) {
    if (word === "--") {
      operands.push(...rest);
    } else if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals < 0 ? undefined : equals);
      const option = options.find((candidate) => candidate.name === name);
      if (!option) throw unknownOption(`--${name}`, options);
      if (equals >= 0 && option.placeholder === undefined) {
        throw usageError(`--${name} takes no value.`, "Leave out the equals sign.");
      }
      if (equals >= 0) take(option, word.slice(equals + 1));
      else if (option.placeholder === undefined) take(option, "true");
      else takeNext(option);
    } else if (word.startsWith("-") && word !== "-") {
      for (let i = 1; i < word.length; i++) {
        const letter = word[i] ?? "";
        const option = options.find((candidate) => candidate.short === letter);
        if (!option) throw unknownOption(`-${letter}`, options);
        if (option.placeholder === undefined) {
          take(option, "true");
          continue;
        }
        if (i + 1 < word.length) take(option, word.slice(i + 1));
        else takeNext(option);
        break;
      }
    } else {
      operands.push(word);
    }
  }
  return { words, operands };
}

function wanted(option: Option<unknown>): string {
  return `Write --${option.name} ${option.placeholder ?? ""}.`;
}

/** Names the option without what may be a secret behind it. */
function unknownOption(word: string, options: readonly Option<unknown>[]): Error {
  const name = word.slice(2);
  const near = word.startsWith("--") && name.length > 1
    ? options.filter((option) => option.name.startsWith(name) || name.startsWith(option.name))
    : [];
  const advice = near.length === 0
    ? "--help lists all options."
    : `Did you mean ${near.map((option) => `--${option.name}`).join(" or ")}?`;
  return usageError(`Unknown option ${quoted(word)}.`, advice);
}
