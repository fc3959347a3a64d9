/**
 * A transaction: one request, its resends under one identity, and when its patience ends.
 *
 * The identity is CSeq, x-pcs-request-id and CreateDate (Identify and ClientId belong to the whole
 * link); WSSE and device proofs are made afresh for every send.
 *
 * Source: PROTOCOL.md section 9 (loss in signaling).
 *
 * @module
 */
import type { Deadline, Endpoint } from "../types.ts";
import { type ExchangeName, EXCHANGES, type SocketRole, type Timing } from "./exchange.ts";
import type { DhResponse } from "./message.ts";
import type { Tag } from "./xml.ts";

/** What is asked, without identity and crypto. */
export interface Request {
  /** Which exchange it begins. */
  readonly exchange: ExchangeName;
  /** Where it goes. */
  readonly to: Endpoint;
  /** Whose answers count; more than one where somebody else answers. */
  readonly sources: readonly Endpoint[];
  /** Of the request line. */
  readonly path: string;
  /** The path without serial and token, for traces. */
  readonly shownPath: string;
  /** Instead of the exchange's usual one. */
  readonly timing?: Timing | undefined;
  /** Makes the body; called for every send. Absent: no body. */
  readonly tags?: ((createDate: number) => readonly Tag[]) | undefined;
  /** What the body proves to the device. */
  readonly proof: "none" | "account";
}

/** How a transaction is known to the other side. */
export interface Identity {
  /** `CSeq`. */
  readonly cseq: number;
  /** `x-pcs-request-id`, 32 hex digits, where the dialect sends it. */
  readonly requestId: string;
  /** Unix seconds, by the cloud's clock. */
  readonly createDate: number;
}

/** One request that waits for its answer. */
export class Transaction {
  /** What is asked. */
  readonly request: Request;
  /** Under which names. */
  readonly identity: Identity;
  /** Of the first send, in monotonic ms. */
  readonly startedAt: number;
  /** Whether it repeats one that was refused for the clock. */
  readonly round: "first" | "after-clock";
  /** Offset of the cloud's clock at the last send, in ms. */
  offsetMs = 0;
  /** A refusal that another answer may still overtake. */
  #refusal: DhResponse | undefined;
  #sends = 0;
  #waitMs: number;
  #resendAt: number | undefined;
  #expiresAt: number;

  /** A transaction whose first send is due at once. */
  constructor(request: Request, identity: Identity, round: "first" | "after-clock", now: number) {
    this.request = request;
    this.identity = identity;
    this.round = round;
    this.startedAt = now;
    const { firstResendMs, capMs } = this.timing;
    this.#waitMs = firstResendMs;
    this.#resendAt = now;
    this.#expiresAt = now + capMs;
  }

  /** The exchange's name. */
  get exchange(): ExchangeName {
    return this.request.exchange;
  }

  /** The socket it is sent from and answered to. */
  get socket(): SocketRole {
    return EXCHANGES[this.exchange].socket;
  }

  /** Its patience. */
  get timing(): Timing {
    return this.request.timing ?? EXCHANGES[this.exchange].timing;
  }

  /** How often it was sent. */
  get sends(): number {
    return this.#sends;
  }

  /** The refusal it ends with, if nothing better comes. */
  get refusal(): DhResponse | undefined {
    return this.#refusal;
  }

  /** What comes next, and when. */
  get deadline(): Deadline {
    if (this.#resendAt !== undefined && this.#resendAt < this.#expiresAt) {
      return { at: this.#resendAt, reason: `${this.exchange}-resend` };
    }
    return { at: this.#expiresAt, reason: `${this.exchange}-expiry` };
  }

  /** What is due at `now`. */
  due(now: number): "send" | "expiry" | undefined {
    if (now >= this.#expiresAt) return "expiry";
    return this.#resendAt !== undefined && now >= this.#resendAt ? "send" : undefined;
  }

  /** Notes a send: the next one comes after twice the wait. */
  sent(now: number): void {
    this.#sends++;
    if (this.#sends > this.timing.maxResends) {
      this.#resendAt = undefined;
      return;
    }
    this.#resendAt = now + this.#waitMs;
    this.#waitMs *= 2;
  }

  /** Notes a `100`: somebody has it. */
  trying(): void {
    if (this.timing.afterTrying === "wait") this.#resendAt = undefined;
  }

  /** Notes a refusal without believing it before `graceMs` have passed. */
  linger(refusal: DhResponse, graceMs: number, now: number): void {
    this.#refusal = refusal;
    this.#resendAt = undefined;
    this.#expiresAt = Math.min(this.#expiresAt, now + graceMs);
  }
}
