/**
 * Prepares the relay: finds a relay server, takes a place at one of its agents, starts it, and
 * calls the device there. Many relay servers never answer: when one has not within a second, another
 * is asked for as well, and places that are granted too late are given back.
 *
 * | state      | on                                          | then                                |
 * |------------|---------------------------------------------|-------------------------------------|
 * | idle       | `start`                                     | locating                            |
 * | locating   | relay server known                          | located                             |
 * | located    | p2p-channel has left, host not resting      | allocating                          |
 * | located    | host rests after a failure                  | locating, in a second               |
 * | allocating | no answer for a second                      | one more, at another host           |
 * | allocating | agent and token                             | starting                            |
 * | allocating | agent rests after a failure                 | unbind, locating when it has rested |
 * | allocating | the last one silent or refused              | locating again, or failed           |
 * | starting   | started                                     | leased                              |
 * | starting   | silent or refused                           | unbind, locating again, or failed   |
 * | leased     | type 0, or p2p-channel judged, or `hold`    | calling                             |
 * | calling    | the agent's 200                             | ready                               |
 * | calling    | account refused before p2p-channel's answer | refused                             |
 * | calling    | p2p-channel goes again as type 1            | leased                              |
 * | calling    | silent or refused                           | failed                              |
 * | refused    | p2p-channel goes again as type 1            | leased                              |
 * | refused    | p2p-channel answered, or silent             | failed                              |
 * | any other  | one more place is granted                   | unbind                              |
 *
 * Source: PROTOCOL.md sections 4.1 to 4.3 and 9.
 *
 * @module
 */
import type { DecodeError } from "../errors.ts";
import type { Failure } from "../failure.ts";
import { TimerTable } from "../timer_table.ts";
import type { Deadline, Endpoint } from "../types.ts";
import { decodeAgent, decodeRefusal, decodeRelayServer, decodeStart } from "./answers.ts";
import * as failures from "./failures.ts";
import type { Login } from "./login.ts";
import type { AllocationTicket } from "./relay_hosts.ts";
import {
  type ChannelState,
  MAX_RELAY_ATTEMPTS,
  MAX_RELAY_LOOKUPS,
  NO_ROOM_MS,
  RELAY_HEDGE_MS,
  RELAY_HOLD_MS,
  RELAY_PATIENCE_MS,
  type RelayEvent,
  type RelayOptions,
} from "./relay_options.ts";
import * as requests from "./requests.ts";
import type { Outcome } from "./transaction_table.ts";
import { decodeBody } from "./xml.ts";

/** Where a preparation stands. */
export type RelayState = State["name"];

type State =
  | { readonly name: "idle" | "locating" | "allocating" | "ready" | "failed" }
  | { readonly name: "located"; readonly relayServer: Endpoint }
  | { readonly name: "starting"; readonly relayServer: Endpoint; readonly agent: Endpoint }
  | { readonly name: "leased"; readonly agent: Endpoint }
  | { readonly name: "calling"; readonly agent: Endpoint; readonly login: Login }
  | { readonly name: "refused"; readonly agent: Endpoint; readonly failure: Failure };

/** The timers of a preparation. */
type RelayTimer =
  /** p2p-channel has been given its time to judge the account. */
  | "relay-hold"
  /** Another relay server is to be asked for, or the same one again. */
  | "relay-next"
  /** A place was looked for long enough. */
  | "relay-patience";

/** One preparation of the relay. */
export class RelayPreparation {
  readonly #options: RelayOptions;
  readonly #events: RelayEvent[] = [];
  readonly #timers = new TimerTable<RelayTimer>(["relay-hold", "relay-next", "relay-patience"]);
  /** Places asked for, by the host that was asked. */
  readonly #asked = new Map<string, AllocationTicket>();
  #state: State = { name: "idle" };
  #attempts = 0;
  #lookups = 0;
  #main: Endpoint | undefined;
  #channel: ChannelState = "waiting";
  #login: Login | undefined;
  #place: { readonly relayServer: Endpoint; readonly token: string } | undefined;

  /** A preparation that has not begun. */
  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Where it stands; see the table above. */
  get state(): RelayState {
    return this.#state.name;
  }

  /** Whether no place is held, asked for, or being given back. */
  get isReleased(): boolean {
    const { table } = this.#options;
    return !this.#place && !table.isOpen("relay-agent") && !table.isOpen("relay-unbind");
  }

  /** Begins, or begins again with another main server. */
  start(main: Endpoint, now: number): void {
    this.#main = main;
    this.#attempts = 0;
    this.#lookups = 0;
    this.#channel = "waiting";
    this.#timers.clearAll();
    this.#forgetAsked();
    this.#locate(now);
  }

  /** p2p-channel has left with this login, for the first time or again. */
  channelSent(login: Login, now: number): void {
    if (this.#state.name === "ready" || this.#state.name === "failed") return;
    this.#channel = "sent";
    this.#login = login;
    if (login.type === "1") this.#timers.set("relay-hold", now + RELAY_HOLD_MS);
    else this.#timers.clear("relay-hold");
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
    this.#timers.clear("relay-hold");
    if (this.#state.name === "refused") this.#fail(this.#state.failure);
    this.#proceed(now);
  }

  /** Takes the outcome of one of its exchanges. @throws {DecodeError} On an unusable answer. */
  handleOutcome(outcome: Outcome, now: number): void {
    if (outcome.kind === "trying") return;
    switch (outcome.transaction.exchange) {
      case "online-relay":
        return this.#onLocated(outcome, now);
      case "relay-agent":
        return this.#onAllocated(outcome, now);
      case "relay-start":
        return this.#onStarted(outcome, now);
      case "relay-channel":
        return this.#onCalled(outcome);
      default:
        return;
    }
  }

  /** Takes an answer of one of its exchanges that cannot be used. */
  unusable(outcome: Outcome, error: DecodeError): void {
    const { exchange } = outcome.transaction;
    const { name } = this.#state;
    // One of several: another may do better.
    if (name === "allocating" && this.#asked.size > 0) return;
    if (exchange === "relay-agent" && name !== "allocating") return;
    this.#fail(failures.unexpectedReply(error.what, { exchange }));
  }

  /** Runs what is due. */
  handleTimeout(now: number): void {
    const { name } = this.#state;
    if (this.#timers.take("relay-hold", now)) this.#proceed(now);
    if (this.#timers.take("relay-next", now)) {
      if (name === "located") this.#proceed(now);
      else if (name === "locating" || name === "allocating") this.#lookUp(now);
    }
    if (
      this.#timers.take("relay-patience", now) && (name === "locating" || name === "allocating")
    ) {
      this.#fail(failures.relayBusy("relay-agent"));
    }
  }

  /** When `handleTimeout` is due. */
  pollDeadline(): Deadline | undefined {
    return this.#timers.earliest();
  }

  /** The next thing that happened. */
  pollEvent(): RelayEvent | undefined {
    return this.#events.shift();
  }

  /** Takes no further step; the place at the agent is kept until `release`. */
  stop(): void {
    this.#state = { name: "failed" };
    this.#timers.clearAll();
    this.#forgetAsked();
  }

  /** Gives the place at the agent back, and whatever is granted from now on. */
  release(now: number): void {
    this.stop();
    this.#unbind(now);
  }

  #onLocated(outcome: Outcome, now: number): void {
    const { name } = this.#state;
    if (name !== "locating" && name !== "allocating") return;
    if (outcome.kind === "answered") {
      const relayServer = decodeRelayServer(decodeBody(outcome.response.body));
      if (name === "allocating") return this.#ask(relayServer, now);
      this.#state = { name: "located", relayServer };
      return this.#proceed(now);
    }
    if (name === "locating") this.#fail(busy(outcome));
  }

  #onAllocated(outcome: Outcome, now: number): void {
    const { hosts, run, table } = this.#options;
    const relayServer = outcome.transaction.request.to;
    const ticket = this.#asked.get(relayServer.ip);
    if (ticket) hosts.end(ticket);
    this.#asked.delete(relayServer.ip);
    if (outcome.kind !== "answered") {
      hosts.failed(relayServer.ip, now);
      if (this.#state.name === "allocating") this.#rotate(busy(outcome), now);
      return;
    }
    hosts.answered(relayServer.ip);
    const { agent, token } = decodeAgent(decodeBody(outcome.response.body));
    if (this.#state.name !== "allocating") {
      table.send(requests.relayUnbind(relayServer, token), now);
      return;
    }
    this.#place = { relayServer, token };
    const readyAt = hosts.readyAt(agent.ip);
    if (now < readyAt) {
      this.#unbind(now);
      return this.#rotate(failures.relayBusy("relay-start"), now, readyAt);
    }
    this.#timers.clear("relay-next");
    this.#state = { name: "starting", relayServer, agent };
    table.send(requests.relayStart(run, agent, token), now);
  }

  #onStarted(outcome: Outcome, now: number): void {
    const state = this.#state;
    if (state.name !== "starting") return;
    const { agent, relayServer } = state;
    if (outcome.kind !== "answered") {
      this.#options.hosts.failed(agent.ip, now);
      this.#unbind(now);
      return this.#rotate(busy(outcome), now);
    }
    this.#options.hosts.answered(agent.ip);
    const { sid, lifetimeSeconds } = decodeStart(decodeBody(outcome.response.body));
    this.#state = { name: "leased", agent };
    this.#timers.clear("relay-patience");
    this.#events.push({ type: "lease", lease: { agent, relayServer, sid, lifetimeSeconds } });
    this.#proceed(now);
  }

  #onCalled(outcome: Outcome): void {
    const state = this.#state;
    if (state.name !== "calling") return;
    if (outcome.kind === "answered") {
      this.#state = { name: "ready" };
      this.#events.push({ type: "ready", agent: state.agent });
      return;
    }
    const error = outcome.kind === "refused" ? decodeRefusal(outcome.response).error : "";
    if (!error.startsWith("DevPwd_")) return this.#fail(busy(outcome));
    const failure = this.#options.judged(error, state.login);
    // p2p-channel may be told the same and go again with an account.
    if (this.#channel === "sent") this.#state = { name: "refused", agent: state.agent, failure };
    else this.#fail(failure);
  }

  /** Takes every step that nothing stands in the way of. */
  #proceed(now: number): void {
    const state = this.#state;
    const { run, table } = this.#options;
    if (state.name === "located" && this.#channel !== "waiting") {
      this.#ask(state.relayServer, now);
    } else if (state.name === "leased" && this.#login && !this.#timers.isSet("relay-hold")) {
      const { agent } = state;
      this.#state = { name: "calling", agent, login: this.#login };
      table.send(requests.relayChannel(run, this.#main!, agent, this.#login), now);
    }
  }

  /** Asks a relay server for a place, unless it rests or was asked already. */
  #ask(relayServer: Endpoint, now: number): void {
    const { hosts, run, table } = this.#options;
    if (!this.#timers.isSet("relay-patience")) {
      this.#timers.set("relay-patience", now + RELAY_PATIENCE_MS);
    }
    if (!hosts.hasRoom(now)) {
      // Others of this process are asking: the address is as good a little later.
      this.#timers.set("relay-next", now + (this.#asked.size > 0 ? RELAY_HEDGE_MS : NO_ROOM_MS));
      return;
    }
    const { ip } = relayServer;
    if (!this.#asked.has(ip) && now >= hosts.readyAt(ip)) {
      this.#attempts++;
      this.#asked.set(ip, hosts.begin(now));
      table.send(requests.relayAgent(run, relayServer), now);
    }
    this.#state = { name: this.#asked.size > 0 ? "allocating" : "locating" };
    if (this.#mayLookUp) this.#timers.set("relay-next", now + RELAY_HEDGE_MS);
    else if (this.#asked.size === 0) this.#fail(failures.relayBusy("relay-agent"));
  }

  get #mayLookUp(): boolean {
    return this.#attempts < MAX_RELAY_ATTEMPTS && this.#lookups < MAX_RELAY_LOOKUPS;
  }

  #locate(now: number): void {
    this.#state = { name: "locating" };
    this.#lookUp(now);
  }

  #lookUp(now: number): void {
    if (this.#options.table.isOpen("online-relay")) return;
    this.#lookups++;
    this.#options.table.send(requests.onlineRelay(this.#main!), now);
  }

  /** One place is not to be had: waits for the others, or tries again from `at` on, or fails. */
  #rotate(failure: Failure, now: number, at = now): void {
    if (this.#asked.size > 0) this.#state = { name: "allocating" };
    else if (!this.#mayLookUp || !this.#timers.isSet("relay-patience")) this.#fail(failure);
    else if (at <= now) this.#locate(now);
    else {
      this.#state = { name: "locating" };
      this.#timers.set("relay-next", at);
    }
  }

  #unbind(now: number): void {
    const place = this.#place;
    if (!place) return;
    this.#place = undefined;
    this.#options.table.send(requests.relayUnbind(place.relayServer, place.token), now);
  }

  #forgetAsked(): void {
    for (const ticket of this.#asked.values()) this.#options.hosts.end(ticket);
    this.#asked.clear();
  }

  #fail(failure: Failure): void {
    this.stop();
    this.#events.push({ type: "failed", failure });
  }
}

/** What the end of an exchange means for the relay. */
function busy(outcome: Outcome): Failure {
  const status = outcome.kind === "refused" ? outcome.response.status : undefined;
  return failures.relayBusy(outcome.transaction.exchange, status);
}
