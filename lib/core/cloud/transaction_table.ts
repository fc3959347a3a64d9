/**
 * The transactions under way: sends, repeats, matches answers, ends them.
 *
 * An answer belongs to a transaction of the socket and source it came by:
 *
 * | CSeq of the answer          | belongs to                                                       |
 * |-----------------------------|------------------------------------------------------------------|
 * | of an open transaction      | that one                                                         |
 * | any, our x-pcs-request-id   | the one with that id                                             |
 * | of a finished transaction   | nobody: a late twin                                              |
 * | 0 or missing                | the only one open there, if there is exactly one                 |
 * | foreign, status 4xx         | the only one open there, if there is exactly one                 |
 * | foreign, any other status   | nobody                                                           |
 *
 * Source: PROTOCOL.md section 9 (loss in signaling, clock).
 *
 * @module
 */
import { sameEndpoint, toHex } from "../bytes.ts";
import type { Datagram, Deadline, Environment, TraceEvent, Transmit } from "../types.ts";
import { decodeRefusal } from "./answers.ts";
import { ServerClock } from "./clock.ts";
import { composeRequest, type Dialect, methodOf } from "./dialect.ts";
import type { ExchangeName, SocketRole } from "./exchange.ts";
import { decodeResponse, type DhResponse, header, isResponse } from "./message.ts";
import { type Identity, type Request, Transaction } from "./transaction.ts";

/** How an exchange stands or ended. */
export type Outcome =
  /** `1xx`: keep waiting. */
  | { readonly kind: "trying"; readonly transaction: Transaction; readonly response: DhResponse }
  /** `2xx`. */
  | { readonly kind: "answered"; readonly transaction: Transaction; readonly response: DhResponse }
  /** Anything above. */
  | { readonly kind: "refused"; readonly transaction: Transaction; readonly response: DhResponse }
  /** No answer in time. */
  | { readonly kind: "silent"; readonly transaction: Transaction };

/** Numbers of finished transactions that are remembered: far more than one run makes. */
const MAX_FINISHED = 64;

/** Two readings of the cloud's clock, which has whole seconds, that count as the same. */
const SAME_CLOCK_MS = 2_000;

/**
 * How long a refused nonce is not believed. Ours are always fresh, so that only a datagram doubled
 * on its way can be refused for it, and the answer to the first of the two is still coming.
 */
const NONCE_GRACE_MS = 2_000;

/** The transactions under way with the cloud. */
export class TransactionTable {
  /** The cloud's clock, learned from its answers. */
  readonly clock: ServerClock;
  readonly #dialect: Dialect;
  readonly #environment: Environment;
  readonly #open = new Set<Transaction>();
  readonly #finished = new Set<number>();
  readonly #transmits: Transmit<SocketRole>[] = [];
  #lastCseq = 0;
  #now = 0;

  /** An empty table. */
  constructor(dialect: Dialect, environment: Environment) {
    this.#dialect = dialect;
    this.#environment = environment;
    this.clock = new ServerClock(environment.unixTimeMs);
  }

  /** Starts an exchange: its first datagram is queued at once. */
  send(request: Request, now: number): void {
    this.#start(request, "first", now);
  }

  /** Whether an exchange waits for its answer. */
  isOpen(exchange: ExchangeName): boolean {
    for (const transaction of this.#open) if (transaction.exchange === exchange) return true;
    return false;
  }

  /** Ends an exchange without an outcome; what still comes for it is a late twin. */
  cancel(exchange: ExchangeName): void {
    for (const transaction of this.#open) {
      if (transaction.exchange === exchange) this.#finish(transaction);
    }
  }

  /** Ends every exchange, or every one but `except`, without an outcome. */
  cancelAll(except?: ExchangeName): void {
    for (const transaction of this.#open) {
      if (transaction.exchange !== except) this.#finish(transaction);
    }
  }

  /**
   * Takes a datagram.
   *
   * @returns What it means for an exchange, or nothing when it was dropped or handled here.
   * @throws {DecodeError} When it claims to be a response and is none.
   */
  accept(datagram: Datagram<SocketRole>, now: number): Outcome | undefined {
    this.#now = now;
    if (!isResponse(datagram.data)) return this.#drop(datagram, "not-a-response");
    const response = decodeResponse(datagram.data);
    const transaction = this.#match(datagram, response);
    if (typeof transaction === "string") return this.#drop(datagram, transaction);
    this.clock.observe(header(response, "Date"));
    this.#trace("response", {
      exchange: transaction.exchange,
      status: response.status,
      cseq: transaction.identity.cseq,
      ms: Math.round(now - transaction.startedAt),
    });
    if (response.status < 200) {
      transaction.trying();
      return { kind: "trying", transaction, response };
    }
    if (response.status < 300) {
      this.#finish(transaction);
      return { kind: "answered", transaction, response };
    }
    return this.#refused(transaction, response, now);
  }

  /**
   * Sends what is due, up to the first exchange that ends for want of an answer: what follows from
   * it may end others. To be called until it returns nothing.
   */
  handleTimeout(now: number): Outcome | undefined {
    this.#now = now;
    for (const transaction of this.#open) {
      const due = transaction.due(now);
      if (due === "send") this.#transmit(transaction, now);
      if (due !== "expiry") continue;
      this.#finish(transaction);
      const { exchange, sends, refusal } = transaction;
      this.#trace("exchange-ended", { exchange, sends, outcome: refusal ? "refused" : "silent" });
      if (refusal) return { kind: "refused", transaction, response: refusal };
      return { kind: "silent", transaction };
    }
    return undefined;
  }

  /** The next datagram to send. */
  pollTransmit(): Transmit<SocketRole> | undefined {
    return this.#transmits.shift();
  }

  /** When `handleTimeout` is due. */
  pollDeadline(): Deadline | undefined {
    if (this.#transmits.length > 0) return { at: this.#now, reason: "transmit" };
    let next: Deadline | undefined;
    for (const { deadline } of this.#open) if (!next || deadline.at < next.at) next = deadline;
    return next;
  }

  #start(request: Request, round: "first" | "after-clock", now: number): void {
    const identity: Identity = {
      cseq: this.#nextCseq(),
      requestId: toHex(this.#environment.random.bytes(16)),
      createDate: Math.floor(this.clock.now() / 1000),
    };
    const transaction = new Transaction(request, identity, round, now);
    this.#open.add(transaction);
    this.#transmit(transaction, now);
  }

  #transmit(transaction: Transaction, now: number): void {
    this.#now = now;
    const { request, identity } = transaction;
    const { exchange, path } = request;
    transaction.offsetMs = this.clock.offsetMs;
    transaction.sent(now);
    const data = composeRequest(this.#dialect, {
      exchange,
      path,
      cseq: identity.cseq,
      requestId: identity.requestId,
      nonce: String(this.#environment.random.uint32() >>> 1),
      createdAt: this.clock.now(),
      tags: request.tags?.(identity.createDate),
    });
    this.#transmits.push({ socket: transaction.socket, to: request.to, data });
    this.#trace("request", {
      method: methodOf(this.#dialect, exchange),
      path: request.shownPath,
      cseq: identity.cseq,
      send: transaction.sends,
    });
  }

  #refused(transaction: Transaction, response: DhResponse, now: number): Outcome | undefined {
    const { status, error } = decodeRefusal(response);
    const judged = error.startsWith("DevPwd_");
    if (error === "DevPwd_InvalidNonce" && transaction.request.proof === "account") {
      if (!transaction.refusal) transaction.linger(response, NONCE_GRACE_MS, now);
      return undefined;
    }
    this.#finish(transaction);
    const corrected = Math.abs(transaction.offsetMs - this.clock.offsetMs) < SAME_CLOCK_MS;
    const forClock = status === 401 ||
      (status === 403 && !judged && this.clock.skewed && !corrected);
    if (forClock && this.clock.known && transaction.round === "first") {
      this.#start(transaction.request, "after-clock", now);
      return undefined;
    }
    return { kind: "refused", transaction, response };
  }

  /** The transaction an answer belongs to, or why it belongs to none. */
  #match(datagram: Datagram<SocketRole>, response: DhResponse): Transaction | string {
    const there = [...this.#open].filter((transaction) =>
      transaction.socket === datagram.socket &&
      transaction.request.sources.some((source) => sameEndpoint(source, datagram.from))
    );
    const cseqText = header(response, "CSeq") ?? "0";
    const cseq = /^-?\d{1,10}$/.test(cseqText) ? Number(cseqText) : undefined;
    const sameCseq = there.find((transaction) => transaction.identity.cseq === cseq);
    if (sameCseq) return sameCseq;
    if (this.#dialect.requestIds === "sent") {
      const id = header(response, "x-pcs-request-id");
      const sameId = there.find((transaction) => transaction.identity.requestId === id);
      if (sameId) return sameId;
    }
    if (cseq !== undefined && this.#finished.has(cseq)) return "late";
    if (there.length === 0) return "nothing-open-there";
    const lenient = cseq === 0 || (response.status >= 400 && response.status < 500);
    if (!lenient) return "foreign-cseq";
    return there.length === 1 ? there[0]! : "ambiguous";
  }

  #finish(transaction: Transaction): void {
    this.#open.delete(transaction);
    this.#finished.add(transaction.identity.cseq);
    if (this.#finished.size > MAX_FINISHED) {
      for (const oldest of this.#finished) {
        this.#finished.delete(oldest);
        break;
      }
    }
  }

  #nextCseq(): number {
    if (this.#dialect.cseq === "counter") return ++this.#lastCseq;
    // 0 is what servers put into answers that belong to no request.
    return (this.#environment.random.uint32() | 0) || 1;
  }

  #drop(datagram: Datagram<SocketRole>, reason: string): undefined {
    this.#trace("datagram-dropped", {
      reason,
      socket: datagram.socket,
      bytes: datagram.data.length,
    });
  }

  #trace(name: string, data: TraceEvent["data"]): void {
    this.#environment.trace?.({ at: this.#now, scope: "signaling", name, data });
  }
}
