/**
 * A connection that carries bytes both ways: a stream of a session, or a local TCP connection.
 *
 * @module
 */

/** What a dialogue needs of its connection; a `RealmStream` is one. */
export interface ByteStream {
  /** Sends all of `bytes`; false when the connection is gone. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** The next bytes, or nothing at the end. */
  read(): Promise<readonly Uint8Array[] | undefined>;
  /** Closes it at once; again has no effect. */
  close(): void;
}

const READ_BYTES = 65_536;

/** A TCP connection as a byte stream. */
export class TcpByteStream implements ByteStream {
  readonly #conn: Deno.TcpConn;
  readonly #buffer = new Uint8Array(READ_BYTES);
  #closed = false;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** Connects; @throws {Error} As `Deno.connect`. */
  static async connect(
    hostname: string,
    port: number,
    signal?: AbortSignal,
  ): Promise<TcpByteStream> {
    const conn = await Deno.connect({ hostname, port, ...(signal ? { signal } : {}) });
    return new TcpByteStream(conn);
  }

  async write(bytes: Uint8Array): Promise<boolean> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
      return true;
    } catch {
      return false;
    }
  }

  async read(): Promise<readonly Uint8Array[] | undefined> {
    try {
      const count = await this.#conn.read(this.#buffer);
      return count === null ? undefined : [this.#buffer.slice(0, count)];
    } catch {
      return undefined;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }
}
