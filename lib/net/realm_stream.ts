/**
 * One TCP connection inside the device, as an asynchronous byte stream with backpressure both ways.
 *
 * @module
 */

/** How an attempt to open a realm ended. */
export type RealmOutcome = "connected" | "refused" | "failed";

/** What a realm's stream needs of its session. */
export interface RealmPort {
  /** Takes bytes for the device; returns how many. */
  write(bytes: Uint8Array): number;
  /** Gives out about `maxBytes` that came from the device; nothing when there are none. */
  read(maxBytes: number): readonly Uint8Array[];
  /** Our side has nothing more to send. */
  finish(): void;
  /** Ends the realm and drops what was not read. */
  close(): void;
}

/** Bytes handed out by one read at most: what one write to a local socket should carry. */
const READ_BYTES = 262_144;

/** A realm as a stream. The session calls the `on…` methods; everybody else the others. */
export class RealmStream {
  readonly #port: RealmPort;
  readonly #opened = Promise.withResolvers<RealmOutcome>();
  readonly #ended = Promise.withResolvers<string>();
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  /** Whether bytes were announced since the last read; the first one asks for itself. */
  #isReadable = true;
  #isWritable = false;
  #closed = false;
  #isReleased = false;

  /** Makes the stream of a realm that is being opened. */
  constructor(port: RealmPort) {
    this.#port = port;
  }

  /** Resolves once the device has answered the BIND, or cannot any more. */
  get opened(): Promise<RealmOutcome> {
    return this.#opened.promise;
  }

  /** Resolves with the reason word once the realm is closed. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /**
   * Sends all of `bytes`, waiting as long as the device makes us wait.
   *
   * @returns False when the realm was closed before all of them were taken.
   */
  async write(bytes: Uint8Array): Promise<boolean> {
    let rest = bytes;
    while (!this.#closed) {
      // Room may be announced while this very write goes out: a sign from before it is stale.
      this.#isWritable = false;
      rest = rest.subarray(this.#port.write(rest));
      if (rest.length === 0) return true;
      if (!this.#isWritable) await new Promise<void>((wake) => this.#wakeWriter = wake);
    }
    return false;
  }

  /**
   * The next bytes of the device, in order.
   *
   * @returns Nothing when the realm is closed and everything has been read.
   */
  async read(): Promise<readonly Uint8Array[] | undefined> {
    for (;;) {
      if (this.#isReadable) {
        // Only what was announced is read: what comes meanwhile is better taken together.
        this.#isReadable = false;
        const chunks = this.#port.read(READ_BYTES);
        if (sizeOf(chunks) >= READ_BYTES) this.#isReadable = true;
        if (chunks.length > 0) return chunks;
      } else if (this.#closed) {
        return undefined;
      } else {
        await new Promise<void>((wake) => this.#wakeReader = wake);
      }
    }
  }

  /** Our side has nothing more to send. */
  finish(): void {
    if (!this.#closed) this.#port.finish();
  }

  /** Closes the realm at once, and lets go of what was not read of one that is closed already. */
  close(): void {
    if (!this.#isReleased) {
      this.#isReleased = true;
      this.#port.close();
    }
    this.onClosed("local");
  }

  /** The device granted the BIND. */
  onConnected(): void {
    this.#opened.resolve("connected");
  }

  /** The device refused the BIND. */
  onRefused(): void {
    this.#opened.resolve("refused");
    this.onClosed("refused");
  }

  /** Bytes can be read. */
  onReadable(): void {
    this.#isReadable = true;
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  /** Bytes can be written again. */
  onWritable(): void {
    this.#isWritable = true;
    this.#wakeWriter?.();
    this.#wakeWriter = undefined;
  }

  /** The realm is gone; what was buffered may still be read. */
  onClosed(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#opened.resolve("failed");
    this.#ended.resolve(reason);
    this.onReadable();
    this.onWritable();
  }
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.length;
  return bytes;
}
