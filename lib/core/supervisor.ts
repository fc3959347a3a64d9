/**
 * Keeps one device reachable: makes a link, and another when it is lost.
 *
 * | state      | on                                   | then                                     |
 * |------------|--------------------------------------|------------------------------------------|
 * | idle       | `start`                              | preparing: the owner opens sockets       |
 * | preparing  | `begin`                              | linked: a handshake runs                 |
 * | preparing  | `prepareFailed`                      | waiting, or ended                        |
 * | linked     | link ready                           | linked, up                               |
 * | linked     | link closed with a failure           | waiting, or ended when that is final     |
 * | linked     | link closed without one (`renew`)    | waiting for the clean cool-down          |
 * | waiting    | `retry` due, or `retryNow`           | preparing                                |
 * | any        | `stop`                               | the link closes, then ended              |
 *
 * Each link gets new sockets: the device knows the old ones, and a NAT may have forgotten them.
 *
 * @module
 */
import { Backoff, BACKOFF_DEFAULTS, type BackoffOptions } from "./backoff.ts";
import type { SocketRole } from "./cloud/signaling.ts";
import { StateError } from "./errors.ts";
import type { Failure } from "./failure.ts";
import { Link } from "./link.ts";
import type { LinkEvent, LinkSettings } from "./link_options.ts";
import { TimerTable } from "./timer_table.ts";
import type { Datagram, Deadline, Machine, Random, Transmit } from "./types.ts";

/** What a supervisor reports: all of its links' events, and where it stands itself. */
export type SupervisorEvent =
  /** Sockets and addresses are wanted: call `begin` or `prepareFailed`. */
  | { readonly type: "prepare"; readonly attempt: number }
  | Exclude<LinkEvent, { type: "closed" }>
  /** A session that was up is gone, or an attempt failed. */
  | {
    readonly type: "down";
    readonly failure: Failure | undefined;
    /** How long the session was up; 0 when the attempt failed. */
    readonly upMs: number;
    readonly retryInMs: number;
  }
  /** Nothing more will happen. */
  | { readonly type: "ended"; readonly failure: Failure | undefined; readonly upMs: number };

/** What every link of a supervisor is made of, except what `begin` brings. */
export interface SupervisorOptions {
  readonly random: Random;
  readonly backoff?: Partial<BackoffOptions> | undefined;
  /** Failures before the first session that are final: with `first`, any; with `none`, only final ones. */
  readonly giveUp?: "first" | "none" | undefined;
}

type State =
  | { readonly name: "idle" }
  | { readonly name: "preparing" }
  | { readonly name: "linked"; readonly link: Link; upAt: number | undefined }
  | { readonly name: "waiting" }
  | { readonly name: "ended" };

/** One device, kept reachable. */
export class Supervisor implements Machine<SupervisorEvent, SocketRole> {
  readonly #backoff: Backoff;
  readonly #cleanCooldownMs: number;
  readonly #giveUp: "first" | "none";
  readonly #timers = new TimerTable<"retry">(["retry"]);
  readonly #events: SupervisorEvent[] = [];
  #state: State = { name: "idle" };
  #attempts = 0;
  #sessions = 0;
  /** An owner's `stop` or `renew` that the link is carrying out. */
  #ending: "stop" | "renew" | undefined;

  constructor(options: SupervisorOptions) {
    const backoff = { ...BACKOFF_DEFAULTS, ...options.backoff };
    this.#backoff = new Backoff(backoff, options.random);
    this.#cleanCooldownMs = backoff.cleanCooldownMs;
    this.#giveUp = options.giveUp ?? "none";
  }

  /** Where it stands. */
  get state(): State["name"] {
    return this.#state.name;
  }

  /** The link there is, in whatever state. */
  get link(): Link | undefined {
    return this.#state.name === "linked" ? this.#state.link : undefined;
  }

  /** Sessions that were ready so far. */
  get sessions(): number {
    return this.#sessions;
  }

  /** Begins the first attempt. */
  start(): void {
    if (this.#state.name !== "idle") throw new StateError("a supervisor starts once");
    this.#prepare();
  }

  /** Sockets are open and addresses known: the answer to `prepare`. */
  begin(settings: LinkSettings, now: number): void {
    if (this.#state.name !== "preparing") throw new StateError("no attempt is being prepared");
    const link = new Link(settings);
    this.#state = { name: "linked", link, upAt: undefined };
    link.start(now);
    this.#advance(now);
  }

  /** Sockets or addresses could not be had: the other answer to `prepare`. */
  prepareFailed(failure: Failure, now: number): void {
    if (this.#state.name === "preparing") this.#down(failure, 0, now);
  }

  /** Cuts the wait for the next attempt short. */
  retryNow(now: number): void {
    this.#backoff.reset();
    if (this.#state.name === "waiting") this.#timers.set("retry", now);
  }

  /** Ends the present session cleanly and makes another after the cool-down. */
  renew(now: number): void {
    if (this.#state.name !== "linked" || this.#ending) return;
    this.#ending = "renew";
    this.#state.link.stop(now);
    this.#advance(now);
  }

  /** Ends everything cleanly. */
  stop(now: number): void {
    this.#ending = "stop";
    if (this.#state.name === "linked") {
      this.#state.link.stop(now);
      this.#advance(now);
    } else if (this.#state.name !== "ended") {
      this.#end(undefined, 0);
    }
  }

  /** Lets the owner command the link; its output is taken up. */
  withLink<Result>(call: (link: Link) => Result, now: number): Result | undefined {
    if (this.#state.name !== "linked") return undefined;
    const result = call(this.#state.link);
    this.#advance(now);
    return result;
  }

  handleDatagram(datagram: Datagram<SocketRole>, now: number): void {
    if (this.#state.name !== "linked") return;
    this.#state.link.handleDatagram(datagram, now);
    this.#advance(now);
  }

  handleTimeout(now: number): void {
    if (this.#timers.take("retry", now)) this.#prepare();
    if (this.#state.name !== "linked") return;
    this.#state.link.handleTimeout(now);
    this.#advance(now);
  }

  pollTransmit(): Transmit<SocketRole> | undefined {
    return this.#state.name === "linked" ? this.#state.link.pollTransmit() : undefined;
  }

  pollEvent(): SupervisorEvent | undefined {
    return this.#events.shift();
  }

  pollDeadline(): Deadline | undefined {
    return this.#state.name === "linked"
      ? this.#state.link.pollDeadline()
      : this.#timers.earliest();
  }

  #prepare(): void {
    this.#state = { name: "preparing" };
    this.#events.push({ type: "prepare", attempt: ++this.#attempts });
  }

  #advance(now: number): void {
    const state = this.#state;
    if (state.name !== "linked") return;
    for (let e = state.link.pollEvent(); e; e = state.link.pollEvent()) {
      if (e.type === "closed") {
        const upMs = state.upAt === undefined ? 0 : Math.max(1, now - state.upAt);
        return this.#onClosed(e.failure, upMs, now);
      }
      if (e.type === "ready") {
        state.upAt = now;
        this.#sessions++;
      }
      this.#events.push(e);
    }
  }

  #onClosed(failure: Failure | undefined, upMs: number, now: number): void {
    const ending = this.#ending;
    this.#ending = undefined;
    if (ending === "stop") return this.#end(undefined, upMs);
    if (failure) return this.#down(failure, upMs, now);
    this.#wait(undefined, upMs, this.#cleanCooldownMs, now);
  }

  #down(failure: Failure, upMs: number, now: number): void {
    if (this.#giveUp === "first" && this.#sessions === 0) return this.#end(failure, upMs);
    const retryInMs = this.#backoff.next(failure.reason, upMs);
    if (retryInMs === "never") return this.#end(failure, upMs);
    this.#wait(failure, upMs, retryInMs, now);
  }

  #wait(failure: Failure | undefined, upMs: number, retryInMs: number, now: number): void {
    this.#state = { name: "waiting" };
    this.#timers.set("retry", now + retryInMs);
    this.#events.push({ type: "down", failure, upMs, retryInMs });
  }

  #end(failure: Failure | undefined, upMs: number): void {
    this.#state = { name: "ended" };
    this.#timers.clearAll();
    this.#events.push({ type: "ended", failure, upMs });
  }
}
