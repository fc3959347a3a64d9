/**
 * Keeps one device reachable: says when a session is to be made, and when to stop trying.
 *
 * | state      | on                                | then                                        |
 * |------------|-----------------------------------|---------------------------------------------|
 * | idle       | `start`                           | attempting, or waiting when told to begin later |
 * | attempting | `succeeded`                       | up                                          |
 * | attempting | `failed`                          | waiting, or ended when that is final        |
 * | up         | `lost` with a failure             | waiting, or ended when that is final        |
 * | up         | `lost` without one                | waiting for the clean cool-down             |
 * | waiting    | `retry` due, or `retryNow`        | attempting                                  |
 * | any        | `stop`                            | ended, for good                             |
 *
 * There is one attempt or one session at a time: the device never sees more of us than the session
 * it has not yet given up and the one that takes its place.
 *
 * @module
 */
import { Backoff, type OptionalBackoff, withBackoffDefaults } from "./backoff.ts";
import { StateError } from "./errors.ts";
import type { Failure } from "./failure.ts";
import { TimerTable } from "./timer_table.ts";
import type { Deadline, Random } from "./types.ts";

/** What a supervisor asks for and reports. */
export type SupervisorEvent =
  /** A session is wanted, on new sockets: answer with `succeeded` or `failed`. */
  | { readonly type: "attempt"; readonly attempt: number }
  /** A session that was up is gone, or an attempt failed; the next attempt comes by itself. */
  | {
    readonly type: "down";
    /** Absent after a session that ended cleanly. */
    readonly failure: Failure | undefined;
    /** How long the session was up; 0 when an attempt failed. */
    readonly upMs: number;
    readonly retryInMs: number;
  }
  /** Nothing more will happen. */
  | { readonly type: "ended"; readonly failure: Failure | undefined; readonly upMs: number };

/** How a supervisor goes about it. */
export interface SupervisorOptions {
  readonly random: Random;
  readonly backoff?: OptionalBackoff | undefined;
  /** What ends it before its first session: `first`, any failure; `none`, only a final one. */
  readonly giveUp?: "first" | "none" | undefined;
}

/** Where a supervisor stands. */
export type SupervisorState = "idle" | "attempting" | "up" | "waiting" | "ended";

/** The policy of one device that is kept reachable. */
export class Supervisor {
  readonly #backoff: Backoff;
  readonly #cleanCooldownMs: number;
  readonly #giveUp: "first" | "none";
  readonly #timers = new TimerTable<"retry">(["retry"]);
  readonly #events: SupervisorEvent[] = [];
  #state: SupervisorState = "idle";
  #upAt = 0;
  #attempts = 0;
  #sessions = 0;

  constructor(options: SupervisorOptions) {
    const backoff = withBackoffDefaults(options.backoff ?? {});
    this.#backoff = new Backoff(backoff, options.random);
    this.#cleanCooldownMs = backoff.cleanCooldownMs;
    this.#giveUp = options.giveUp ?? "none";
  }

  /** Where it stands. */
  get state(): SupervisorState {
    return this.#state;
  }

  /** Sessions there were so far, the present one included. */
  get sessions(): number {
    return this.#sessions;
  }

  /** Failures since the last session that lasted. */
  get failures(): number {
    return this.#backoff.failures;
  }

  /** When the next attempt is due, while it waits for one. */
  get retryAt(): number | undefined {
    return this.#state === "waiting" ? this.#timers.at("retry") : undefined;
  }

  /**
   * Begins.
   *
   * @param notBeforeAt Earliest instant of the first attempt: a device may still hold a session of
   * somebody before us.
   */
  start(now: number, notBeforeAt = now): void {
    if (this.#state !== "idle") throw new StateError("a supervisor starts once");
    if (notBeforeAt <= now) return this.#attempt();
    this.#state = "waiting";
    this.#timers.set("retry", notBeforeAt);
  }

  /** The attempt gave a session that carries data. */
  succeeded(now: number): void {
    if (this.#state !== "attempting") throw new StateError("no attempt is under way");
    this.#state = "up";
    this.#upAt = now;
    this.#sessions++;
  }

  /** The attempt gave none. Ignored after `stop`. */
  failed(failure: Failure, now: number): void {
    if (this.#state === "attempting") this.#down(failure, 0, now);
  }

  /** The session is over: with the failure that ended it, or cleanly. Ignored after `stop`. */
  lost(failure: Failure | undefined, now: number): void {
    if (this.#state !== "up") return;
    // A session that ended in the millisecond it began was still one.
    const upMs = Math.max(1, now - this.#upAt);
    if (failure) return this.#down(failure, upMs, now);
    this.#wait(undefined, upMs, this.#cleanCooldownMs, now);
  }

  /** Cuts the wait short, and makes the next ones begin anew. */
  retryNow(now: number): void {
    this.#backoff.reset();
    if (this.#state === "waiting") this.#timers.set("retry", now);
  }

  /** Ends it; whoever owns the session or the attempt ends those. */
  stop(now: number): void {
    if (this.#state === "ended") return;
    this.#end(undefined, this.#state === "up" ? now - this.#upAt : 0);
  }

  /** Begins the next attempt when it is due at `now`. */
  handleTimeout(now: number): void {
    if (this.#timers.take("retry", now)) this.#attempt();
  }

  /** The next thing it wants or reports, or nothing. */
  pollEvent(): SupervisorEvent | undefined {
    return this.#events.shift();
  }

  /** When `handleTimeout` is due. */
  pollDeadline(): Deadline | undefined {
    return this.#timers.earliest();
  }

  #attempt(): void {
    this.#state = "attempting";
    this.#events.push({ type: "attempt", attempt: ++this.#attempts });
  }

  #down(failure: Failure, upMs: number, now: number): void {
    if (this.#giveUp === "first" && this.#sessions === 0) return this.#end(failure, upMs);
    const retryInMs = this.#backoff.next(failure.reason, upMs);
    if (retryInMs === "never") return this.#end(failure, upMs);
    this.#wait(failure, upMs, retryInMs, now);
  }

  #wait(failure: Failure | undefined, upMs: number, retryInMs: number, now: number): void {
    this.#state = "waiting";
    this.#timers.set("retry", now + retryInMs);
    this.#events.push({ type: "down", failure, upMs, retryInMs });
  }

  #end(failure: Failure | undefined, upMs: number): void {
    this.#state = "ended";
    this.#timers.clearAll();
    this.#events.push({ type: "ended", failure, upMs });
  }
}
