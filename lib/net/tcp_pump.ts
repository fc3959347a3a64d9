/**
 * Carries bytes between a TCP connection and a machine that shares it with its driver: see
 * `core/relay/stream.ts`. What the machine does not take stays in the kernel, and what the peer does
 * not take stays in the machine.
 *
 * @module
 */
import type { StreamReport } from "../core/relay/stream.ts";
import type { Endpoint } from "../core/types.ts";

/** The machine's side. */
export interface TcpPumpHandlers {
  /** Something happened on the connection. */
  readonly onReport: (report: StreamReport) => void;
  /** The next bytes to write, or nothing until {@linkcode TcpPump.output}. */
  readonly take: () => Uint8Array | undefined;
  /** Whether to read no further until {@linkcode TcpPump.resume}. */
  readonly isPaused: () => boolean;
}

/** What one read takes at most. */
const READ_BYTES = 65_536;

/** Wakes one waiter; rung while nobody waits, it wakes the next one at once. */
class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
    this.#wake = undefined;
  }

  async wait(): Promise<void> {
    if (!this.#isRung) await new Promise<void>((resolve) => this.#wake = resolve);
    this.#isRung = false;
  }
}

/** One TCP connection between a machine and the network. */
export class TcpPump {
  /** Resolves when the connection is closed and nothing is under way any more. */
  readonly done: Promise<void>;
  readonly #handlers: TcpPumpHandlers;
  readonly #abort = new AbortController();
  readonly #output = new Bell();
  readonly #resume = new Bell();
  #conn: Deno.TcpConn | undefined;
  #hasEnded = false;

  private constructor(open: (signal: AbortSignal) => Promise<Deno.TcpConn>, own: TcpPumpHandlers) {
    this.#handlers = own;
    this.done = this.#run(open);
  }

  /** Makes a connection; the first report says whether there is one. */
  static connect({ ip, port }: Endpoint, handlers: TcpPumpHandlers): TcpPump {
    return new TcpPump((signal) => Deno.connect({ hostname: ip, port, signal }), handlers);
  }

  /** Takes over a connection that is there already. */
  static over(conn: Deno.TcpConn, handlers: TcpPumpHandlers): TcpPump {
    return new TcpPump(() => Promise.resolve(conn), handlers);
  }

  /** There is something to take. */
  output(): void {
    this.#output.ring();
  }

  /** Reading may go on. */
  resume(): void {
    this.#resume.ring();
  }

  /** Closes the connection, or gives up making it; nothing is reported any more. */
  close(): void {
    this.#hasEnded = true;
    this.#abort.abort();
    this.#output.ring();
    this.#resume.ring();
    const conn = this.#conn;
    this.#conn = undefined;
    try {
      conn?.close();
    } catch {
      // The peer's reset has closed it already.
    }
  }

  async #run(open: (signal: AbortSignal) => Promise<Deno.TcpConn>): Promise<void> {
    let conn: Deno.TcpConn;
    try {
      conn = await open(this.#abort.signal);
    } catch {
      return this.#end();
    }
    this.#conn = conn;
    if (this.#hasEnded) return this.close();
    try {
      conn.setNoDelay();
    } catch {
      // Gone already: the first read will say so.
    }
    this.#handlers.onReport({ type: "connected" });
    await Promise.all([this.#read(conn), this.#write(conn)]);
  }

  async #read(conn: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    while (!this.#hasEnded) {
      if (this.#handlers.isPaused()) {
        await this.#resume.wait();
        continue;
      }
      let count: number | null;
      try {
        count = await conn.read(buffer);
      } catch {
        count = null;
      }
      if (count === null) return this.#end();
      if (!this.#hasEnded) {
        this.#handlers.onReport({ type: "bytes", bytes: buffer.slice(0, count) });
      }
    }
  }

  async #write(conn: Deno.TcpConn): Promise<void> {
    while (!this.#hasEnded) {
      const bytes = this.#handlers.take();
      if (bytes === undefined) {
        await this.#output.wait();
        continue;
      }
      try {
        for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
      } catch {
        return this.#end();
      }
    }
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#handlers.onReport({ type: "ended" });
    this.close();
  }
}
