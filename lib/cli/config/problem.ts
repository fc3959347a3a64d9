/**
 * What is wrong with a configuration, and where.
 *
 * @module
 */
import { FailureError } from "../../core/failure.ts";

/** One thing that is wrong. */
export interface Problem {
  /** Line of the file, from 1; absent when it concerns the whole. */
  readonly line?: number | undefined;
  /** Where inside, e.g. `devices.front-door.ports`; empty for the whole. */
  readonly place: string;
  /** What is wrong, a sentence. Never a secret. */
  readonly what: string;
  /** What to write instead, a sentence. */
  readonly advice: string;
}

/** A configuration with problems; the message holds all of them, one a line. */
export class ConfigError extends FailureError {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];

  /** @param file As the person named it. */
  constructor(file: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    super({
      reason: "config",
      what: `The configuration ${file} has ${count}.`,
      advice: problems.map((problem) => problemLine(file, problem)).join(" "),
      facts: { problems: problems.length },
    });
    this.problems = problems;
  }
}

/** `FILE:12: devices.front-door.prefre: Unknown key. Did you mean prefer?` */
export function problemLine(file: string, { line, place, what, advice }: Problem): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return [`${where}:`, ...(place === "" ? [] : [`${place}:`]), what, advice]
    .filter((part) => part !== "")
    .join(" ");
}
