import { assertEquals } from "@std/assert";
import { toHex } from "../../../lib/core/bytes.ts";
import { DEVICE_QUIRKS } from "../../../lib/core/ptcp/connection.ts";
import { PtcpPair } from "../../support/ptcp_pair.ts";
import { PtcpScenario } from "../../support/ptcp_scenario.ts";

const PROMPT = { ackDelayMs: 0 };

Deno.test("prompt acks leave with each segment, before any answer is written", () => {
  const scenario = PtcpScenario.opened({ quirks: PROMPT });
  scenario.send(100, { body: 16 }).write(100, 16);
  scenario.expectSegments(100, [
    { seq: 0, ack: 16, length: 0 },
    { seq: 0, ack: 16, length: 16 },
  ]);
  scenario.send(200, { ack: 16 }).expectSilence(9999);
});

Deno.test("coarse timestamps are multiples of 10 ms", () => {
  const scenario = PtcpScenario.opened({ quirks: { timestampStepMs: 10 } });
  scenario.write(1009, 1).expectSegments(1009, [{ ts: 61_000 }]);
  scenario.write(1010, 1).expectSegments(1010, [{ ts: 61_010 }]);
});

Deno.test("a late window moves on only when 4096 bytes were freed", () => {
  const scenario = PtcpScenario.opened({ quirks: { ...PROMPT, windowReopenBytes: 4096 } });
  for (const [index, window] of [64_535, 63_535, 62_535, 61_535].entries()) {
    const at = 100 + index;
    scenario.send(at, { body: 1000 });
    scenario.read(at);
    scenario.expectSegments(at, [{ ack: 1000 * (index + 1), window }]);
  }
  scenario.send(110, { body: 1000 });
  scenario.read(110);
  scenario.expectSegments(110, [{ ack: 5000, window: 60_535 }]);
  scenario.send(111, { body: 10 }).expectSegments(111, [{ ack: 5010, window: 0xffff - 10 }]);
});

Deno.test("a hole is asked for by NACK every 10 ms up to the limit, then silence", () => {
  const nack = { intervalMs: 10, limit: 3, control: 1 };
  const scenario = PtcpScenario.opened({
    initialPeerSequence: 0,
    quirks: { ...PROMPT, nack },
  });
  scenario.send(100, { seq: 0, body: 79 }).expectSegments(100, [{ ack: 79 }]);
  scenario.send(110, { seq: 138, body: 50 });
  const asked = { control: 1, seq: 0, ack: 79, length: 11 };
  scenario.expectSegments(110, [asked]);
  scenario.expectSilence(119).expectSegments(120, [asked]);
  scenario.send(125, { seq: 188, body: 50 }).expectSilence(129).expectSegments(130, [asked]);
  scenario.expectSilence(9999);
  scenario.send(10_000, { seq: 79, body: 59 }).expectSegments(10_000, [{ control: 0, ack: 238 }]);
  scenario.send(10_001, { seq: 300, body: 1 }).expectSegments(10_001, [{ control: 1, ack: 238 }]);
});

Deno.test("the NACK for the hole that was measured has the measured body", () => {
  const nack = { intervalMs: 10, limit: 1, control: 1 };
  const scenario = PtcpScenario.opened({
    initialPeerSequence: 0,
    quirks: { ...PROMPT, nack, outOfOrder: "drop" },
  });
  scenario.send(100, { seq: 0, body: 79 }).expectSegments(100, [{}]);
  scenario.send(110, { seq: 138, body: 50 });
  scenario.connection.handleTimeout(110);
  const body = Uint8Array.of(0x0a, 0, 8, 0x53, 0, 0, 0, 0, 0, 0x3a, 0);
  scenario.expectSegments(110, [{ body }]);
  assertEquals(toHex(body), "0a000853000000" + "00003a00");
  assertEquals(scenario.connection.readableBytes, 79);
});

Deno.test("what follows a hole is not kept by a device that drops it", () => {
  const scenario = PtcpScenario.opened({ quirks: { ...PROMPT, outOfOrder: "drop" } });
  scenario.send(100, { seq: 100, body: 100 }).expectSegments(100, [{ ack: 0 }]);
  scenario.send(101, { seq: 0, body: 100 }).expectSegments(101, [{ ack: 100 }]);
});

for (const outOfOrder of ["keep", "drop"] as const) {
  for (let seed = 1; seed <= 4; seed++) {
    Deno.test(`we and a device with every quirk, which would ${outOfOrder} data after a hole, seed ${seed}`, () => {
      const pair = new PtcpPair({
        passive: { quirks: { ...DEVICE_QUIRKS, outOfOrder } },
        active: { initialSequence: 0xffff_f000 },
        link: { loss: 0.02, duplication: 0.02, reordering: 0.05, jitterMs: 5, seed },
      });
      pair.active.send(200_000);
      pair.passive.send(300_000);
      pair.open();
      const done = pair.runUntil(() => pair.active.drained && pair.passive.drained, 120_000);
      assertEquals([done, pair.active.receivedBytes, pair.passive.receivedBytes], [
        true,
        300_000,
        200_000,
      ]);
    });
  }
}
