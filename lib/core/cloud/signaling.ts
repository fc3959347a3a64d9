/**
 * Signaling: from a serial number to the device's addresses and to a relay that calls it, through
 * the cloud. What does not depend on each other overlaps:
 *
 * ```text
 * 1  warm-up, lookup, online-relay
 * 2                   probe-device, device-info              at the US server the lookup named
 * 3                                 p2p-channel, relay-agent
 * 4                                              relay-start
 * 5                                                          relay-channel
 * ```
 *
 * Without an account round 2 is not waited for. The relay has its own table in
 * `relay_preparation.ts`, the last resort in `tcp_relay_preparation.ts`, and so has the call to the
 * device in `device_call.ts`; this is the one of the device:
 *
 * | state         | on                                              | then                         |
 * |---------------|-------------------------------------------------|------------------------------|
 * | idle          | `start`                                         | looking-up                   |
 * | looking-up    | 200, type 0 settled                             | calling                      |
 * | looking-up    | 200, type depends on the device                 | asking                       |
 * | looking-up    | silent or 5xx                                   | next server, or failed       |
 * | looking-up    | 404                                             | failed: device-unknown       |
 * | asking        | device-info ended, or `info` due                | calling                      |
 * | until called    | probe-device 404                              | failed: device-offline       |
 * | calling       | 100                                             | (keep waiting)               |
 * | calling       | 200                                             | called                       |
 * | calling       | salt refused, account at hand                   | salting, or calling          |
 * | calling       | 404                                             | failed: device-offline       |
 * | calling       | any other refusal                               | failed                       |
 * | calling       | silent, relay not failed, path not direct       | unanswered                   |
 * | calling       | silent otherwise, path not relay                | failed: device-silent        |
 * | salting       | salt known                                      | calling, type 1, once        |
 * | salting       | no salt to be had                               | failed: cloud-unreachable    |
 * | unanswered    | relay failed                                    | failed                       |
 * | any           | `release`                                       | releasing                    |
 * | releasing     | the relay has nothing (more) to give back       | released                     |
 *
 * Source: PROTOCOL.md section 9.
 *
 * @module
 */
import { DecodeError, StateError } from "../errors.ts";
import type { Failure } from "../failure.ts";
import { earlier } from "../timer_table.ts";
import type { Datagram, Deadline, Endpoint, Machine, TraceEvent, Transmit } from "../types.ts";
import { decodeLookup, decodeRefusal } from "./answers.ts";
import { DeviceCall } from "./device_call.ts";
import { type SocketRole, USUAL_TIMING } from "./exchange.ts";
import * as failures from "./failures.ts";
import { decodeDeviceInfo, type DeviceInfo } from "./info.ts";
import { ANONYMOUS, type Credentials, type Login } from "./login.ts";
import { LoginChoice, type NextStep } from "./login_choice.ts";
import { RelayHosts } from "./relay_hosts.ts";
import { RelayPreparation } from "./relay_preparation.ts";
import * as requests from "./requests.ts";
import {
  firstServer,
  SIGNALING_DEFAULTS,
  type SignalingEvent,
  type SignalingOptions,
} from "./signaling_options.ts";
import { TcpRelayPreparation } from "./tcp_relay_preparation.ts";
import { type Outcome, TransactionTable } from "./transaction_table.ts";
import { decodeBody } from "./xml.ts";

export type { Credentials, SocketRole };
export type { PathPolicy, SignalingEvent, SignalingOptions } from "./signaling_options.ts";

type State =
  | { readonly name: "idle" | "calling" | "called" | "unanswered" }
  | { readonly name: "failed" | "releasing" | "released" }
  | { readonly name: "looking-up"; readonly server: number }
  | { readonly name: "asking"; readonly until: number }
  | { readonly name: "salting"; readonly refused: Login };

/** One run of signaling for one device. */
export class Signaling implements Machine<SignalingEvent, SocketRole> {
  readonly #options: SignalingOptions;
  readonly #table: TransactionTable;
  readonly #relay: RelayPreparation;
  readonly #tcpRelay: TcpRelayPreparation;
  readonly #run: requests.RunFacts;
  readonly #choice: LoginChoice;
  readonly #deviceCall: DeviceCall;
  readonly #events: SignalingEvent[] = [];
  #state: State = { name: "idle" };
  readonly #cloudName: string;
  #main: Endpoint;
  #us: Endpoint | undefined;
  readonly #said = new Set<"clock-skew" | "trying">();
  #startedAt = 0;
  #now = 0;

  /**
   * A run that has not begun.
   *
   * @throws {RangeError} When the options contradict each other.
   */
  constructor(options: SignalingOptions) {
    this.#options = options;
    this.#main = firstServer(options);
    this.#cloudName = options.cloudName ?? options.dialect.cloud.name;
    this.#run = requests.runFacts(options);
    this.#choice = new LoginChoice(options.authType, options.credentials);
    this.#table = new TransactionTable(options.dialect, options.environment);
    const relays = {
      run: this.#run,
      table: this.#table,
      hosts: options.relayHosts ?? new RelayHosts(),
      judged: (error: string, login: Login) => this.#choice.judged(error, login),
    };
    this.#relay = new RelayPreparation(relays);
    this.#tcpRelay = new TcpRelayPreparation(relays);
    this.#deviceCall = new DeviceCall({
      run: this.#run,
      table: this.#table,
      channelSent: (login, now) => this.#relay.channelSent(login, now),
    });
  }

  /** How far the cloud's clock is ahead of ours, in ms. */
  get clockOffsetMs(): number {
    return this.#table.clock.offsetMs;
  }

  /** Begins. @throws {StateError} The second time. */
  start(now: number): void {
    if (this.#state.name !== "idle") throw new StateError("signaling starts once");
    this.#startedAt = now;
    this.#lookUp(0, now);
    this.#advance(now);
  }

  /** Calls the device to a TCP relay; to be asked for once its answer to p2p-channel is known. */
  callTcpRelay(now: number): void {
    const word = this.#state.name === "called" ? "accepted" : "unknown";
    if (!this.#over) this.#tcpRelay.start(this.#main, this.#deviceCall.login, word, now);
    this.#advance(now);
  }

  /** Ends everything and gives the place at the relay back; `released` follows. */
  release(now: number): void {
    if (this.#state.name === "releasing" || this.#state.name === "released") return;
    this.#table.cancelAll("relay-agent");
    this.#tcpRelay.stop();
    this.#state = { name: "releasing" };
    this.#relay.release(now);
    this.#advance(now);
  }

  handleDatagram(datagram: Datagram<SocketRole>, now: number): void {
    let outcome: Outcome | undefined;
    try {
      outcome = this.#table.accept(datagram, now);
      if (outcome) this.#dispatch(outcome, now);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#trace("unusable-answer", { what: error.what, offset: error.offset }, now);
      if (outcome) this.#unusable(outcome, error, now);
    }
    this.#advance(now);
  }

  handleTimeout(now: number): void {
    for (let e = this.#table.handleTimeout(now); e; e = this.#table.handleTimeout(now)) {
      this.#dispatch(e, now);
    }
    this.#relay.handleTimeout(now);
    if (this.#state.name === "asking" && now >= this.#state.until) {
      this.#call(this.#choice.first(), now);
    }
    this.#advance(now);
  }

  pollTransmit(): Transmit<SocketRole> | undefined {
    return this.#table.pollTransmit();
  }

  pollEvent(): SignalingEvent | undefined {
    return this.#events.shift();
  }

  pollDeadline(): Deadline | undefined {
    if (this.#events.length > 0) return { at: this.#now, reason: "event" };
    const state = this.#state;
    const info = state.name === "asking" ? { at: state.until, reason: "info" } : undefined;
    return earlier(earlier(this.#table.pollDeadline(), info), this.#relay.pollDeadline());
  }

  get #over(): boolean {
    return ["failed", "releasing", "released"].includes(this.#state.name);
  }

  /** Sends every outcome to whom it concerns. @throws {DecodeError} On an unusable answer. */
  #dispatch(outcome: Outcome, now: number): void {
    switch (outcome.transaction.exchange) {
      case "warm-up":
        return;
      case "lookup":
        return this.#onLookup(outcome, now);
      case "probe-device":
        if (outcome.kind === "refused" && outcome.response.status === 404) {
          this.#fail(failures.deviceOffline());
        }
        return;
      case "device-info":
        return this.#onInfo(outcome, now);
      case "local-channel":
      case "p2p-channel":
        return this.#onCall(outcome, now);
      case "tcprelay-channel":
        return this.#tcpRelay.handleOutcome(outcome);
      default:
        return this.#relay.handleOutcome(outcome, now);
    }
  }

  /** An answer that belongs to an exchange and cannot be read ends it. */
  #unusable(outcome: Outcome, error: DecodeError, now: number): void {
    const { exchange } = outcome.transaction;
    if (exchange === "lookup" || exchange === "p2p-channel") {
      this.#fail(failures.unexpectedReply(error.what, { exchange }));
    } else if (exchange === "device-info") {
      this.#learn("none", now);
    } else {
      (exchange === "tcprelay-channel" ? this.#tcpRelay : this.#relay).unusable(outcome, error);
    }
  }

  #onLookup(outcome: Outcome, now: number): void {
    const state = this.#state;
    if (state.name !== "looking-up" || outcome.kind === "trying") return;
    if (outcome.kind === "answered") {
      this.#us = decodeLookup(decodeBody(outcome.response.body)).us;
      this.#events.push({ type: "registered" });
      this.#table.send(requests.probeDevice(this.#run, this.#us), now);
      this.#table.send(requests.deviceInfo(this.#run, this.#us), now);
      if (!this.#choice.needsInfo) return this.#call(ANONYMOUS, now);
      const { infoTimeoutMs } = { ...SIGNALING_DEFAULTS, ...this.#options };
      this.#state = { name: "asking", until: now + infoTimeoutMs };
      return;
    }
    const refusal = outcome.kind === "refused" ? decodeRefusal(outcome.response) : undefined;
    if (refusal?.status === 404) return this.#fail(failures.deviceUnknown(this.#cloudName));
    const total = this.#options.servers.length;
    const failure = refusal
      ? failures.refused("lookup", refusal, this.#table.clock)
      : failures.cloudUnreachable(total, total, now - this.#startedAt);
    const mayTryNext = !refusal || refusal.status >= 500;
    if (mayTryNext && state.server + 1 < total) return this.#lookUp(state.server + 1, now);
    this.#fail(failure);
  }

  #onInfo(outcome: Outcome, now: number): void {
    if (outcome.kind === "answered") {
      const info = decodeDeviceInfo(decodeBody(outcome.response.body));
      this.#events.push({ type: "device-info", info });
      this.#learn(info, now);
    } else if (outcome.kind !== "trying" && !this.#table.isOpen("device-info")) {
      this.#learn("none", now);
    }
  }

  #learn(info: DeviceInfo | "none", now: number): void {
    this.#choice.learn(info);
    if (this.#state.name === "asking") this.#call(this.#choice.first(), now);
    else if (this.#state.name === "salting") {
      this.#proceed(this.#choice.salted(this.#state.refused), this.#state.refused, now);
    }
  }

  #onCall(outcome: Outcome, now: number): void {
    if (this.#state.name !== "calling") return;
    const result = this.#deviceCall.handleOutcome(outcome, now);
    switch (result?.type) {
      case "trying":
        if (!this.#said.has("trying")) this.#events.push({ type: "trying" });
        this.#said.add("trying");
        return;
      case "answered":
        this.#state = { name: "called" };
        this.#events.push({ type: "channel", answer: result.answer, login: result.login.type });
        this.#table.cancel("warm-up");
        this.#table.cancel("probe-device");
        return this.#relay.channelEnded("answered", now);
      case "judged":
        return this.#proceed(this.#choice.refused(result.error, result.login), result.login, now);
      case "refused":
        if (result.refusal.status === 404) return this.#fail(failures.deviceOffline());
        return this.#fail(failures.refused("p2p-channel", result.refusal, this.#table.clock));
      case "silent":
        return this.#onChannelSilent(now);
    }
  }

  #onChannelSilent(now: number): void {
    const { path } = this.#options;
    if (path === "direct" || this.#relay.state === "failed") {
      return this.#fail(this.#deviceSilent(now));
    }
    // Whether the device is there will show at the relay.
    this.#state = { name: "unanswered" };
    this.#relay.channelEnded("silent", now);
    if (this.#relay.state === "ready" || path === "tcp-relay") this.#sayChannelFailed(now);
  }

  /** Takes what the relay has to say, and warns of the clock. */
  #advance(now: number): void {
    this.#now = now;
    for (let e = this.#relay.pollEvent(); e; e = this.#relay.pollEvent()) {
      if (this.#over) continue;
      if (e.type === "lease") this.#events.push(e);
      else if (e.type === "ready") {
        this.#events.push({ type: "relay-ready", agent: e.agent });
        if (this.#state.name === "unanswered") this.#sayChannelFailed(now);
      } else if (this.#options.path === "relay") this.#fail(e.failure);
      else if (this.#state.name === "unanswered") this.#fail(this.#deviceSilent(now));
      else this.#events.push({ type: "relay-failed", failure: e.failure });
    }
    for (let e = this.#tcpRelay.pollEvent(); e; e = this.#tcpRelay.pollEvent()) {
      this.#events.push(e);
    }
    const { clock } = this.#table;
    if (clock.skewed && !this.#said.has("clock-skew")) {
      this.#said.add("clock-skew");
      // Before what follows from it: a failure may name the clock.
      this.#events.unshift({ type: "clock-skew", offsetMs: clock.offsetMs });
    }
    if (this.#state.name === "releasing" && this.#relay.isReleased) {
      this.#table.cancelAll();
      this.#state = { name: "released" };
      this.#events.push({ type: "released" });
    }
  }

  /** Starts the run with one of the servers. */
  #lookUp(server: number, now: number): void {
    const { servers, serverTimeoutMs: capMs } = { ...SIGNALING_DEFAULTS, ...this.#options };
    this.#table.cancelAll();
    this.#main = servers[server]!;
    this.#state = { name: "looking-up", server };
    this.#table.send(requests.warmUp(this.#run, this.#main), now);
    const timing = server === servers.length - 1 ? USUAL_TIMING : { ...USUAL_TIMING, capMs };
    this.#table.send(requests.lookup(this.#run, this.#main, timing), now);
    if (this.#options.path !== "tcp-relay") this.#relay.start(this.#main, now);
  }

  /** Goes on after the device has refused a login. */
  #proceed(next: NextStep, refused: Login, now: number): void {
    switch (next.step) {
      case "call":
        return this.#call(next.login, now);
      case "fail":
        return this.#fail(next.failure);
      case "fetch-salt":
        this.#state = { name: "salting", refused };
        // One that is still open may be seconds from its next resend.
        this.#table.send(requests.deviceInfo(this.#run, this.#us!), now);
    }
  }

  #call(login: Login, now: number): void {
    this.#state = { name: "calling" };
    this.#deviceCall.start(this.#main, login, now);
  }

  #deviceSilent(now: number): Failure {
    return failures.deviceSilent(this.#cloudName, now - this.#deviceCall.calledAt);
  }

  #sayChannelFailed(now: number): void {
    if (this.#options.path === "relay") return;
    this.#events.push({ type: "channel-failed", failure: this.#deviceSilent(now) });
  }

  #fail(failure: Failure): void {
    // A place that is being granted is given back by `release`.
    this.#table.cancelAll("relay-agent");
    this.#relay.stop();
    this.#tcpRelay.stop();
    this.#state = { name: "failed" };
    this.#events.push({ type: "failed", failure });
  }

  #trace(name: string, data: TraceEvent["data"], now: number): void {
    this.#options.environment.trace?.({ at: now, scope: "signaling", name, data });
  }
}
