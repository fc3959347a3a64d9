/**
 * Prepares the relay: finds a relay server, takes a place at one of its agents, starts it, and
 * calls the device there.
 *
 * | state      | on                                          | then                                |
 * |------------|---------------------------------------------|-------------------------------------|
 * | idle       | `start`                                     | locating                            |
 * | locating   | relay server known                          | located                             |
 * | located    | p2p-channel has left                        | allocating                          |
 * | allocating | agent and token                             | starting                            |
 * | allocating | silent or refused                           | locating again, or failed           |
 * | starting   | started                                     | leased                              |
 * | starting   | silent or refused                           | unbind, locating again, or failed   |
 * | leased     | type 0, or p2p-channel judged, or `hold`    | calling                             |
 * | calling    | the agent's 200                             | ready                               |
 * | calling    | account refused before p2p-channel's answer | refused                             |
 * | calling    | p2p-channel goes again as type 1            | leased                              |
 * | calling    | silent or refused                           | failed                              |
 * | refused    | p2p-channel goes again as type 1            | leased                              |
 * | refused    | p2p-channel answered, or silent             | failed                              |
 *
 * Source: PROTOCOL.md sections 4.1 to 4.3 and 9.
 *
 * @module
 */
import type { DecodeError } from "../errors.ts";
import type { Failure } from "../failure.ts";
import type { Deadline, Endpoint } from "../types.ts";
import { decodeAgent, decodeRefusal, decodeRelayServer, decodeStart } from "./answers.ts";
import * as failures from "./failures.ts";
import type { Login } from "./login.ts";
import * as requests from "./requests.ts";
import type { Outcome, TransactionTable } from "./transaction_table.ts";
import { decodeBody } from "./xml.ts";

/** Relay servers asked for in one run: the first may be one that never answers. */
export const MAX_RELAY_ATTEMPTS = 3;

/**
 * How long relay-channel waits for the device's answer to an authenticated p2p-channel. Both carry
 * the account's proof: a wrong password must be judged once, not twice. Long enough for one resend
 * of p2p-channel and its answer; a device that only ever answers through the relay costs this much.
 */
export const RELAY_HOLD_MS = 4_000;

/** A place at an agent. */
export interface Lease {
  /** Who relays. */
  readonly agent: Endpoint;
  /** Who takes the place back. */
  readonly relayServer: Endpoint;
  /** Name of the session at the agent. */
  readonly sid: string;
  /** `Time`, meaning unknown; 0 when not told. */
  readonly lifetimeSeconds: number;
}

/** What the preparation reports. */
export type RelayEvent =
  | { readonly type: "lease"; readonly lease: Lease }
  | { readonly type: "ready"; readonly agent: Endpoint }
  | { readonly type: "failed"; readonly failure: Failure };

/** Where p2p-channel stands, as far as the relay cares. */
export type ChannelState = "waiting" | "sent" | "answered" | "silent";

/** Where a preparation stands. */
export type RelayState =
  | "idle"
  | "locating"
  | "located"
  | "allocating"
  | "starting"
  | "leased"
  | "calling"
  | "refused"
  | "ready"
  | "failed";

type State =
  | { readonly name: "idle" | "locating" | "ready" | "failed" }
  | { readonly name: "located"; readonly relayServer: Endpoint }
  | { readonly name: "allocating"; readonly relayServer: Endpoint }
  | { readonly name: "starting"; readonly relayServer: Endpoint; readonly agent: Endpoint }
  | { readonly name: "leased"; readonly agent: Endpoint }
  | { readonly name: "calling"; readonly agent: Endpoint; readonly login: Login }
  | { readonly name: "refused"; readonly agent: Endpoint; readonly failure: Failure };

/** What the preparation is told once. */
export interface RelayOptions {
  /** What all requests share. */
  readonly run: requests.RunFacts;
  /** Where its exchanges run. */
  readonly table: TransactionTable;
  /** What a refusal of relay-channel means, when it judges the account. */
  readonly judged: (error: string, login: Login) => Failure;
}

/** One preparation of the relay. */
export class RelayPreparation {
  readonly #options: RelayOptions;
  readonly #events: RelayEvent[] = [];
  #state: State = { name: "idle" };
  #attempt = 0;
  #main: Endpoint | undefined;
  #channel: ChannelState = "waiting";
  #login: Login | undefined;
  #holdUntil: number | undefined;
  #place: { readonly relayServer: Endpoint; readonly token: string } | undefined;

  /** A preparation that has not begun. */
  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Where it stands; see the table above. */
  get state(): RelayState {
    return this.#state.name;
  }

  /** Begins, or begins again with another main server. */
  start(main: Endpoint, now: number): void {
    this.#main = main;
    this.#attempt = 0;
    this.#channel = "waiting";
    this.#locate(now);
  }

  /** p2p-channel has left with this login, for the first time or again. */
  channelSent(login: Login, now: number): void {
    if (this.#state.name === "ready" || this.#state.name === "failed") return;
    this.#channel = "sent";
    this.#login = login;
    this.#holdUntil = login.type === "1" ? now + RELAY_HOLD_MS : undefined;
    const state = this.#state;
    if (state.name === "calling" || state.name === "refused") {
      this.#options.table.cancel("relay-channel");
      this.#state = { name: "leased", agent: state.agent };
    }
    this.#proceed(now);
  }

  /** p2p-channel has ended: the device's 200, or nothing at all. */
  channelEnded(how: "answered" | "silent", now: number): void {
    this.#channel = how;
    this.#holdUntil = undefined;
    if (this.#state.name === "refused") this.#fail(this.#state.failure);
    this.#proceed(now);
  }

  /** Takes the outcome of one of its exchanges. @throws {DecodeError} On an unusable answer. */
  handleOutcome(outcome: Outcome, now: number): void {
    const { kind, transaction } = outcome;
    if (kind === "trying" || transaction.exchange === "relay-unbind") return;
    const state = this.#state;
    if (kind === "answered") {
      const body = (): ReturnType<typeof decodeBody> => decodeBody(outcome.response.body);
      if (state.name === "locating") {
        this.#state = { name: "located", relayServer: decodeRelayServer(body()) };
      } else if (state.name === "allocating") {
        const { relayServer } = state;
        const { agent, token } = decodeAgent(body());
        this.#place = { relayServer, token };
        this.#state = { name: "starting", relayServer, agent };
        this.#options.table.send(requests.relayStart(this.#options.run, agent, token), now);
      } else if (state.name === "starting") {
        const { agent, relayServer } = state;
        const { sid, lifetimeSeconds } = decodeStart(body());
        this.#state = { name: "leased", agent };
        this.#events.push({ type: "lease", lease: { agent, relayServer, sid, lifetimeSeconds } });
      } else if (state.name === "calling") {
        this.#state = { name: "ready" };
        this.#events.push({ type: "ready", agent: state.agent });
      }
      return this.#proceed(now);
    }
    const refusal = kind === "refused" ? decodeRefusal(outcome.response) : undefined;
    if (state.name === "allocating" || state.name === "starting") {
      return this.#locateAgain(transaction.exchange, refusal?.status, now);
    }
    if (state.name === "calling" && refusal?.error.startsWith("DevPwd_")) {
      const failure = this.#options.judged(refusal.error, state.login);
      // p2p-channel may be told the same and go again with an account.
      if (this.#channel === "sent") this.#state = { name: "refused", agent: state.agent, failure };
      else this.#fail(failure);
      return;
    }
    this.#fail(failures.relayBusy(transaction.exchange, refusal?.status));
  }

  /** Takes an answer of one of its exchanges that cannot be used. */
  unusable(outcome: Outcome, error: DecodeError): void {
    const { exchange } = outcome.transaction;
    this.#fail(failures.unexpectedReply(error.what, { exchange }));
  }

  /** Runs the hold when it is due. */
  handleTimeout(now: number): void {
    if (this.#holdUntil !== undefined && now >= this.#holdUntil) {
      this.#holdUntil = undefined;
      this.#proceed(now);
    }
  }

  /** When `handleTimeout` is due. */
  pollDeadline(): Deadline | undefined {
    if (this.#holdUntil === undefined) return undefined;
    return { at: this.#holdUntil, reason: "relay-hold" };
  }

  /** The next thing that happened. */
  pollEvent(): RelayEvent | undefined {
    return this.#events.shift();
  }

  /** Takes no further step; the place at the agent is kept until `release`. */
  stop(): void {
    this.#state = { name: "failed" };
    this.#holdUntil = undefined;
  }

  /**
   * Gives the place at the agent back.
   *
   * @returns Whether there is one, so that an answer is to be waited for.
   */
  release(now: number): boolean {
    this.stop();
    return this.#unbind(now);
  }

  /** Takes every step that nothing stands in the way of. */
  #proceed(now: number): void {
    const state = this.#state;
    const { run, table } = this.#options;
    if (state.name === "located" && this.#channel !== "waiting") {
      const { relayServer } = state;
      this.#state = { name: "allocating", relayServer };
      table.send(requests.relayAgent(run, relayServer), now);
    } else if (state.name === "leased" && this.#login && this.#holdUntil === undefined) {
      const { agent } = state;
      this.#state = { name: "calling", agent, login: this.#login };
      table.send(requests.relayChannel(run, this.#main!, agent, this.#login), now);
    }
  }

  #locate(now: number): void {
    this.#attempt++;
    this.#state = { name: "locating" };
    this.#options.table.send(requests.onlineRelay(this.#main!), now);
  }

  #locateAgain(step: string, status: number | undefined, now: number): void {
    this.#unbind(now);
    if (this.#attempt >= MAX_RELAY_ATTEMPTS) return this.#fail(failures.relayBusy(step, status));
    this.#locate(now);
  }

  #unbind(now: number): boolean {
    const place = this.#place;
    if (!place) return false;
    this.#place = undefined;
    this.#options.table.send(requests.relayUnbind(place.relayServer, place.token), now);
    return true;
  }

  #fail(failure: Failure): void {
    this.#state = { name: "failed" };
    this.#holdUntil = undefined;
    this.#events.push({ type: "failed", failure });
  }
}
