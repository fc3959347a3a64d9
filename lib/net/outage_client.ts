/**
 * A local client that comes while there is no session: told so, and let go.
 *
 * @module
 */
import { RtspReader } from "../core/rtsp/reader.ts";
import { type Unavailability, unavailableResponse } from "../core/rtsp/unavailable.ts";

/** Bytes of a request that are read before the client is taken for no player. */
const MAX_REQUEST_BYTES = 16_384;

/** For a request to come: players write it at once, and some wait no more than 5 s for an answer. */
const REQUEST_TIMEOUT_MS = 2_000;

/** For the client to close once it has its answer; closing earlier could destroy the answer. */
const LINGER_MS = 1_000;

/** Answers one RTSP client `503`, or closes any other. */
export class OutageClient {
  readonly #conn: Deno.TcpConn;
  #closed = false;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** Whether nobody has closed it yet. */
  get isOpen(): boolean {
    return !this.#closed;
  }

  /** Reads a request, answers it and closes. Never throws. */
  async answer(why: () => Unavailability): Promise<void> {
    const timer = setTimeout(() => this.abort(), REQUEST_TIMEOUT_MS);
    try {
      const reader = new RtspReader();
      const buffer = new Uint8Array(4096);
      for (let total = 0; total < MAX_REQUEST_BYTES;) {
        const length = await this.#conn.read(buffer);
        if (length === null) return;
        total += length;
        reader.push(buffer.slice(0, length));
        const item = reader.next();
        if (item?.type !== "request") continue;
        await this.#send(unavailableResponse(item.head, why()));
        clearTimeout(timer);
        return await this.#linger(buffer);
      }
    } catch {
      // It spoke no RTSP, or went away: there is nothing to tell it.
    } finally {
      clearTimeout(timer);
      this.abort();
    }
  }

  /** Closes it at once. */
  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#conn.close();
    } catch {
      // Closed by the runtime already.
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#conn.write(rest));
    await this.#conn.closeWrite();
  }

  async #linger(buffer: Uint8Array): Promise<void> {
    const timer = setTimeout(() => this.abort(), LINGER_MS);
    try {
      while (await this.#conn.read(buffer) !== null);
    } finally {
      clearTimeout(timer);
    }
  }
}
