/**
 * Receives datagrams, and answers every 32nd so that the sender goes on.
 *
 * @module
 */
import { serveCommands } from "./worker.ts";

const CREDIT = 32;
const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
const buffer = new Uint8Array(65_536);
const answer = new Uint8Array(1);
let received = 0;

async function serve(): Promise<never> {
  for (;;) {
    const [, from] = await socket.receive(buffer);
    if (++received % CREDIT === 0) socket.send(answer, from);
  }
}

void serve();
await serveCommands({ port: (socket.addr as Deno.NetAddr).port }, () => ({ received }));
