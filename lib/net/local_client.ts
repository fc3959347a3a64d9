/**
 * A program of this machine, connected to a forwarded port: its bytes go into a realm and back.
 *
 * @module
 */
import { concatBytes } from "../core/bytes.ts";
import { type FilterOutput, UdpSetupFilter } from "../core/rtsp/filter.ts";
import type { RealmStream } from "./realm_stream.ts";

/** Bytes read from the local program at a time: one read should fill a window. */
const READ_BYTES = 64_000;

/** RTSP of the device. */
export const RTSP_PORT = 554;

/**
 * Ends of a realm after which the rest of its bytes cannot be had any more. Waiting until the program
 * has taken what it was given would keep one that does not read for ever.
 */
const CUT_SHORT: readonly string[] = ["slow-client", "session-lost", "connection"];

/** Why a client's connection ended: its own doing, or the word its realm ended with. */
export type ClientEnd = "client" | "refused" | string;

/** What a client is made of. */
export interface LocalClientOptions {
  readonly conn: Deno.Conn;
  readonly stream: RealmStream;
  readonly remotePort: number;
  /** A SETUP for UDP was answered in the device's place. */
  readonly onUdpRefused?: (() => void) | undefined;
}

/** Bridges one local connection and one realm until either ends. */
export class LocalClient {
  readonly #conn: Deno.Conn;
  readonly #stream: RealmStream;
  readonly #filter: UdpSetupFilter | undefined;
  /** Bytes for the local program that wait for the write before them. */
  readonly #pending: Uint8Array[] = [];
  #isWriting = false;
  /** The write under way; resolves when nothing waits. */
  #writing: Promise<void> = Promise.resolve();
  #connClosed = false;

  constructor({ conn, stream, remotePort, onUdpRefused }: LocalClientOptions) {
    this.#conn = conn;
    this.#stream = stream;
    this.#filter = remotePort === RTSP_PORT
      ? new UdpSetupFilter({ onRefused: onUdpRefused })
      : undefined;
  }

  /** Carries bytes both ways; resolves with why it ended, with everything closed. */
  async run(): Promise<ClientEnd> {
    const outcome = await this.#stream.opened;
    if (outcome !== "connected") {
      this.#closeConn();
      return outcome === "refused" ? "refused" : await this.#stream.ended;
    }
    void this.#stream.ended.then((reason) => CUT_SHORT.includes(reason) && this.#closeConn());
    const upward = this.#pumpToDevice();
    const reason = await this.#pumpToClient();
    this.#closeConn();
    this.#stream.close();
    await upward;
    return reason === "local" ? "client" : reason;
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
        if (this.#filter === undefined) {
          if (!await this.#stream.write(buffer.subarray(0, length))) return;
        } else {
          // The filter keeps what it is given: the buffer is read into again.
          if (!await this.#upward(this.#filter.fromClient(buffer.slice(0, length)))) return;
        }
      }
    } catch {
      // The program went away without a word: there is nobody to deliver anything to.
      this.abort();
      return;
    }
    if (this.#filter && !await this.#upward(this.#filter.finishClient())) return;
    this.#stream.finish();
  }

  async #pumpToClient(): Promise<ClientEnd> {
    for (;;) {
      const chunks = await this.#stream.read();
      if (this.#connClosed) return await this.#stream.ended;
      if (!chunks) break;
      if (this.#filter) await this.#upward(filtered(this.#filter, chunks));
      else this.#downward(chunks);
      // Reading on only when the local program has taken this is what slows the device down.
      await this.#writing;
    }
    if (this.#filter) await this.#upward(this.#filter.finishDevice());
    await this.#writing;
    return await this.#stream.ended;
  }

  /** Passes a filter's output on, both ways; false when the realm is gone. */
  async #upward({ toDevice, toClient }: FilterOutput): Promise<boolean> {
    this.#downward(toClient);
    for (const bytes of toDevice) {
      if (!await this.#stream.write(bytes)) return false;
    }
    return true;
  }

  #downward(chunks: readonly Uint8Array[]): void {
    if (chunks.length === 0) return;
    this.#pending.push(...chunks);
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writing = this.#writePending();
  }

  /** Everything that waits goes out as one write, for as long as anything waits. */
  async #writePending(): Promise<void> {
    try {
      while (this.#pending.length > 0 && !this.#connClosed) {
        let rest = concatBytes(this.#pending.splice(0));
        while (rest.length > 0) rest = rest.subarray(await this.#conn.write(rest));
      }
    } catch {
      this.abort();
    } finally {
      this.#isWriting = false;
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

/** What the device said, filtered, as one output: one write for all of it. */
function filtered(filter: UdpSetupFilter, chunks: readonly Uint8Array[]): FilterOutput {
  const all: FilterOutput = { toDevice: [], toClient: [] };
  for (const chunk of chunks) {
    const { toDevice, toClient } = filter.fromDevice(chunk);
    all.toDevice.push(...toDevice);
    all.toClient.push(...toClient);
  }
  return all;
}
