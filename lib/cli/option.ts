/**
 * What an option is: one row from which parsing, environment and help are made.
 *
 * @module
 */
import { InvalidValue } from "./usage.ts";

/** One option of a command. `T` is the type of its value. */
export interface Option<T> {
  /** Long name without dashes. */
  readonly name: string;
  /** One letter without its dash. */
  readonly short?: string | undefined;
  /** Name of its value in the help; an option without one is a switch. */
  readonly placeholder?: string | undefined;
  /** What it does, for the help, without its default. */
  readonly help: string;
  /** Its default as the help shows it. */
  readonly shownDefault?: string | undefined;
  /** Whether the same option may be given again; the environment separates by commas. */
  readonly occurrence: "once" | "repeatable";
  /** Whether `DAHUA_P2P_<NAME>` sets it. */
  readonly environment: "yes" | "no";
  /** Whether its value must never be repeated in a message. */
  readonly secrecy: "public" | "secret";
  /** Reads its value; @throws {InvalidValue} otherwise. */
  parse(text: string): T;
}

/** The parts of an option that have usual values. */
type Usual = "occurrence" | "environment" | "secrecy";

/** An option with a value. */
export function valueOption<T>(
  option: Omit<Option<T>, Usual> & Partial<Pick<Option<T>, Usual>> & { placeholder: string },
): Option<T> {
  return { occurrence: "once", environment: "yes", secrecy: "public", ...option };
}

/** An option without a value. The environment sets it with `1`, `true` or `yes`. */
export function switchOption(
  option: Pick<Option<boolean>, "name" | "short" | "help"> & Partial<Pick<Option<boolean>, Usual>>,
): Option<boolean> {
  return {
    occurrence: "once",
    environment: "yes",
    secrecy: "public",
    parse: parseSwitch,
    ...option,
  };
}

/** A parser that takes exactly these words. */
export function oneOf<const W extends string>(...words: readonly W[]): (text: string) => W {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new InvalidValue(words.join(", "));
    return word;
  };
}

/** A parser that takes text as it is, but for control characters, which no field of ours can hold. */
export function parsePlainText(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new InvalidValue("text without control characters");
  return text;
}

/** A parser of whole numbers within limits. */
export function integerFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidValue(`a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** The environment variable of an option. */
export function environmentName(option: Option<unknown>): string {
  return `DAHUA_P2P_${option.name.toUpperCase().replaceAll("-", "_")}`;
}

/** `-p, --password`, or `--path`: how messages name an option. */
export function optionLabel(option: Option<unknown>): string {
  return option.short === undefined ? `--${option.name}` : `-${option.short}, --${option.name}`;
}

/** Reads what turns a switch on or off. */
export function parseSwitch(text: string): boolean {
  if (/^(1|true|yes)$/i.test(text)) return true;
  if (/^(0|false|no)$/i.test(text)) return false;
  throw new InvalidValue("1, true, yes, 0, false, no");
}
