/**
 * Local listeners and the clients that come to them; independent of which session carries them.
 *
 * @module
 */
import type { Failure, Reason } from "../core/failure.ts";
import type { Unavailability } from "../core/rtsp/unavailable.ts";
import { formatListen, type Forward, listen } from "./forward.ts";
import { type ClientEnd, LocalClient, RTSP_PORT } from "./local_client.ts";
import { OutageClient } from "./outage_client.ts";
import type { RealmStream } from "./realm_stream.ts";

/** Where new streams come from: sessions that come and go. */
export interface StreamSource {
  /** A stream to a port of the device, or nothing while there is no session. */
  connect(remotePort: number): RealmStream | undefined;
  /** Why there is no session now. */
  readonly outage?: Unavailability | undefined;
  /** Resolves when there is a session, and after `limitMs` at the latest. */
  whenUp?(limitMs: number): Promise<void>;
}

/** What happens at the listeners. */
export type ForwarderEvent =
  | { readonly type: "client-opened"; readonly remotePort: number; readonly client: string }
  | {
    readonly type: "client-closed";
    readonly remotePort: number;
    readonly client: string;
    readonly why: ClientEnd;
  }
  | { readonly type: "client-turned-away"; readonly remotePort: number; readonly limit: number }
  /** A client came while there was no session, and was told so. */
  | {
    readonly type: "client-unserved";
    readonly remotePort: number;
    readonly client: string;
    readonly reason: Reason;
  }
  | { readonly type: "warning"; readonly failure: Failure };

/** Limits of a forwarder. */
export interface ForwarderOptions {
  /** Clients at a time; more are closed at once. */
  readonly maxClients: number;
  /** How long a client that comes while there is no session waits for one. */
  readonly waitMs?: number | undefined;
  readonly onEvent: (event: ForwarderEvent) => void;
}

/** Above this some devices stop answering: PROTOCOL.md section 2.7. */
const MANY_CLIENTS = 8;

function udpRefused(client: string): Failure {
  return {
    reason: "rtsp-udp",
    what: `Client ${client} asked for RTP over UDP, which cannot pass a tunnel; told to use TCP.`,
    advice: "If there is no picture, choose TCP (ffmpeg -rtsp_transport tcp, vlc --rtsp-tcp).",
    facts: { client },
  };
}

function slowClient(client: string, others: number): Failure {
  return {
    reason: "slow-client",
    what: `Client ${client} reads too slowly; closed it to protect ${others} others.`,
    advice: "Give it a smaller stream, or a faster line.",
    facts: { client, others },
  };
}

/** Listens on local ports and gives each connection a stream of the session there is. */
export class Forwarder {
  readonly #source: StreamSource;
  readonly #options: ForwarderOptions;
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #clients = new Map<{ abort(): void }, Promise<void>>();
  readonly #accepting: Promise<void>[] = [];
  #warnedOfMany = false;

  constructor(source: StreamSource, options: ForwarderOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Clients that are connected. */
  get clients(): number {
    return this.#clients.size;
  }

  /**
   * Opens every forward, or none.
   *
   * @returns The local port of each.
   * @throws {FailureError} `listen-in-use` or `listen-denied`.
   */
  open(forwards: readonly Forward[]): readonly number[] {
    try {
      for (const forward of forwards) this.#listeners.push(listen(forward));
    } catch (error) {
      this.#closeListeners();
      throw error;
    }
    return this.#listeners.map((listener, i) => {
      this.#accepting.push(this.#accept(listener, forwards[i]!.remotePort));
      return (listener.addr as Deno.NetAddr).port;
    });
  }

  /** Accepts no more, and waits until every client has gone; `closeClients` makes them go. */
  async close(): Promise<void> {
    this.#closeListeners();
    await Promise.all(this.#accepting);
    // One that waited for a session may have become one that has it.
    while (this.#clients.size > 0) await Promise.all(this.#clients.values());
  }

  /** Drops every client. */
  abortClients(): void {
    for (const client of this.#clients.keys()) client.abort();
  }

  #closeListeners(): void {
    for (const listener of this.#listeners.splice(0)) listener.close();
  }

  async #accept(listener: Deno.TcpListener, remotePort: number): Promise<void> {
    for (;;) {
      let conn: Deno.TcpConn;
      try {
        conn = await listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
          return;
        }
        // One connection was lost before it could be taken (or we are out of files): the next may be fine.
        if (!this.#listeners.includes(listener)) return;
        continue;
      }
      this.#serve(conn, remotePort);
    }
  }

  #serve(conn: Deno.TcpConn, remotePort: number): void {
    const { maxClients, onEvent } = this.#options;
    if (this.#clients.size >= maxClients) {
      conn.close();
      onEvent({ type: "client-turned-away", remotePort, limit: maxClients });
      return;
    }
    const { hostname, port } = conn.remoteAddr as Deno.NetAddr;
    const address = formatListen(hostname, port);
    const stream = this.#source.connect(remotePort);
    if (stream) this.#bridge(conn, stream, remotePort, address);
    else this.#defer(conn, remotePort, address);
  }

  /** Lets a client wait for a session for as long as it may, then tells it that there is none. */
  #defer(conn: Deno.TcpConn, remotePort: number, address: string): void {
    const client = new OutageClient(conn);
    const waiting = this.#source.whenUp?.(this.#options.waitMs ?? 0) ?? Promise.resolve();
    const running = waiting.then(async () => {
      const stream = client.isOpen ? this.#source.connect(remotePort) : undefined;
      if (stream) return this.#bridge(conn, stream, remotePort, address);
      const why = (): Unavailability => this.#source.outage ?? { reason: "starting" };
      const { reason } = why();
      this.#options.onEvent({ type: "client-unserved", remotePort, client: address, reason });
      if (remotePort === RTSP_PORT) await client.answer(why);
      else client.abort();
    }).finally(() => this.#clients.delete(client));
    this.#clients.set(client, running);
  }

  #bridge(conn: Deno.TcpConn, stream: RealmStream, remotePort: number, address: string): void {
    const { onEvent } = this.#options;
    const client = new LocalClient({
      conn,
      stream,
      remotePort,
      onUdpRefused: () => onEvent({ type: "warning", failure: udpRefused(address) }),
    });
    onEvent({ type: "client-opened", remotePort, client: address });
    const running = client.run().then((why) => {
      this.#clients.delete(client);
      onEvent({ type: "client-closed", remotePort, client: address, why });
      if (why === "slow-client") {
        onEvent({ type: "warning", failure: slowClient(address, this.#clients.size) });
      }
    });
    this.#clients.set(client, running);
    this.#warnOfMany();
  }

  #warnOfMany(): void {
    if (this.#warnedOfMany || this.#clients.size <= MANY_CLIENTS) return;
    this.#warnedOfMany = true;
    this.#options.onEvent({
      type: "warning",
      failure: {
        reason: "sessions-full",
        what: `More than ${MANY_CLIENTS} clients share the session.`,
        advice: "Some devices answer no more than that; put a re-streamer between if they stall.",
        facts: { clients: this.#clients.size },
      },
    });
  }
}
