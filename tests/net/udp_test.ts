import { assert, assertEquals } from "@std/assert";
import type { Endpoint } from "../../lib/core/types.ts";
import { UdpSocket } from "../../lib/net/udp.ts";

const LOOPBACK = "127.0.0.1";

/** A socket that notes what it receives, and when it is told to act on it. */
class Listener implements AsyncDisposable {
  readonly socket = new UdpSocket(LOOPBACK);
  readonly received: { readonly data: Uint8Array; readonly from: Endpoint }[] = [];
  /** How many had been received each time it was told to answer, though more wait. */
  readonly answered: number[] = [];
  /** How many had been received each time it was told to act. */
  readonly acts: number[] = [];
  #wake: () => void = () => {};

  constructor() {
    this.socket.listen({
      onDatagram: (data, from) => void this.received.push({ data, from }),
      onBatchEnd: () => void this.answered.push(this.received.length),
      onQuiet: () => {
        this.acts.push(this.received.length);
        this.#wake();
      },
    });
  }

  get endpoint(): Endpoint {
    return { ip: LOOPBACK, port: this.socket.port };
  }

  /** Resolves once so many datagrams were received and acted on. */
  async acted(count: number): Promise<void> {
    while ((this.acts.at(-1) ?? 0) < count) {
      await new Promise<void>((wake) => this.#wake = wake);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket.close();
  }
}

Deno.test("a datagram that comes alone is acted on without waiting for another", async () => {
  await using listener = new Listener();
  await using sender = new Listener();
  sender.socket.send(Uint8Array.of(1), listener.endpoint);
  await listener.acted(1);
  assertEquals(listener.acts, [1]);
  assertEquals(listener.received[0]!.from, sender.endpoint);
});

Deno.test("datagrams that wait together are handed out before any is acted on", async () => {
  await using listener = new Listener();
  await using sender = new Listener();
  for (let i = 0; i < 12; i++) sender.socket.send(Uint8Array.of(i), listener.endpoint);
  await listener.acted(12);
  assertEquals(new Set(listener.received.map(({ data }) => data[0])).size, 12);
  assert(listener.acts.length < 12, `${listener.acts.length} acts`);
});

Deno.test("in a long row of datagrams some are answered long before its end", async () => {
  await using listener = new Listener();
  await using sender = new Listener();
  for (let i = 0; i < 100; i++) sender.socket.send(Uint8Array.of(i), listener.endpoint);
  await listener.acted(100);
  assert(listener.answered.length > 0);
  let before = 0;
  for (const count of [...listener.answered, ...listener.acts].sort((a, b) => a - b)) {
    assert(count - before <= 16, `${count - before} datagrams without an answer`);
    before = count;
  }
  let acted = 0;
  for (const count of listener.acts) {
    assert(count - acted <= 64, `${count - acted} datagrams without an act`);
    acted = count;
  }
});

Deno.test("later datagrams leave the bytes of earlier ones alone", async () => {
  await using listener = new Listener();
  await using sender = new Listener();
  for (let i = 0; i < 200; i++) {
    sender.socket.send(new Uint8Array(1316).fill(i), listener.endpoint);
    // One at a time: the loopback drops what does not fit.
    await listener.acted(i + 1);
  }
  for (const [i, { data }] of listener.received.entries()) {
    assert(data.length === 1316 && data.every((byte) => byte === i), `datagram ${i}`);
  }
});

Deno.test("the largest datagram there is arrives whole, wherever the buffer stands", async () => {
  await using listener = new Listener();
  await using sender = new Listener();
  const largest = new Uint8Array(65_507).map((_, i) => i);
  const sizes = [largest.length, 1, 1316, largest.length, 40_000, largest.length];
  for (const [i, size] of sizes.entries()) {
    sender.socket.send(largest.subarray(0, size), listener.endpoint);
    await listener.acted(i + 1);
  }
  assertEquals(listener.received.map(({ data }) => data.length), sizes);
  assertEquals(listener.received.at(-1)!.data, largest);
});

Deno.test("datagrams of one sender come from one endpoint object", async () => {
  await using listener = new Listener();
  await using one = new Listener();
  await using other = new Listener();
  for (const [i, { socket }] of [one, one, other].entries()) {
    socket.send(Uint8Array.of(i), listener.endpoint);
    await listener.acted(i + 1);
  }
  const [first, second, third] = listener.received.map(({ from }) => from);
  assert(first === second);
  assertEquals(third, other.endpoint);
});

Deno.test("closing twice is closing once, and nothing is handed out afterwards", async () => {
  const listener = new Listener();
  await using sender = new Listener();
  const { endpoint } = listener;
  await listener.socket.close();
  await listener.socket.close();
  sender.socket.send(Uint8Array.of(1), endpoint);
  listener.socket.send(Uint8Array.of(1), sender.endpoint);
  assertEquals(listener.received, []);
});
