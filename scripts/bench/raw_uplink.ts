/**
 * The yardstick of the upstream: reads a TCP connection and sends what came as datagrams of 1316
 * bytes, and does nothing else but to wait while 64 of them are unread by {@link ./raw_sink.ts}.
 *
 * usage: raw_uplink.ts SINK_PORT
 *
 * @module
 */
import { serveCommands } from "./worker.ts";

const DATAGRAM_BYTES = 1316;
/** Datagrams that one answer of the sink stands for. */
const CREDIT = 32;
const WINDOW = 64;

const target = {
  transport: "udp",
  hostname: "127.0.0.1",
  port: Number(Deno.args[0]),
} as const;
const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

async function carry(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  const answer = new Uint8Array(64);
  let unread = 0;
  for (;;) {
    const length = await conn.read(buffer);
    if (length === null) break;
    for (let at = 0; at < length; at += DATAGRAM_BYTES) {
      while (unread >= WINDOW) {
        await socket.receive(answer);
        unread -= CREDIT;
      }
      socket.send(buffer.subarray(at, Math.min(at + DATAGRAM_BYTES, length)), target);
      unread++;
    }
  }
  conn.close();
}

async function accept(): Promise<never> {
  for (;;) await carry(await listener.accept());
}

void accept();
await serveCommands({ port: listener.addr.port }, () => {});
