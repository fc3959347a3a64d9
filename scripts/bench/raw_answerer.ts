// deno-lint-ignore-file no-console -- what it prints is its result
/**
 * The yardstick: receives datagrams and answers each with 24 bytes, and does nothing else.
 * Prints its port, runs until stdin ends, then prints how many it received.
 *
 * @module
 */
const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ port: (socket.addr as Deno.NetAddr).port }));

const answer = new Uint8Array(24);
const buffer = new Uint8Array(65_536);
let received = 0;

async function serve(): Promise<void> {
  for (;;) {
    let from: Deno.Addr;
    try {
      [, from] = await socket.receive(buffer);
    } catch {
      return;
    }
    received++;
    socket.send(answer, from).catch(() => {});
  }
}

const serving = serve();
for await (const _ of Deno.stdin.readable);
socket.close();
await serving;
console.log(JSON.stringify({ received }));
