/**
 * Bulk data that proves itself: a seeded stream, its hash, and TCP services that send, swallow or
 * echo it.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../../lib/core/bytes.ts";
import { seededRandom } from "../../lib/core/random.ts";

const BLOCK_BYTES = 65_536;

/** Blocks of a stream that never repeats a block. */
export function* bulk(bytes: number, seed: number): Generator<Uint8Array> {
  const noise = seededRandom(seed).bytes(BLOCK_BYTES);
  for (let sent = 0, block = 0; sent < bytes; block++) {
    const chunk = noise.slice(0, Math.min(BLOCK_BYTES, bytes - sent));
    // The position stands in the data: a block that is lost or doubled changes the hash.
    new DataView(chunk.buffer).setUint32(0, block);
    sent += chunk.length;
    yield chunk;
  }
}

/** SHA-256 of {@linkcode bulk}, in hex. */
export function bulkHash(bytes: number, seed: number): string {
  const hash = sha256.create();
  for (const chunk of bulk(bytes, seed)) hash.update(chunk);
  return toHex(hash.digest());
}

/** Writes all of `chunk`. */
export async function writeAll(conn: Deno.Conn, chunk: Uint8Array): Promise<void> {
  for (let rest = chunk; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
}

/** A TCP service on loopback; each connection is handled by `serve`, then closed. */
export function startService(
  serve: (conn: Deno.TcpConn) => Promise<void>,
): { readonly hostname: string; readonly port: number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = new Set<Promise<void>>();
  const accepting = (async (): Promise<void> => {
    for await (const conn of listener) {
      const served = serve(conn).catch(() => {}).finally(() => {
        try {
          conn.close();
        } catch {
          // The other end was faster.
        }
        serving.delete(served);
      });
      serving.add(served);
    }
  })();
  return {
    hostname: "127.0.0.1",
    port: listener.addr.port,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting.catch(() => {});
      await Promise.all(serving);
    },
  };
}

/** Sends {@linkcode bulk} to whoever connects. */
export function startSource(bytes: number, seed: number): ReturnType<typeof startService> {
  return startService(async (conn) => {
    for (const chunk of bulk(bytes, seed)) await writeAll(conn, chunk);
  });
}

/** Reads `bytes` and answers with their hash in hex. */
export function startSink(bytes: number): ReturnType<typeof startService> {
  return startService(async (conn) => {
    const { hash } = await readBulk(conn, bytes);
    await writeAll(conn, new TextEncoder().encode(hash));
  });
}

/** Reads up to `bytes`, or to the end; returns how many came and their hash in hex. */
export async function readBulk(
  conn: Deno.Conn,
  bytes = Infinity,
): Promise<{ readonly bytes: number; readonly hash: string }> {
  const buffer = new Uint8Array(BLOCK_BYTES);
  const hash = sha256.create();
  let got = 0;
  while (got < bytes) {
    const length = await conn.read(buffer);
    if (length === null) break;
    hash.update(buffer.subarray(0, length));
    got += length;
  }
  return { bytes: got, hash: toHex(hash.digest()) };
}

/** Downloads from a local port to the end. */
export async function download(port: number): Promise<{ bytes: number; hash: string }> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  return await readBulk(conn);
}

/** Uploads {@linkcode bulk} to a sink behind a local port; returns the hash it answered. */
export async function upload(port: number, bytes: number, seed: number): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  for (const chunk of bulk(bytes, seed)) await writeAll(conn, chunk);
  const answer = new Uint8Array(64);
  let got = 0;
  while (got < answer.length) {
    const length = await conn.read(answer.subarray(got));
    if (length === null) break;
    got += length;
  }
  return new TextDecoder().decode(answer.subarray(0, got));
}
