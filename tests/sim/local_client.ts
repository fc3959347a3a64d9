/**
 * A local client of a tunnel, in virtual time: writes, reads, dawdles or vanishes as planned, and
 * checks every byte it gets.
 *
 * @module
 */
import type { Link } from "../../lib/core/link.ts";
import type { LinkEvent } from "../../lib/core/link_options.ts";
import type { RealmId } from "../../lib/core/realm/multiplexer.ts";
import type { ClientPlan } from "./scenario.ts";
import {
  checkDownload,
  PREAMBLE_BYTES,
  type TransferRecord,
  uploadChunk,
} from "./transfer_model.ts";

/** How a client ended. */
export type ClientEnd =
  | "complete"
  | "refused"
  | "finished"
  | "idle"
  | "slow-client"
  | "bind-timeout"
  | "vanished"
  | "link-lost";

/** What a client needs of its tunnel. */
export interface ClientHost {
  /** Commands the link there is, and drains it; nothing without one that is ready. */
  command<T>(call: (link: Link, now: number) => T): T | undefined;
  /** Runs something later. */
  later(delayMs: number, run: () => void): void;
}

/** Between two looks for a link that is ready. */
const LINK_POLL_MS = 250;

/** One client. */
export class LocalClient {
  readonly plan: ClientPlan;
  readonly record: TransferRecord;
  readonly #host: ClientHost;
  #realm: RealmId | undefined;
  #written = 0;
  #isReading = true;
  #isReadDue = false;
  #isWriteDue = false;
  #end: ClientEnd | undefined;

  constructor(plan: ClientPlan, salt: number, host: ClientHost) {
    this.plan = plan;
    this.#host = host;
    this.record = {
      salt,
      uploadBytes: plan.uploadBytes,
      downloadBytes: plan.downloadBytes,
      isLingering: plan.serviceManner === "lingers",
      accepted: 0,
      arrived: 0,
      served: 0,
      received: 0,
      isServed: false,
      isHungUp: false,
      dials: 0,
    };
  }

  /** How it ended, once it has. */
  get end(): ClientEnd | undefined {
    return this.#end;
  }

  /** Its realm on the present link. */
  get realm(): RealmId | undefined {
    return this.#end === undefined ? this.#realm : undefined;
  }

  /** Whether it waits for nothing of its own making, so that everything must get through. */
  get isOwed(): boolean {
    return this.#end === undefined && this.#isReading && this.#realm !== undefined;
  }

  /** Begins, as soon as there is a link. */
  start(): void {
    const realm = this.#host.command((link, now) => link.bind(this.plan.port, now));
    if (realm === undefined) return this.#host.later(LINK_POLL_MS, () => this.start());
    this.#realm = realm;
    // Half of them write before the answer to their BIND.
    if (this.record.salt % 2 === 0) this.#write();
    const { manner, mannerMs } = this.plan;
    if (manner === "vanishes") this.#host.later(mannerMs, () => this.#vanish());
    if (manner === "stops-reading") {
      this.#host.later(mannerMs, () => {
        this.#isReading = false;
      });
    }
  }

  /** Takes an event of its realm. */
  handle(event: Extract<LinkEvent, { readonly realm: RealmId }>): void {
    if (this.#end !== undefined || event.realm !== this.#realm) return;
    switch (event.type) {
      case "realm-connected":
      case "realm-writable":
        return this.#write();
      case "realm-readable":
        return this.#readSoon();
      case "realm-refused":
        return this.#finish("refused");
      case "realm-closed":
        return this.#onClosed(event.reason);
    }
  }

  /** The link is gone. */
  lose(): void {
    if (this.#realm !== undefined && this.#end === undefined) this.#end = "link-lost";
  }

  #onClosed(reason: string): void {
    if (reason === "connection") return this.lose();
    if (reason !== "slow-client") this.#readAll();
    const { record, plan } = this;
    const isPrompt = this.#isReading && plan.readEveryMs === 0;
    switch (reason) {
      case "device":
        if (!record.isServed) throw new Error(`${this.#name}: closed before it was served`);
        if (record.received !== record.downloadBytes) {
          throw new Error(
            `${this.#name}: got ${record.received} of ${record.downloadBytes} bytes before the end`,
          );
        }
        return this.#finish("complete");
      case "slow-client":
        if (isPrompt) throw new Error(`${this.#name} reads at once and was called slow`);
        return this.#finish("slow-client");
      case "finished":
      case "idle":
        if (plan.manner !== "finishes") throw new Error(`${this.#name} never said it was done`);
        if ((reason === "finished") !== (plan.port === 554)) {
          throw new Error(`${this.#name} ended as ${reason}`);
        }
        return this.#finish(reason);
      case "bind-timeout":
        return this.#finish("bind-timeout");
      default:
        throw new Error(`${this.#name} ended with the unknown reason ${reason}`);
    }
  }

  #write(): void {
    const { plan, record } = this;
    const total = PREAMBLE_BYTES + plan.uploadBytes;
    while (this.#end === undefined && this.#written < total && !this.#isWriteDue) {
      const chunk = uploadChunk(record, plan.servicePauseMs, this.#written, plan.writeChunkBytes);
      const taken = this.#host.command((link, now) => {
        const count = link.write(this.#realm!, chunk, now);
        // What follows from the write may write more.
        this.#written += count;
        record.accepted = this.#written;
        return count;
      }) ?? 0;
      if (taken < chunk.length) return;
      if (plan.writeEveryMs > 0) this.#writeLater();
    }
    if (this.#written === total && this.#end === undefined && plan.manner === "finishes") {
      this.#host.command((link, now) => link.finish(this.#realm!, now));
    }
  }

  #writeLater(): void {
    this.#isWriteDue = true;
    this.#host.later(this.plan.writeEveryMs, () => {
      this.#isWriteDue = false;
      this.#write();
    });
  }

  #readSoon(): void {
    const { readEveryMs } = this.plan;
    if (readEveryMs === 0) return this.#isReading ? this.#readAll() : undefined;
    if (this.#isReadDue) return;
    this.#isReadDue = true;
    this.#host.later(readEveryMs, () => {
      this.#isReadDue = false;
      if (this.#end === undefined && this.#isReading && this.#read() > 0) this.#readSoon();
    });
  }

  #readAll(): void {
    while (this.#read() > 0);
  }

  /** Reads once; what was read is checked before anything else can be read. */
  #read(): number {
    return this.#host.command((link, now) => {
      let length = 0;
      for (const chunk of link.read(this.#realm!, this.plan.readBytes, now)) {
        checkDownload(this.record, chunk);
        length += chunk.length;
      }
      return length;
    }) ?? 0;
  }

  #vanish(): void {
    if (this.#end !== undefined) return;
    this.#host.command((link, now) => link.close(this.#realm!, now));
    this.#finish("vanished");
  }

  #finish(end: ClientEnd): void {
    this.#end = end;
  }

  get #name(): string {
    return `client ${this.record.salt} (port ${this.plan.port})`;
  }
}
