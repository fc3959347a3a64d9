/**
 * The values in force: flag before environment before default.
 *
 * @module
 */
import type { Arguments } from "./arguments.ts";
import { environmentName, type Option, optionLabel } from "./option.ts";
import { quoted } from "./printable.ts";
import { InvalidValue, usageError } from "./usage.ts";

/** Where a value comes from. A smaller number wins. */
export type Source = "flag" | "environment" | "default";

/** Reads one environment variable. */
export type ReadEnvironment = (name: string) => string | undefined;

interface Resolved {
  readonly source: Source;
  readonly values: readonly unknown[];
}

/** Every value of a command's options, read once and checked. */
export class Settings {
  readonly #resolved = new Map<Option<unknown>, Resolved>();

  /**
   * Reads every option, so that a bad value is found whether it is used or not. An empty environment
   * variable counts as not set.
   *
   * @throws {FailureError} `usage` at the first value that is not allowed.
   */
  constructor(args: Arguments, options: readonly Option<unknown>[], env: ReadEnvironment) {
    for (const option of options) {
      const flags = args.given.get(option);
      if (flags) {
        const values = flags.map((text) => read(option, text, optionLabel(option)));
        this.#resolved.set(option, { source: "flag", values });
        continue;
      }
      const name = environmentName(option);
      const text = option.environment === "yes" ? env(name) : undefined;
      if (text === undefined || text === "") continue;
      const parts = option.occurrence === "repeatable"
        ? text.split(",").map((part) => part.trim())
        : [text];
      const values = parts.map((part) => read(option, part, name));
      this.#resolved.set(option, { source: "environment", values });
    }
  }

  /** The value of an option, or nothing when neither a flag nor the environment sets it. */
  get<T>(option: Option<T>): T | undefined {
    return this.all(option)[0];
  }

  /** Whether a switch is on. */
  isOn(option: Option<boolean>): boolean {
    return this.get(option) ?? false;
  }

  /** All values of an option that may be repeated; none when it is not given. */
  all<T>(option: Option<T>): readonly T[] {
    // Values under an option's key were made by that option's own parser.
    return (this.#resolved.get(option)?.values ?? []) as readonly T[];
  }

  /** Where the value in force comes from. */
  source(option: Option<unknown>): Source {
    return this.#resolved.get(option)?.source ?? "default";
  }

  /** The name by which whoever set the option knows it. */
  label(option: Option<unknown>): string {
    return this.source(option) === "environment" ? environmentName(option) : `--${option.name}`;
  }

  /**
   * Of options that say the same thing in different ways, the one in force: a flag beats the
   * environment.
   *
   * @returns The option, or nothing when none is given.
   * @throws {FailureError} `usage` when two come from the same source; they cannot both be meant.
   */
  chosen(...options: readonly Option<unknown>[]): Option<unknown> | undefined {
    for (const source of ["flag", "environment"]) {
      const from = options.filter((option) =>
        this.source(option) === source && this.#resolved.get(option)?.values[0] !== false
      );
      const [first, second] = from;
      if (first && second) {
        throw usageError(
          `${this.label(first)} and ${this.label(second)} exclude each other.`,
          "Give one of them.",
        );
      }
      if (first) return first;
    }
    return undefined;
  }
}

function read(option: Option<unknown>, text: string, label: string): unknown {
  try {
    return option.parse(text);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    const shown = option.secrecy === "secret" ? "This value" : quoted(text);
    throw usageError(`${label}: ${shown} is not allowed.`, `Allowed: ${error.allowed}.`);
  }
}
