/**
 * Connectivity checks: which of the device's candidate endpoints a datagram can reach and come back
 * from, found with inverted STUN.
 *
 * | state     | on                                       | then                                     |
 * |-----------|------------------------------------------|------------------------------------------|
 * | waiting   | `start`                                  | checking: requests to every candidate    |
 * | checking  | `check` due                              | requests to every candidate again        |
 * | checking  | our request answered, from where it went | nominated, `succeeded`                   |
 * | checking  | the device's own request answered        | nominated, `succeeded`                   |
 * | checking  | `give-up` due                            | checking, but silent                     |
 * | nominated | `repunch`                                | rechecking: one request to each          |
 * | rechecking| the nominated endpoint answers           | nominated                                |
 * | rechecking| another endpoint answers                 | rechecking, `move` armed                 |
 * | rechecking| `move` due                               | nominated there, `moved`                 |
 * | any       | a request of the device                  | a success response; the state as above   |
 * | any       | `stop`                                   | stopped: only requests are answered      |
 *
 * A nomination is followed at once by the 44-byte success and one 32-byte confirmation; nothing is
 * expected in return. Source: PROTOCOL.md section 3 and section 9, "punch".
 *
 * @module
 */
import { bytesEqual, formatEndpoint, sameEndpoint, toHex } from "../bytes.ts";
import { DecodeError } from "../errors.ts";
import { TimerTable } from "../timer_table.ts";
import type { Datagram, Deadline, Endpoint, Machine, Random, Trace, Transmit } from "../types.ts";
import { decodeStun, encodeStun, isPlainStun, type StunMessage } from "./stun.ts";

/** What {@linkcode ConnectivityChecks} needs, and its limits. */
export interface ConnectivityChecksOptions {
  /** Our 8-byte Identify, the one of the p2p-channel request. */
  readonly identify: Uint8Array;
  /** Where transaction ids and our cookie come from. */
  readonly random: Random;
  /** Between two requests to the same candidate; 500, PROTOCOL.md section 9. */
  readonly intervalMs?: number | undefined;
  /** Candidates that are checked; 16: a device names its LAN addresses and one public one. */
  readonly maxCandidates?: number | undefined;
  /** After this long without an answer no more requests are sent; 30 s, a whole handshake. */
  readonly giveUpMs?: number | undefined;
  /** How long a request may wait for its answer; 10 s, far above any round trip. */
  readonly answerTimeoutMs?: number | undefined;
  /** Where outcomes and dropped datagrams are told. */
  readonly trace?: Trace | undefined;
}

/** What the checks report. */
export type PunchEvent =
  /** A path was found; the round trip is unknown when the device's own request found it. */
  | {
    readonly type: "succeeded";
    readonly endpoint: Endpoint;
    readonly roundTripMs: number | undefined;
  }
  /** After a re-punch the device answers here and no longer where it did. */
  | { readonly type: "moved"; readonly endpoint: Endpoint };

type PunchTimer =
  /** The next round of requests. */
  | "check"
  /** No candidate has answered for too long. */
  | "give-up"
  /** The nominated endpoint had its time to answer a re-punch; another one did. */
  | "move";

/** A message by which the device proved a path: what the closing messages repeat of it. */
interface Proof {
  readonly endpoint: Endpoint;
  readonly cookie: number;
  readonly transactionId: Uint8Array;
}

/** A request of the device that came before we knew its candidates. */
interface EarlyRequest extends Proof {
  readonly identify: Uint8Array | undefined;
}

interface PendingRequest {
  readonly endpoint: Endpoint;
  readonly sentAt: number;
}

type State =
  | { readonly name: "waiting" }
  | { readonly name: "checking" }
  | { readonly name: "nominated"; readonly endpoint: Endpoint }
  | { readonly name: "rechecking"; readonly endpoint: Endpoint; readonly rival?: Proof }
  | { readonly name: "stopped" };

/** Datagrams that wait for a driver at the most; more are dropped, as a network would. */
const MAX_TRANSMITS = 128;

/** Requests that wait for their answer at the most. */
const MAX_PENDING = 512;

/** Finds, keeps and moves the direct path to one device. */
export class ConnectivityChecks implements Machine<PunchEvent, "device"> {
  readonly #identify: Uint8Array;
  readonly #random: Random;
  readonly #intervalMs: number;
  readonly #maxCandidates: number;
  readonly #giveUpMs: number;
  readonly #answerTimeoutMs: number;
  readonly #trace: Trace | undefined;
  readonly #cookie: number;
  readonly #timers = new TimerTable<PunchTimer>(["check", "give-up", "move"]);
  readonly #transmits: Transmit<"device">[] = [];
  readonly #events: PunchEvent[] = [];
  /** By transaction id in hex, oldest first. */
  readonly #pending = new Map<string, PendingRequest>();
  #early: EarlyRequest[] = [];
  #candidates: readonly Endpoint[] = [];
  #deviceIdentify: Uint8Array | undefined;
  #state: State = { name: "waiting" };
  #tries = 0;
  #isAnswered = false;

  /**
   * Waits for `start`, but answers the device already.
   *
   * @throws {RangeError} When `identify` is not of 8 bytes.
   */
  constructor(options: ConnectivityChecksOptions) {
    if (options.identify.length !== 8) throw new RangeError("an Identify has 8 bytes");
    this.#identify = options.identify;
    this.#random = options.random;
    this.#intervalMs = options.intervalMs ?? 500;
    this.#maxCandidates = options.maxCandidates ?? 16;
    this.#giveUpMs = options.giveUpMs ?? 30_000;
    this.#answerTimeoutMs = options.answerTimeoutMs ?? 10_000;
    this.#trace = options.trace;
    this.#cookie = this.#random.uint32();
  }

  /** Where a datagram reaches the device, once a check has succeeded. */
  get nominated(): Endpoint | undefined {
    const state = this.#state;
    return state.name === "nominated" || state.name === "rechecking" ? state.endpoint : undefined;
  }

  /** Whether the device has answered us where it is nominated: the path leads both ways. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Rounds of requests sent so far. */
  get tries(): number {
    return this.#tries;
  }

  /**
   * Begins to check the candidates; duplicates are merged.
   *
   * @param deviceIdentify The device's Identify when the cloud told it: a request that carries it is
   * trusted from any address, and one that does not is traced.
   */
  start(candidates: readonly Endpoint[], now: number, deviceIdentify?: Uint8Array): void {
    const merged: Endpoint[] = [];
    for (const candidate of candidates) {
      if (!merged.some((known) => sameEndpoint(known, candidate))) merged.push(candidate);
    }
    if (merged.length > this.#maxCandidates) {
      this.#note(now, "candidates-ignored", { count: merged.length - this.#maxCandidates });
      merged.length = this.#maxCandidates;
    }
    this.#candidates = merged;
    this.#deviceIdentify = deviceIdentify;
    this.#state = { name: "checking" };
    this.#timers.clearAll();
    this.#timers.set("give-up", now + this.#giveUpMs);
    this.#sendRound(now);
    const early = this.#early.find((request) => this.#isTrusted(request));
    this.#early = [];
    if (early) this.#nominate(early, undefined, now);
  }

  /**
   * Sends one request to the nominated endpoint and to every candidate, to keep or renew the NAT
   * mappings on the way; no effect before a nomination or after `stop`.
   */
  repunch(now: number): void {
    const endpoint = this.nominated;
    if (!endpoint) return;
    this.#timers.clear("move");
    this.#state = { name: "rechecking", endpoint };
    this.#sendRound(now);
  }

  /** Sends and nominates nothing any more; the device's requests are still answered. */
  stop(): void {
    this.#timers.clearAll();
    this.#pending.clear();
    this.#early = [];
    this.#state = { name: "stopped" };
  }

  handleDatagram(datagram: Datagram<"device">, now: number): void {
    let message: StunMessage;
    try {
      message = decodeStun(datagram.data);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const reason = isPlainStun(datagram.data) ? "plain" : error.what;
      return this.#note(now, "datagram-dropped", { reason, bytes: datagram.data.length });
    }
    if (message.type === "request") this.#onRequest(message, datagram.from, now);
    else this.#onResponse(message, datagram.from, now);
  }

  handleTimeout(now: number): void {
    if (this.#timers.take("give-up", now)) {
      this.#timers.clear("check");
      this.#note(now, "gave-up", { tries: this.#tries });
    }
    if (this.#timers.take("check", now)) this.#sendRound(now);
    if (this.#timers.take("move", now)) this.#move(now);
  }

  pollTransmit(): Transmit<"device"> | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): PunchEvent | undefined {
    return this.#events.shift();
  }

  pollDeadline(): Deadline | undefined {
    return this.#timers.earliest();
  }

  #sendRound(now: number): void {
    for (const [id, { sentAt }] of this.#pending) {
      if (now - sentAt < this.#answerTimeoutMs && this.#pending.size <= MAX_PENDING) break;
      this.#pending.delete(id);
    }
    this.#tries++;
    const nominated = this.nominated;
    if (nominated) this.#sendRequest(nominated, now);
    for (const candidate of this.#candidates) {
      if (!nominated || !sameEndpoint(candidate, nominated)) this.#sendRequest(candidate, now);
    }
    if (this.#state.name === "checking") this.#timers.set("check", now + this.#intervalMs);
  }

  #sendRequest(endpoint: Endpoint, now: number): void {
    // A new transaction each time, so that an answer tells which request it belongs to and its RTT.
    const transactionId = this.#random.bytes(12);
    this.#pending.set(toHex(transactionId), { endpoint, sentAt: now });
    this.#send(endpoint, {
      type: "request",
      cookie: this.#cookie,
      transactionId,
      role: "controlling",
      identify: this.#identify,
      address: endpoint,
    });
  }

  #onRequest(message: StunMessage, from: Endpoint, now: number): void {
    const { cookie, transactionId, identify } = message;
    if (identify !== undefined && bytesEqual(identify, this.#identify)) {
      return this.#note(now, "datagram-dropped", { reason: "own-request" });
    }
    this.#checkIdentify(identify, now);
    const request = { endpoint: from, cookie, transactionId, identify };
    this.#sendSuccess(request);
    if (this.#state.name === "waiting") {
      if (this.#early.length === this.#maxCandidates) this.#early.shift();
      this.#early.push(request);
    } else if (this.#isTrusted(request)) {
      this.#onProof(request, undefined, now);
    }
  }

  #onResponse(message: StunMessage, from: Endpoint, now: number): void {
    const id = toHex(message.transactionId);
    const pending = this.#pending.get(id);
    if (!pending || !sameEndpoint(pending.endpoint, from)) {
      const reason = pending ? "answer-from-elsewhere" : "unknown-transaction";
      return this.#note(now, "answer-ignored", { reason, from: formatEndpoint(from) });
    }
    this.#pending.delete(id);
    if (message.type === "error") {
      return this.#note(now, "answer-ignored", { reason: "error", from: formatEndpoint(from) });
    }
    this.#checkIdentify(message.identify, now);
    const proof = {
      endpoint: from,
      cookie: this.#cookie,
      transactionId: message.transactionId,
    };
    if (this.#isOpen()) this.#sendSuccess(proof);
    this.#onProof(proof, now - pending.sentAt, now);
    if (this.nominated && sameEndpoint(this.nominated, from)) this.#isAnswered = true;
  }

  /** Whether a proof would still decide something. */
  #isOpen(): boolean {
    return this.#state.name === "checking" || this.#state.name === "rechecking";
  }

  #onProof(proof: Proof, roundTripMs: number | undefined, now: number): void {
    const state = this.#state;
    if (state.name === "checking") {
      this.#nominate(proof, roundTripMs, now);
    } else if (state.name === "rechecking") {
      if (sameEndpoint(state.endpoint, proof.endpoint)) {
        this.#timers.clear("move");
        this.#state = { name: "nominated", endpoint: state.endpoint };
        this.#sendConfirmation(proof);
      } else if (state.rival === undefined) {
        this.#state = { ...state, rival: proof };
        this.#timers.set("move", now + this.#intervalMs);
      }
    }
  }

  #nominate(proof: Proof, roundTripMs: number | undefined, now: number): void {
    const { endpoint } = proof;
    this.#timers.clearAll();
    this.#state = { name: "nominated", endpoint };
    this.#sendConfirmation(proof);
    this.#events.push({ type: "succeeded", endpoint, roundTripMs });
    this.#note(now, "succeeded", { endpoint: formatEndpoint(endpoint), tries: this.#tries });
  }

  #move(now: number): void {
    const state = this.#state;
    if (state.name !== "rechecking" || state.rival === undefined) return;
    const { endpoint } = state.rival;
    this.#state = { name: "nominated", endpoint };
    this.#sendConfirmation(state.rival);
    this.#events.push({ type: "moved", endpoint });
    this.#note(now, "moved", { endpoint: formatEndpoint(endpoint) });
  }

  /**
   * Whether a request shows a path to our device: it comes from a candidate, or from wherever with
   * the device's Identify (a NAT between us gave it an address nobody could have told).
   */
  #isTrusted(request: EarlyRequest): boolean {
    const { endpoint, identify } = request;
    const nominated = this.nominated;
    return (nominated !== undefined && sameEndpoint(nominated, endpoint)) ||
      this.#candidates.some((candidate) => sameEndpoint(candidate, endpoint)) ||
      (identify !== undefined && this.#deviceIdentify !== undefined &&
        bytesEqual(identify, this.#deviceIdentify));
  }

  #checkIdentify(identify: Uint8Array | undefined, now: number): void {
    if (!this.#deviceIdentify || (identify && bytesEqual(identify, this.#deviceIdentify))) return;
    this.#note(now, "identify-mismatch", { present: identify !== undefined });
  }

  #sendSuccess(proof: Proof): void {
    const { endpoint, cookie, transactionId } = proof;
    this.#send(endpoint, {
      type: "success",
      cookie,
      transactionId,
      role: "controlled",
      identify: this.#identify,
      address: endpoint,
    });
  }

  #sendConfirmation(proof: Proof): void {
    const { endpoint, cookie, transactionId } = proof;
    this.#send(endpoint, {
      type: "confirmation",
      cookie,
      transactionId,
      role: "controlled",
      identify: this.#identify,
    });
  }

  #send(to: Endpoint, message: StunMessage): void {
    if (this.#transmits.length === MAX_TRANSMITS) this.#transmits.shift();
    this.#transmits.push({ socket: "device", to, data: encodeStun(message) });
  }

  #note(at: number, name: string, data: Record<string, string | number | boolean>): void {
    this.#trace?.({ at, scope: "punch", name, data });
  }
}
