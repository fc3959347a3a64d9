/**
 * The cloud's word about a device, and nothing more: is the serial known, is the device online,
 * which version does it run. The device itself hears nothing of it.
 *
 * | state      | on                                      | then                           |
 * |------------|-----------------------------------------|--------------------------------|
 * | idle       | `start`                                 | looking-up                     |
 * | looking-up | 200                                     | probing, and the info is asked |
 * | looking-up | silent or 5xx                           | next server, or failed         |
 * | looking-up | 404                                     | failed: device-unknown         |
 * | probing    | probe 404                               | failed: device-offline         |
 * | probing    | probe 200 and the info ended            | online                         |
 * | probing    | probe 200 and `info` due                | online                         |
 * | probing    | probe silent                            | failed: cloud-unreachable      |
 *
 * Source: PROTOCOL.md sections 1.1, 1.2 and 9.
 *
 * @module
 */
import { DecodeError, StateError } from "../errors.ts";
import type { Failure } from "../failure.ts";
import type { Datagram, Deadline, Endpoint, Environment, Machine, Transmit } from "../types.ts";
import { decodeLookup, decodeRefusal } from "./answers.ts";
import type { Dialect } from "./dialect.ts";
import { type SocketRole, USUAL_TIMING } from "./exchange.ts";
import * as failures from "./failures.ts";
import { IDENTIFY_BYTES } from "./identify.ts";
import { decodeDeviceInfo, type DeviceInfo } from "./info.ts";
import * as requests from "./requests.ts";
import { SIGNALING_DEFAULTS } from "./signaling_options.ts";
import { type Outcome, TransactionTable } from "./transaction_table.ts";
import { decodeBody } from "./xml.ts";

/** What a lookup is told once. */
export interface LookupOptions {
  /** Letters and digits. */
  readonly serial: string;
  /** How the cloud is talked to. */
  readonly dialect: Dialect;
  /** Addresses of the main server, tried in turn. */
  readonly servers: readonly Endpoint[];
  /** Randomness, clock, traces. */
  readonly environment: Environment;
  /** How people know this cloud; the dialect's own word by default. */
  readonly cloudName?: string | undefined;
  /** How long the device's information is waited for once it is known to be online; 3 s. */
  readonly infoTimeoutMs?: number | undefined;
  /** How long a main server that is not the last may be silent; 4 s. */
  readonly serverTimeoutMs?: number | undefined;
}

/** What a lookup reports; the last two end it. */
export type LookupEvent =
  /** The cloud knows the serial. */
  | { readonly type: "registered" }
  /** Our clock is wrong by more than a minute; said once, the cloud's is used. */
  | { readonly type: "clock-skew"; readonly offsetMs: number }
  /** The device is connected to the cloud; its information when the cloud told it. */
  | { readonly type: "online"; readonly info?: DeviceInfo | undefined }
  | { readonly type: "failed"; readonly failure: Failure };

/** Sockets a lookup speaks through: those of signaling but the device's. */
export type LookupSocket = Exclude<SocketRole, "device">;

type State =
  | { readonly name: "idle" | "ended" }
  | { readonly name: "looking-up"; readonly server: number }
  | { readonly name: "probing" };

/** One lookup of one device. */
export class Lookup implements Machine<LookupEvent, LookupSocket> {
  readonly #options: LookupOptions;
  readonly #table: TransactionTable;
  readonly #run: requests.RunFacts;
  readonly #events: LookupEvent[] = [];
  readonly #infoTimeoutMs: number;
  #state: State = { name: "idle" };
  #info: DeviceInfo | "none" | undefined;
  /** When the device was said to be online: the information may still come. */
  #infoUntil: number | undefined;
  #startedAt = 0;
  #skewSaid = false;

  /**
   * A lookup that has not begun.
   *
   * @throws {RangeError} When the serial holds anything but letters and digits, or there is no server.
   */
  constructor(options: LookupOptions) {
    if (!/^[0-9A-Za-z]{1,64}$/.test(options.serial)) {
      throw new RangeError("serial must be letters and digits");
    }
    if (options.servers.length === 0) throw new RangeError("at least one server address is needed");
    this.#options = options;
    this.#infoTimeoutMs = options.infoTimeoutMs ?? SIGNALING_DEFAULTS.infoTimeoutMs;
    this.#table = new TransactionTable(options.dialect, options.environment);
    this.#run = requests.runFacts({
      ...options,
      identify: new Uint8Array(IDENTIFY_BYTES),
      localPort: 0,
    });
  }

  /** Begins. @throws {StateError} The second time. */
  start(now: number): void {
    if (this.#state.name !== "idle") throw new StateError("a lookup starts once");
    this.#startedAt = now;
    this.#lookUp(0, now);
  }

  handleDatagram(datagram: Datagram<LookupSocket>, now: number): void {
    let outcome: Outcome | undefined;
    try {
      outcome = this.#table.accept(datagram, now);
      if (outcome) this.#dispatch(outcome, now);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#options.environment.trace?.({
        at: now,
        scope: "lookup",
        name: "unusable-answer",
        data: { what: error.what, offset: error.offset },
      });
      if (outcome) this.#unusable(outcome, error);
    }
    this.#settle(now);
  }

  handleTimeout(now: number): void {
    let ended = this.#table.handleTimeout(now);
    for (; ended; ended = this.#table.handleTimeout(now)) this.#dispatch(ended, now);
    this.#settle(now);
  }

  pollTransmit(): Transmit<LookupSocket> | undefined {
    // The exchanges of a lookup are of these sockets only.
    return this.#table.pollTransmit() as Transmit<LookupSocket> | undefined;
  }

  pollEvent(): LookupEvent | undefined {
    return this.#events.shift();
  }

  pollDeadline(): Deadline | undefined {
    const next = this.#table.pollDeadline();
    const until = this.#infoUntil;
    if (until === undefined || this.#state.name === "ended") return next;
    return next && next.at < until ? next : { at: until, reason: "info" };
  }

  #dispatch(outcome: Outcome, now: number): void {
    if (outcome.kind === "trying") return;
    switch (outcome.transaction.exchange) {
      case "lookup":
        return this.#onLookup(outcome, now);
      case "probe-device":
        return this.#onProbe(outcome, now);
      case "device-info":
        this.#info = outcome.kind === "answered"
          ? decodeDeviceInfo(decodeBody(outcome.response.body))
          : "none";
        return;
      default:
        return;
    }
  }

  #onLookup(outcome: Exclude<Outcome, { kind: "trying" }>, now: number): void {
    const state = this.#state;
    if (state.name !== "looking-up") return;
    if (outcome.kind === "answered") {
      const { us } = decodeLookup(decodeBody(outcome.response.body));
      this.#events.push({ type: "registered" });
      this.#state = { name: "probing" };
      this.#table.cancel("warm-up");
      this.#table.send(requests.probeDevice(this.#run, us), now);
      this.#table.send(requests.deviceInfo(this.#run, us), now);
      return;
    }
    const refusal = outcome.kind === "refused" ? decodeRefusal(outcome.response) : undefined;
    if (refusal?.status === 404) return this.#fail(failures.deviceUnknown(this.#cloudName));
    const total = this.#options.servers.length;
    if ((!refusal || refusal.status >= 500) && state.server + 1 < total) {
      return this.#lookUp(state.server + 1, now);
    }
    this.#fail(
      refusal
        ? failures.refused("lookup", refusal, this.#table.clock)
        : failures.cloudUnreachable(total, total, now - this.#startedAt),
    );
  }

  #onProbe(outcome: Exclude<Outcome, { kind: "trying" }>, now: number): void {
    if (outcome.kind === "answered") {
      this.#infoUntil = now + this.#infoTimeoutMs;
      return;
    }
    if (outcome.kind === "silent") {
      return this.#fail(failures.statusUnknown(this.#cloudName, now - this.#startedAt));
    }
    const refusal = decodeRefusal(outcome.response);
    this.#fail(
      refusal.status === 404
        ? failures.deviceOffline()
        : failures.refused("probe-device", refusal, this.#table.clock),
    );
  }

  /** An answer that belongs to an exchange and cannot be read ends it. */
  #unusable(outcome: Outcome, error: DecodeError): void {
    const { exchange } = outcome.transaction;
    if (exchange === "device-info") this.#info = "none";
    else if (exchange !== "warm-up") {
      this.#fail(failures.unexpectedReply(error.what, { exchange }));
    }
  }

  /** Warns of the clock, and ends the lookup once everything is known. */
  #settle(now: number): void {
    const { clock } = this.#table;
    if (clock.skewed && !this.#skewSaid) {
      this.#skewSaid = true;
      // Before what follows from it: a failure may name the clock.
      this.#events.unshift({ type: "clock-skew", offsetMs: clock.offsetMs });
    }
    if (this.#state.name !== "probing" || this.#infoUntil === undefined) return;
    if (this.#info === undefined && now < this.#infoUntil) return;
    this.#end();
    const info = this.#info === "none" ? undefined : this.#info;
    this.#events.push({ type: "online", ...(info ? { info } : {}) });
  }

  #lookUp(server: number, now: number): void {
    const { servers, serverTimeoutMs } = this.#options;
    const main: Endpoint = servers[server]!;
    const capMs = serverTimeoutMs ?? SIGNALING_DEFAULTS.serverTimeoutMs;
    const isLast = server === servers.length - 1;
    this.#table.cancelAll();
    this.#state = { name: "looking-up", server };
    this.#table.send(requests.warmUp(this.#run, main), now);
    const timing = isLast ? USUAL_TIMING : { ...USUAL_TIMING, capMs };
    this.#table.send(requests.lookup(this.#run, main, timing), now);
  }

  #fail(failure: Failure): void {
    if (this.#state.name === "ended") return;
    this.#end();
    this.#events.push({ type: "failed", failure });
  }

  #end(): void {
    this.#table.cancelAll();
    this.#state = { name: "ended" };
  }

  get #cloudName(): string {
    return this.#options.cloudName ?? this.#options.dialect.cloud.name;
  }
}
