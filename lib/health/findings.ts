/**
 * Collects what a check finds on its way, and makes the result of it.
 *
 * @module
 */
import { type Failure, FailureError } from "../core/failure.ts";
import { monotonicNow } from "../net/clock.ts";
import type { CheckLevel } from "./check_level.ts";
import { type CheckPhase, type CheckResult, stateOf } from "./check_result.ts";
import { explain } from "./evidence.ts";

/** What can be found; the rest of a result follows from it. */
type Found = {
  -readonly [K in keyof CheckResult]?: CheckResult[K];
};

/** The findings of one check. */
export class Findings {
  readonly #device: { readonly name: string; readonly id: string };
  readonly #level: CheckLevel;
  readonly #startedAt: number;
  readonly #since = monotonicNow();
  readonly #phases: Partial<Record<CheckPhase, number>> = {};
  readonly #warnings: Failure[] = [];
  readonly found: Found = { source: "none" };

  /** @param startedAt Unix ms. */
  constructor(
    device: { readonly name: string; readonly id: string },
    level: CheckLevel,
    startedAt: number,
  ) {
    this.#device = device;
    this.#level = level;
    this.#startedAt = startedAt;
  }

  /** Since the check began, in ms. */
  get elapsedMs(): number {
    return monotonicNow() - this.#since;
  }

  /** A step was passed; the first time counts. */
  passed(phase: CheckPhase): void {
    this.#phases[phase] ??= Math.round(this.elapsedMs);
  }

  /** A level was seen to work. */
  reached(level: CheckLevel): void {
    this.found.reached = level;
  }

  /** Something is not as it should be. */
  warn(failure: Failure): void {
    this.#warnings.push(failure);
  }

  /** Everything asked for works. */
  up(message: string): CheckResult {
    return this.#result({ state: "up", reason: "ok", message });
  }

  /** It does not: by a failure that was thrown, or by a bug of ours. */
  down(error: unknown): CheckResult {
    const failure = error instanceof FailureError ? error.failure : bug(error);
    const { reason } = failure;
    return this.#result({ state: stateOf(reason), reason, message: explain(failure) });
  }

  /** The check was stopped from outside before it could judge. */
  unjudged(error: unknown): CheckResult {
    return { ...this.down(error), state: "unknown" };
  }

  #result(verdict: Pick<CheckResult, "state" | "reason" | "message">): CheckResult {
    const { name, id } = this.#device;
    return {
      device: name,
      id,
      ...verdict,
      level: this.#level,
      source: "none",
      ...this.found,
      startedAt: this.#startedAt,
      durationMs: Math.round(this.elapsedMs),
      phases: this.#phases,
      warnings: this.#warnings,
    };
  }
}

function bug(error: unknown): Failure {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    reason: "internal",
    what: `Unexpected error: ${text}.`,
    advice: "This is a bug: please report it with the output of the same command under --debug.",
  };
}
