/**
 * What is found wrong while a configuration is read: everything is collected, nothing throws.
 *
 * @module
 */
import { FailureError } from "../../core/failure.ts";
import { InvalidValue } from "../usage.ts";
import { lineOfKey } from "./key_lines.ts";
import type { Problem } from "./problem.ts";

/** A mapping of the file; all its scalars are text. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Collects problems, with the lines of what they are about. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Notes a problem with what stands at `path`. */
  add(path: readonly string[], what: string, advice = ""): void {
    const line = lineOfKey(this.#text, path);
    this.problems.push({ line, place: path.join("."), what, advice });
  }

  /** Whether `value` is a mapping with these keys only; what is not is noted. */
  mapping(value: unknown, path: readonly string[], known: readonly string[]): value is Mapping {
    if (!isMapping(value)) {
      this.add(path, "This must be a mapping.", `Its keys: ${known.join(", ") || "any"}.`);
      return false;
    }
    for (const key of Object.keys(value)) {
      if (known.length > 0 && !known.includes(key)) {
        this.add([...path, key], "Unknown key.", suggestion(key, known));
      }
    }
    return true;
  }
}

/** Reads one value that is a single text; what is wrong with it is noted. */
export function scalar<T>(
  values: Mapping,
  key: string,
  read: (text: string) => T,
  findings: Findings,
  path: readonly string[] = [],
): T | undefined {
  const value = values[key];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") {
    findings.add([...path, key], "This must be one value.");
    return undefined;
  }
  try {
    return read(value);
  } catch (error) {
    if (error instanceof InvalidValue) {
      findings.add([...path, key], "This value is not allowed.", `Allowed: ${error.allowed}.`);
    } else if (error instanceof FailureError) {
      findings.add([...path, key], error.failure.what, error.failure.advice);
    } else throw error;
    return undefined;
  }
}

/** Whether a value of the file is a mapping. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function suggestion(key: string, known: readonly string[]): string {
  const near = known.filter((candidate) => distance(key, candidate) <= 2);
  return near.length === 0 ? `Known: ${known.join(", ")}.` : `Did you mean ${near.join(" or ")}?`;
}

/** Letters to change, add or leave out (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
