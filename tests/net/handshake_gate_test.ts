import { assertEquals, assertRejects } from "@std/assert";
import { type GateRank, HandshakeGate } from "../../lib/net/handshake_gate.ts";

const NEVER = new AbortController().signal;

/** Enters once for each rank, in this order; the slots appear in the result as they are given. */
function enterAll(gate: HandshakeGate, ranks: readonly GateRank[]): [GateRank, Disposable][] {
  const inside: [GateRank, Disposable][] = [];
  for (const rank of ranks) {
    void gate.enter(rank, NEVER).then((slot) => inside.push([rank, slot]));
  }
  return inside;
}

/** Lets every promise that can settle do so. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

Deno.test("no more handshakes run at a time than there are slots, and each end lets one in", async () => {
  const gate = new HandshakeGate({ slots: 4 });
  const inside = enterAll(gate, Array(10).fill("sound"));
  await settle();
  assertEquals([inside.length, gate.running, gate.waiting], [4, 4, 6]);
  for (let ended = 0; ended < 10; ended++) {
    inside[ended]![1][Symbol.dispose]();
    await settle();
    assertEquals(gate.running, Math.min(4, 9 - ended));
  }
  assertEquals(gate.waiting, 0);
});

Deno.test("devices that keep failing hold half of the slots at most, however many wait", async () => {
  const gate = new HandshakeGate({ slots: 4, failingSlots: 2 });
  const inside = enterAll(gate, Array(500).fill("failing"));
  await settle();
  assertEquals(inside.length, 2);
  const sound = enterAll(gate, ["sound", "sound"]);
  await settle();
  assertEquals(sound.length, 2, "a sound device does not wait behind 498 failing ones");
  for (const [, slot] of [...inside, ...sound]) slot[Symbol.dispose]();
  await settle();
  assertEquals([inside.length, gate.running], [4, 2]);
});

Deno.test("who waits and is aborted waits no more and takes no slot", async () => {
  const gate = new HandshakeGate({ slots: 1 });
  const inside = enterAll(gate, ["sound"]);
  await settle();
  const abort = new AbortController();
  const waiting = gate.enter("sound", abort.signal);
  abort.abort(new Error("stopped"));
  await assertRejects(() => waiting, Error, "stopped");
  assertEquals(gate.waiting, 0);
  inside[0]![1][Symbol.dispose]();
  assertEquals(gate.running, 0);
  await assertRejects(() => gate.enter("sound", abort.signal), Error, "stopped");
});

Deno.test("a slot given back twice is given back once", async () => {
  const gate = new HandshakeGate({ slots: 2 });
  const inside = enterAll(gate, ["sound", "sound"]);
  await settle();
  inside[0]![1][Symbol.dispose]();
  inside[0]![1][Symbol.dispose]();
  assertEquals(gate.running, 1);
});
