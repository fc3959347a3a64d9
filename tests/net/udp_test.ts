import { assert, assertEquals } from "@std/assert";
import type { Endpoint } from "../../lib/core/types.ts";
import { UdpSocket } from "../../lib/net/udp.ts";

const LOOPBACK = "127.0.0.1";

/** A socket that notes what it receives, and when it is told to act on it. */
class Listener implements AsyncDisposable {
  readonly socket = new UdpSocket(LOOPBACK);
  readonly received: { readonly data: Uint8Array; readonly from: Endpoint }[] = [];
  /** How many had been received at each end of a batch. */
  readonly batches: number[] = [];
  #wake: () => void = () => {};

  constructor() {
    this.socket.listen({
      onDatagram: (data, from) => void this.received.push({ data, from }),
      onBatchEnd: () => {
        this.batches.push(this.received.length);
        this.#wake();
      },
    });
  }

  get endpoint(): Endpoint {
    return { ip: LOOPBACK, port: this.socket.port };
  }

  /** Resolves once so many datagrams were received and acted on. */
  async acted(count: number): Promise<void> {
    while ((this.batches.at(-1) ?? 0) < count) {
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
  assertEquals(listener.batches, [1]);
  assertEquals(listener.received[0]!.from, sender.endpoint);
});

Deno.test("datagrams that wait together are handed out before any is acted on", async () => {
  await using listener = new Listener();
  await using sender = new Listener();
  for (let i = 0; i < 12; i++) sender.socket.send(Uint8Array.of(i), listener.endpoint);
  await listener.acted(12);
  assertEquals(new Set(listener.received.map(({ data }) => data[0])).size, 12);
  assert(listener.batches.length < 12, `${listener.batches.length} batches`);
});

Deno.test("a long row of datagrams is acted on long before its end", async () => {
  await using listener = new Listener();
  await using sender = new Listener();
  for (let i = 0; i < 60; i++) sender.socket.send(Uint8Array.of(i), listener.endpoint);
  await listener.acted(60);
  let before = 0;
  for (const count of listener.batches) {
    assert(count - before <= 16, `${count - before} datagrams in one batch`);
    before = count;
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
