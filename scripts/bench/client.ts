/**
 * The local programs of a tunnel: they download, upload, or ask and wait for the answer.
 *
 * @module
 */
import { serveCommands } from "./worker.ts";

/** What to do at a local port. */
export type ClientCommand =
  /** `bytes` in all, shared out among `clients` connections at once. */
  | {
    readonly verb: "download" | "upload" | "pour";
    readonly port: number;
    readonly clients: number;
    readonly bytes: number;
  }
  /** Requests of 200 bytes, one after the other. */
  | { readonly verb: "ask"; readonly port: number; readonly requests: number };

/** How it went. */
export interface TransferResult {
  readonly seconds: number;
  readonly bytes: number;
}

/** Time from request to answer, ms, ascending. */
export interface AskResult {
  readonly milliseconds: readonly number[];
}

const REQUEST_BYTES = 200;
const block = new Uint8Array(65_536).map((_, i) => i * 31);

async function connect(port: number): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  return conn;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
}

/** The services begin with a count of bytes, big-endian. */
function countOf(bytes: number): Uint8Array {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, bytes);
  return header;
}

async function readToEnd(conn: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(262_144);
  let got = 0;
  for (;;) {
    const length = await conn.read(buffer);
    if (length === null) return got;
    got += length;
  }
}

async function download(port: number, bytes: number): Promise<number> {
  using conn = await connect(port);
  await writeAll(conn, countOf(bytes));
  return await readToEnd(conn);
}

async function upload(port: number, bytes: number): Promise<number> {
  using conn = await connect(port);
  await writeAll(conn, countOf(bytes));
  await writeBlocks(conn, bytes);
  // The service answers one byte when it has everything, and closes.
  return await readToEnd(conn) === 1 ? bytes : 0;
}

/** Writes and closes: for a far end that only drains. */
async function pour(port: number, bytes: number): Promise<number> {
  using conn = await connect(port);
  await writeBlocks(conn, bytes);
  await conn.closeWrite();
  await readToEnd(conn);
  return bytes;
}

async function writeBlocks(conn: Deno.Conn, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= block.length) {
    await writeAll(conn, block.subarray(0, Math.min(left, block.length)));
  }
}

async function ask(port: number, requests: number): Promise<AskResult> {
  using conn = await connect(port);
  const request = block.subarray(0, REQUEST_BYTES);
  const answer = new Uint8Array(REQUEST_BYTES);
  const milliseconds: number[] = [];
  for (let i = 0; i < requests; i++) {
    const askedAt = performance.now();
    await conn.write(request);
    for (let got = 0; got < REQUEST_BYTES;) {
      const length = await conn.read(answer.subarray(got));
      if (length === null) throw new Error("the echo ended early");
      got += length;
    }
    milliseconds.push(performance.now() - askedAt);
  }
  return { milliseconds: milliseconds.sort((a, b) => a - b) };
}

const VERBS = { download, upload, pour };

async function obey(command: ClientCommand): Promise<TransferResult | AskResult> {
  if (command.verb === "ask") return await ask(command.port, command.requests);
  const { verb, port, clients, bytes } = command;
  const share = Math.ceil(bytes / clients);
  const startedAt = performance.now();
  const counts = await Promise.all(Array.from({ length: clients }, () => VERBS[verb](port, share)));
  return {
    seconds: (performance.now() - startedAt) / 1000,
    bytes: counts.reduce((sum, count) => sum + count, 0),
  };
}

await serveCommands<ClientCommand>({}, obey);
