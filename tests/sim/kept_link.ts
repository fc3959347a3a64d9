/**
 * A device kept reachable: the supervisor's policy and one link after the other, as the driver of a
 * tunnel puts them together, but as a machine for the virtual network.
 *
 * @module
 */
import type { SocketRole } from "../../lib/core/cloud/signaling.ts";
import type { Failure } from "../../lib/core/failure.ts";
import { Link } from "../../lib/core/link.ts";
import type { LinkEvent, LinkSettings } from "../../lib/core/link_options.ts";
import { Supervisor, type SupervisorState } from "../../lib/core/supervisor.ts";
import { earlier } from "../../lib/core/timer_table.ts";
import type { Datagram, Deadline, Machine, Random, Transmit } from "../../lib/core/types.ts";

/** What it reports: the events of its links, and the ends of them. */
export type KeptLinkEvent =
  | Exclude<LinkEvent, { type: "closed" }>
  | { readonly type: "down"; readonly failure: Failure | undefined }
  | { readonly type: "ended"; readonly failure: Failure | undefined };

/** Makes the settings of the next link, on new sockets; `sign` is the choice of this attempt. */
export type Prepare = (attempt: number, sign: "ask" | "skip") => LinkSettings;

/** One device with its policy and its link. */
export class KeptLink implements Machine<KeptLinkEvent, SocketRole> {
  readonly #supervisor: Supervisor;
  readonly #prepare: Prepare;
  readonly #events: KeptLinkEvent[] = [];
  #link: Link | undefined;
  #sign: "ask" | "skip" = "ask";
  #isStopping = false;

  constructor(random: Random, prepare: Prepare) {
    this.#supervisor = new Supervisor({ random });
    this.#prepare = prepare;
  }

  /** The link there is, in whatever state. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** Where the policy stands. */
  get state(): SupervisorState {
    return this.#supervisor.state;
  }

  /** Sessions so far. */
  get sessions(): number {
    return this.#supervisor.sessions;
  }

  /** Begins. */
  start(now: number): void {
    this.#supervisor.start(now);
    this.#advance(now);
  }

  /** Ends the present session cleanly; the next one comes by itself. */
  renew(now: number): void {
    this.#link?.stop(now);
    this.#advance(now);
  }

  /** Ends everything cleanly. */
  stop(now: number): void {
    this.#isStopping = true;
    this.#link?.stop(now);
    this.#advance(now);
    if (this.#link === undefined) this.#supervisor.stop(now);
    this.#advance(now);
  }

  /** Commands the link there is. */
  withLink<T>(call: (link: Link) => T, now: number): T | undefined {
    if (this.#link === undefined) return undefined;
    const result = call(this.#link);
    this.#advance(now);
    return result;
  }

  handleDatagram(datagram: Datagram<SocketRole>, now: number): void {
    this.#link?.handleDatagram(datagram, now);
    this.#advance(now);
  }

  handleTimeout(now: number): void {
    this.#supervisor.handleTimeout(now);
    this.#link?.handleTimeout(now);
    this.#advance(now);
  }

  pollTransmit(): Transmit<SocketRole> | undefined {
    return this.#link?.pollTransmit();
  }

  pollEvent(): KeptLinkEvent | undefined {
    return this.#events.shift();
  }

  pollDeadline(): Deadline | undefined {
    return earlier(this.#supervisor.pollDeadline(), this.#link?.pollDeadline());
  }

  #advance(now: number): void {
    const link = this.#link;
    for (let e = link?.pollEvent(); e; e = link?.pollEvent()) {
      if (e.type === "closed") this.#onClosed(e.failure, now);
      else {
        if (e.type === "ready") this.#supervisor.succeeded(now);
        this.#events.push(e);
      }
    }
    for (let e = this.#supervisor.pollEvent(); e; e = this.#supervisor.pollEvent()) {
      if (e.type === "attempt") {
        this.#link = new Link(this.#prepare(e.attempt, this.#sign));
        this.#link.start(now);
      } else this.#events.push({ type: e.type, failure: e.failure });
    }
  }

  #onClosed(failure: Failure | undefined, now: number): void {
    this.#link = undefined;
    if (this.#isStopping) return this.#supervisor.stop(now);
    // PROTOCOL.md section 9, "sign": the next link makes the other choice.
    if (failure?.reason === "relay-zombie") this.#sign = this.#sign === "ask" ? "skip" : "ask";
    if (this.#supervisor.state === "up") this.#supervisor.lost(failure, now);
    else this.#supervisor.failed(failure ?? STOPPED, now);
  }
}

/** A handshake that was ended for a new one. */
const STOPPED: Failure = { reason: "starting", what: "Stopped.", advice: "" };
