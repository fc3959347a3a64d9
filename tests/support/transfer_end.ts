/**
 * The ends of a transfer: our connection and libnice behind one interface.
 *
 * @module
 */
import { PtcpConnection, type PtcpOptions } from "../../lib/core/ptcp/connection.ts";
import type { LibniceSocket } from "./libnice.ts";

/** One end of a transport. */
export interface TransferEnd {
  open(now: number): void;
  handleSegment(bytes: Uint8Array, now: number): void;
  handleTimeout(now: number): void;
  pollTransmit(): Uint8Array | undefined;
  pollDeadline(): number | undefined;
  /** Offers bytes; returns how many were taken. */
  write(bytes: Uint8Array, now: number): number;
  /** The next in-order bytes. */
  read(): Uint8Array | undefined;
  /** Why the connection ended, once it did. */
  readonly failure: string | undefined;
}

/** Our connection as an end. */
export class OwnEnd implements TransferEnd {
  readonly connection: PtcpConnection;
  readonly #frameBytes: number;
  failure: string | undefined;

  /** @param frameBytes Bytes a write, and so a segment. */
  constructor(options: PtcpOptions, frameBytes = 1292) {
    this.connection = new PtcpConnection(options);
    this.#frameBytes = frameBytes;
  }

  open(now: number): void {
    this.connection.open(now);
  }

  handleSegment(bytes: Uint8Array, now: number): void {
    this.connection.handleSegment(bytes, now);
    this.#takeEvents();
  }

  handleTimeout(now: number): void {
    this.connection.handleTimeout(now);
    this.#takeEvents();
  }

  pollTransmit(): Uint8Array | undefined {
    return this.connection.pollTransmit();
  }

  pollDeadline(): number | undefined {
    return this.connection.pollDeadline()?.at;
  }

  write(bytes: Uint8Array, now: number): number {
    if (this.connection.state !== "open") return 0;
    const frame = bytes.subarray(0, this.#frameBytes);
    return this.connection.write(frame, now) ? frame.length : 0;
  }

  read(): Uint8Array | undefined {
    return this.connection.read();
  }

  #takeEvents(): void {
    for (let event; (event = this.connection.pollEvent()) !== undefined;) {
      if (event.type === "closed") this.failure = event.reason;
    }
  }
}

/** libnice as an end. */
export class LibniceEnd implements TransferEnd {
  readonly #socket: LibniceSocket;
  failure: string | undefined;

  constructor(socket: LibniceSocket) {
    this.#socket = socket;
  }

  open(): void {
    this.#socket.open();
  }

  handleSegment(bytes: Uint8Array): void {
    this.#socket.handleSegment(bytes);
    this.#takeEvents();
  }

  handleTimeout(): void {
    this.#socket.handleTimeout();
    this.#takeEvents();
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#socket.pollTransmit();
  }

  pollDeadline(): number | undefined {
    return this.#socket.pollDeadline();
  }

  write(bytes: Uint8Array): number {
    return this.#socket.write(bytes);
  }

  read(): Uint8Array | undefined {
    return this.#socket.read();
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #takeEvents(): void {
    for (let event; (event = this.#socket.pollEvent()) !== undefined;) {
      if (event.type === "closed") this.failure = `closed, errno ${event.error}`;
    }
  }
}
