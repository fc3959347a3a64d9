/**
 * A plain TCP server that answers every 200 bytes with 200 bytes: what a request costs without a
 * tunnel.
 *
 * @module
 */
import { serveCommands } from "./worker.ts";

const REQUEST_BYTES = 200;
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

async function serve(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(REQUEST_BYTES);
  let got = 0;
  for (;;) {
    const length = await conn.read(buffer.subarray(got));
    if (length === null) break;
    got += length;
    if (got < REQUEST_BYTES) continue;
    got = 0;
    await conn.write(buffer);
  }
  conn.close();
}

async function accept(): Promise<never> {
  for (;;) void serve(await listener.accept());
}

void accept();
await serveCommands({ port: listener.addr.port }, () => {});
