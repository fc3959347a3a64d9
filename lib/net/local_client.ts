/**
 * A program of this machine, connected to a forwarded port: its bytes go into a realm and back.
 *
 * @module
 */
import { concatBytes } from "../core/bytes.ts";
import { UdpSetupFilter } from "../core/rtsp/filter.ts";
import type { RealmStream } from "./realm_stream.ts";

/** Bytes read from the local program at a time: one read should fill a window. */
const READ_BYTES = 65_536;

/** Why a client's connection ended. */
export type ClientEnd =
  | "client"
  | "device"
  | "refused"
  | "slow-client"
  | "bind-timeout"
  | "session-lost"
  | "local"
  | "failed"
  | string;

/** What a filter between a client and its realm does. */
interface Filter {
  fromClient(chunk: Uint8Array): Filtered;
  fromDevice(chunk: Uint8Array): Filtered;
}

interface Filtered {
  readonly toDevice: readonly Uint8Array[];
  readonly toClient: readonly Uint8Array[];
}

/** RTSP of the device. */
const RTSP_PORT = 554;

/** Bridges one local connection and one realm until either ends. */
export class LocalClient {
  readonly #conn: Deno.Conn;
  readonly #stream: RealmStream;
  readonly #filter: Filter | undefined;
  /** Writes to the local program, one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #connClosed = false;

  constructor(conn: Deno.Conn, stream: RealmStream, remotePort: number) {
    this.#conn = conn;
    this.#stream = stream;
    this.#filter = remotePort === RTSP_PORT ? new UdpSetupFilter() : undefined;
  }

  /** Carries bytes both ways; resolves with why it ended, with everything closed. */
  async run(): Promise<ClientEnd> {
    const outcome = await this.#stream.opened;
    if (outcome !== "connected") {
      this.#closeConn();
      return outcome === "refused" ? "refused" : await this.#stream.ended;
    }
    const upward = this.#pumpToDevice();
    const reason = await this.#pumpToClient();
    await this.#writing;
    this.#closeConn();
    this.#stream.close();
    await upward;
    return reason;
  }

  /** Drops the connection at once. */
  abort(): void {
    this.#closeConn();
    this.#stream.close();
  }

  async #pumpToDevice(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      for (;;) {
        const length = await this.#conn.read(buffer);
        if (length === null) break;
        if (!await this.#toDevice(buffer.subarray(0, length))) return;
      }
    } catch {
      // The program went away without a word: there is nobody to deliver anything to.
      this.#stream.close();
      return;
    }
    this.#stream.finish();
  }

  async #toDevice(bytes: Uint8Array): Promise<boolean> {
    if (!this.#filter) return await this.#stream.write(bytes.slice());
    const { toDevice, toClient } = this.#filter.fromClient(bytes.slice());
    this.#queueToClient(toClient);
    for (const chunk of toDevice) {
      if (!await this.#stream.write(chunk)) return false;
    }
    return true;
  }

  async #pumpToClient(): Promise<ClientEnd> {
    for (;;) {
      const chunks = await this.#stream.read();
      if (!chunks) return await this.#stream.ended;
      if (this.#filter) {
        for (const chunk of chunks) {
          const { toClient, toDevice } = this.#filter.fromDevice(chunk);
          this.#queueToClient(toClient);
          for (const bytes of toDevice) await this.#stream.write(bytes);
        }
      } else {
        this.#queueToClient(chunks);
      }
      // Reading on only when the local program has taken this is what slows the device down.
      await this.#writing;
      if (this.#connClosed) return "client";
    }
  }

  #queueToClient(chunks: readonly Uint8Array[]): void {
    if (chunks.length === 0) return;
    const bytes = concatBytes(chunks);
    this.#writing = this.#writing.then(() => this.#writeAll(bytes));
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    try {
      while (rest.length > 0 && !this.#connClosed) {
        rest = rest.subarray(await this.#conn.write(rest));
      }
    } catch {
      this.#closeConn();
      this.#stream.close();
    }
  }

  #closeConn(): void {
    if (this.#connClosed) return;
    this.#connClosed = true;
    try {
      this.#conn.close();
    } catch {
      // Closed by the runtime already.
    }
  }
}
