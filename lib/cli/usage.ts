/**
 * What is wrong with the words a person or a script gave us, as failures.
 *
 * @module
 */
import { FailureError } from "../core/failure.ts";

/** Thrown by the parser of one value; whoever knows the option's name turns it into a failure. */
export class InvalidValue extends Error {
  override readonly name = "InvalidValue";
  /** What is allowed, a noun phrase with examples. */
  readonly allowed: string;

  /** @param allowed What is allowed, a noun phrase with examples. */
  constructor(allowed: string) {
    super(`not ${allowed}`);
    this.allowed = allowed;
  }
}

/**
 * A command line that is not what the command takes (exit 64).
 *
 * @param what The offending word and what is wrong with it. Never a secret.
 * @param advice What is allowed.
 */
export function usageError(what: string, advice: string): FailureError {
  return new FailureError({ reason: "usage", what, advice });
}

/**
 * A setting outside the command line that is missing or unusable (exit 78).
 *
 * @param what The setting and what is wrong with it. Never a secret.
 * @param advice What to set.
 */
export function configError(what: string, advice: string): FailureError {
  return new FailureError({ reason: "config", what, advice });
}
