/**
 * How long to wait before the next attempt: doubling, with jitter, never sooner than the device
 * frees the old session, never again after a refused login.
 *
 * @module
 */
import type { Reason } from "./failure.ts";
import type { Random } from "./types.ts";

/** Limits of retrying, in ms unless said otherwise. */
export interface BackoffOptions {
  /** First wait. */
  readonly retryMinMs: number;
  /** Longest wait. */
  readonly retryMaxMs: number;
  /** Attempts in a row that may fail before the last failure is final. */
  readonly maxRetries: number;
  /** Time up after which the next wait is the first again. */
  readonly healthyAfterMs: number;
  /** After a session that ended cleanly: the device still holds it for a while. */
  readonly cleanCooldownMs: number;
  /** After a session that was lost. */
  readonly lostCooldownMs: number;
  /** Wait after a refused login; `never` makes it final. Devices lock accounts. */
  readonly authRetryMs: number | "never";
}

/** Defaults; the first wait and the longest as users of such tools chose them. */
export const BACKOFF_DEFAULTS: BackoffOptions = {
  retryMinMs: 1_000,
  retryMaxMs: 60_000,
  maxRetries: Infinity,
  healthyAfterMs: 60_000,
  cleanCooldownMs: 10_000,
  lostCooldownMs: 30_000,
  authRetryMs: "never",
};

/** {@linkcode BackoffOptions} of which each may be left out. */
export type OptionalBackoff = {
  readonly [Key in keyof BackoffOptions]?: BackoffOptions[Key] | undefined;
};

/** The options that are given, and the defaults of the others. */
export function withBackoffDefaults(given: OptionalBackoff): BackoffOptions {
  const all = { ...BACKOFF_DEFAULTS };
  for (const key of Object.keys(all) as (keyof BackoffOptions)[]) {
    if (given[key] !== undefined) Object.assign(all, { [key]: given[key] });
  }
  return all;
}

/** What kind of retry a reason allows. */
export type RetryClass = "login" | "final" | "slow" | "soon";

const RETRY_CLASS: Partial<Readonly<Record<Reason, RetryClass>>> = {
  "auth-required": "login",
  "auth-rejected": "login",
  "lockout": "login",
  "app-rejected": "login",
  "auth-salt": "login",
  "config": "final",
  "usage": "final",
  "listen-in-use": "final",
  "listen-denied": "final",
  "device-unknown": "slow",
  "sessions-full": "slow",
};

/** How a reason may be retried. */
export function retryClass(reason: Reason): RetryClass {
  return RETRY_CLASS[reason] ?? "soon";
}

/** Counts failures and says how long to wait. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #failures = 0;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Forgets all failures: the next wait is the first. */
  reset(): void {
    this.#failures = 0;
  }

  /**
   * An attempt failed, or a session was lost after `upMs`.
   *
   * @param upMs How long the session was up; 0 when there was none.
   * @returns Ms to wait, or `never`.
   */
  next(reason: Reason, upMs: number): number | "never" {
    const options = this.#options;
    const kind = retryClass(reason);
    if (kind === "final") return "never";
    if (upMs >= options.healthyAfterMs) this.#failures = 0;
    this.#failures++;
    if (this.#failures > options.maxRetries) return "never";
    if (kind === "login") return options.authRetryMs;
    const doubled = kind === "slow"
      ? options.retryMaxMs
      : Math.min(options.retryMaxMs, options.retryMinMs * 2 ** Math.min(this.#failures - 1, 30));
    // Half of it is chance, so that many tunnels that fell together do not come back together.
    const jittered = doubled / 2 + this.#random.uint32() / 0x1_0000_0000 * doubled / 2;
    return Math.max(jittered, upMs > 0 ? options.lostCooldownMs : 0);
  }
}
