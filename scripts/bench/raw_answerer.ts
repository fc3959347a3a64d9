/**
 * The yardstick of the downstream: receives datagrams, answers each with 24 bytes, and does
 * nothing else.
 *
 * @module
 */
import { serveCommands } from "./worker.ts";

const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
const answer = new Uint8Array(24);
const buffer = new Uint8Array(65_536);

async function serve(): Promise<never> {
  for (;;) {
    const [, from] = await socket.receive(buffer);
    socket.send(answer, from);
  }
}

void serve();
await serveCommands({ port: (socket.addr as Deno.NetAddr).port }, () => {});
