/**
 * TCP in virtual time: connections between machines in one process, with latency and a window, so
 * that who does not read makes the other side wait.
 *
 * @module
 */
import type { StreamReport } from "../../lib/core/relay/stream.ts";
import { formatEndpoint } from "../../lib/core/bytes.ts";
import type { Endpoint } from "../../lib/core/types.ts";
import type { VirtualNetwork } from "../sim/network.ts";

/** A machine's side of a connection; each call acts on its node. */
export interface TcpEnd {
  readonly report: (report: StreamReport) => void;
  readonly take: () => Uint8Array | undefined;
  readonly isPaused: () => boolean;
}

/** Bytes of one direction on their way or waiting to be read. */
const WINDOW_BYTES = 65_536;

/** One side of a connection, for whoever holds its machine. */
export class MemoryConnection {
  peer: MemoryConnection | undefined;
  /** While frozen nothing leaves: a line that is dead without anybody's knowing. */
  isFrozen = false;
  readonly #network: VirtualNetwork;
  readonly #latencyMs: number;
  readonly #end: TcpEnd;
  readonly #inbox: Uint8Array[] = [];
  #pendingBytes = 0;
  #isClosed = false;
  #isPeerGone = false;

  constructor(network: VirtualNetwork, latencyMs: number, end: TcpEnd) {
    this.#network = network;
    this.#latencyMs = latencyMs;
    this.#end = end;
  }

  /** Tells the machine something, unless its side is closed. */
  tell(report: StreamReport): void {
    if (!this.#isClosed) this.#end.report(report);
  }

  /** The machine has bytes. */
  output(): void {
    this.#network.schedule(this.#network.now, () => this.#pump());
  }

  /** The machine reads on. */
  resume(): void {
    this.#network.schedule(this.#network.now, () => this.#deliver());
  }

  /** The machine closes; what it has written still arrives. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { peer } = this;
    this.#network.schedule(this.#network.now + this.#latencyMs, () => {
      if (!peer || this.isFrozen) return;
      peer.#isPeerGone = true;
      peer.#deliver();
    });
  }

  #pump(): void {
    const { peer } = this;
    while (!this.#isClosed && peer && !this.isFrozen && peer.#pendingBytes < WINDOW_BYTES) {
      const bytes = this.#end.take();
      if (bytes === undefined) return;
      peer.#pendingBytes += bytes.length;
      this.#network.schedule(this.#network.now + this.#latencyMs, () => {
        peer.#inbox.push(bytes);
        peer.#deliver();
      });
    }
  }

  #deliver(): void {
    while (!this.#isClosed && this.#inbox.length > 0 && !this.#end.isPaused()) {
      const bytes = this.#inbox.shift()!;
      this.#pendingBytes -= bytes.length;
      this.#end.report({ type: "bytes", bytes });
    }
    if (this.#isPeerGone && this.#inbox.length === 0) this.tell({ type: "ended" });
    else this.peer?.output();
  }
}

/** All connections of one network. */
export class MemoryTcp {
  readonly #network: VirtualNetwork;
  readonly #latencyMs: number;
  readonly #listeners = new Map<string, (accepted: (end: TcpEnd) => MemoryConnection) => void>();

  constructor(network: VirtualNetwork, latencyMs: number) {
    this.#network = network;
    this.#latencyMs = latencyMs;
  }

  /** Somebody listens: `accept` is given a function that turns its end into a connection. */
  listen(
    endpoint: Endpoint,
    accept: (accepted: (end: TcpEnd) => MemoryConnection) => void,
  ): void {
    this.#listeners.set(formatEndpoint(endpoint), accept);
  }

  /** Nobody listens there any more. */
  unlisten(endpoint: Endpoint): void {
    this.#listeners.delete(formatEndpoint(endpoint));
  }

  /** Connects; the first report says whether somebody listens. */
  connect(endpoint: Endpoint, end: TcpEnd): MemoryConnection {
    const own = new MemoryConnection(this.#network, this.#latencyMs, end);
    this.#network.schedule(this.#network.now + 2 * this.#latencyMs, () => {
      const accept = this.#listeners.get(formatEndpoint(endpoint));
      if (!accept) return own.tell({ type: "ended" });
      accept((theirEnd) => {
        const theirs = new MemoryConnection(this.#network, this.#latencyMs, theirEnd);
        own.peer = theirs;
        theirs.peer = own;
        return theirs;
      });
      own.peer?.tell({ type: "connected" });
      own.tell({ type: "connected" });
    });
    return own;
  }
}
