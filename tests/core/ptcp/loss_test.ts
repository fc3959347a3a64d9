import { assertEquals } from "@std/assert";
import { PtcpScenario } from "../../support/ptcp_scenario.ts";

const MSS = 1292;

/** Open, with a round trip of 50 ms sampled, so that the RTO is 250 ms; nothing in flight. */
function sampled(window = 0xffff): PtcpScenario {
  const scenario = PtcpScenario.opened({ giveUpMs: Infinity }, window);
  for (let i = 0; i < 6; i++) {
    const at = 100 + 100 * i;
    scenario.write(at, 10).expectSegments(at, [{ seq: 10 * i, length: 10 }]);
    scenario.send(at + 50, { ack: 10 * i + 10, echo: 60_000 + at, window });
  }
  assertEquals(scenario.connection.rtoMs, 250);
  return scenario;
}

/** Sequence number of the n-th full segment after {@linkcode sampled}. */
function at(n: number): number {
  return 60 + n * MSS;
}

/** `count` full segments in flight since t = 700. */
function flying(count: number): PtcpScenario {
  const scenario = sampled();
  for (let i = 0; i < count; i++) scenario.write(700, MSS);
  scenario.advance(700);
  scenario.expectSegments(
    700,
    Array.from({ length: Math.min(count, 10) }, (_, i) => ({ seq: at(i), length: MSS })),
  );
  return scenario;
}

Deno.test("the oldest segment alone is resent after the RTO, which doubles", () => {
  const scenario = flying(3);
  let time = 700;
  for (const wait of [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
    time += wait;
    scenario.expectSilence(time - 1).expectSegments(time, [{ seq: at(0), length: MSS }]);
  }
  assertEquals(scenario.connection.stats.timeouts, 10);
  assertEquals(scenario.connection.congestionWindowBytes, MSS);
});

Deno.test("the first timeout of a connection without a sample is 3 s", () => {
  const scenario = PtcpScenario.opened().write(100, 10).expectSegments(100, [{ seq: 0 }]);
  scenario.expectSilence(3099).expectSegments(3100, [{ seq: 0, length: 10 }]);
});

Deno.test("fifteen resends of one segment end the connection at the next timeout", () => {
  const scenario = flying(1).advance(1_000_000);
  assertEquals(scenario.events(), ["closed: resend-limit"]);
  assertEquals(scenario.connection.stats.retransmits, 15);
});

Deno.test("30 s without progress of data in flight end the connection, not 29.999", () => {
  const scenario = PtcpScenario.opened().write(1000, 10).write(1000, 10).advance(20_000);
  scenario.send(20_000, { ack: 10 }).advance(49_999);
  assertEquals(scenario.events(), []);
  scenario.advance(50_000);
  assertEquals(scenario.events(), ["closed: stalled"]);
});

Deno.test("an idle connection never gives up by itself", () => {
  const scenario = sampled().expectSilence(100_000_000);
  assertEquals(scenario.connection.state, "open");
  assertEquals(scenario.connection.pollDeadline(), undefined);
});

Deno.test("three duplicate acks resend the hole, two send new data, more inflate the window", () => {
  const scenario = flying(14);
  const hole = { ack: at(0) };
  scenario.send(750, hole).expectSegments(750, [{ seq: at(10) }]);
  scenario.send(751, hole).expectSegments(751, [{ seq: at(11) }]);
  scenario.send(752, hole).expectSegments(752, [{ seq: at(0), length: MSS }]);
  assertEquals(scenario.connection.stats.fastRetransmits, 1);
  // 12 in flight, ssthresh 6, cwnd 9; it takes four more before a 13th segment may be in flight.
  for (const time of [753, 754, 755]) scenario.send(time, hole).expectSegments(time, []);
  scenario.send(756, hole).expectSegments(756, [{ seq: at(12) }]);
  // Everything that was in flight when it began: the window deflates to ssthresh at most.
  scenario.send(800, { ack: at(12) }).expectSegments(800, [{ seq: at(13) }]);
  assertEquals(scenario.connection.congestionWindowBytes, 2 * MSS);
});

Deno.test("a partial ack resends the next hole at once, and only that", () => {
  const scenario = flying(8);
  for (const time of [750, 751, 752]) scenario.send(time, { ack: at(0) });
  scenario.expectSegments(752, [{ seq: at(0) }]);
  scenario.send(802, { ack: at(3), echo: 60_752 }).expectSegments(802, [{ seq: at(3) }]);
  scenario.send(852, { ack: at(5), echo: 60_802 }).expectSegments(852, [{ seq: at(5) }]);
  scenario.send(902, { ack: at(8), echo: 60_852 }).expectSilence(99_999);
  assertEquals(scenario.connection.stats.retransmits, 3);
});

Deno.test("acks with data, another window or nothing in flight are no duplicate acks", () => {
  const scenario = flying(8);
  for (let i = 0; i < 4; i++) scenario.send(750 + i, { ack: at(0), body: 1 });
  for (let i = 0; i < 4; i++) scenario.send(760 + i, { ack: at(0), window: 50_000 - i });
  for (let i = 0; i < 4; i++) scenario.send(770 + i, { seq: 3, ack: at(0), window: 49_997 });
  assertEquals(scenario.connection.stats.duplicateAcksIn, 0);
  assertEquals(scenario.connection.stats.fastRetransmits, 0);
  const idle = sampled();
  for (let i = 0; i < 9; i++) idle.send(700 + i, { ack: 60 });
  assertEquals(idle.connection.stats.duplicateAcksIn, 0);
  idle.expectSilence(9999);
});

Deno.test("after a timeout an ack that jumps ahead resends one hole, one that does not resends on", () => {
  const kept = flying(10).expectSegments(950, [{ seq: at(0) }]);
  kept.send(1000, { ack: at(4), echo: 60_950 }).expectSegments(1000, [{ seq: at(4) }]);
  kept.send(1050, { ack: at(10), echo: 61_000 }).expectSilence(99_999);
  assertEquals(kept.connection.stats.retransmits, 2);

  const lost = flying(10).expectSegments(950, [{ seq: at(0) }]);
  lost.send(1000, { ack: at(1), echo: 60_950 });
  lost.expectSegments(1000, [{ seq: at(1) }, { seq: at(2) }]);
  lost.send(1050, { ack: at(3), echo: 61_000 });
  lost.expectSegments(1050, [3, 4, 5, 6].map((n) => ({ seq: at(n) })));
});

Deno.test("a timeout that the echo shows to be needless is undone", () => {
  const scenario = flying(10);
  const before = scenario.connection.congestionWindowBytes;
  scenario.expectSegments(950, [{ seq: at(0) }]);
  assertEquals(scenario.connection.congestionWindowBytes, MSS);
  scenario.send(960, { ack: at(2), echo: 60_700 }).expectSilence(1200);
  assertEquals(scenario.connection.congestionWindowBytes, before);
  assertEquals(scenario.connection.stats.spuriousRecoveries, 1);
});

Deno.test("only the first ack after a resend can show that it was needless", () => {
  const scenario = flying(10).expectSegments(950, [{ seq: at(0) }]);
  scenario.send(1000, { ack: at(4), echo: 60_950 }).expectSegments(1000, [{ seq: at(4) }]);
  scenario.send(1050, { ack: at(6), echo: 60_700 }).expectSegments(1050, [{ seq: at(6) }]);
  assertEquals(scenario.connection.stats.spuriousRecoveries, 0);
});

Deno.test("an ack of a resent segment with an older echo is no sample of the round trip", () => {
  const scenario = flying(1);
  scenario.expectSegments(950, [{ seq: at(0) }]).expectSegments(1450, [{ seq: at(0) }]);
  const before = scenario.connection.smoothedRttMs;
  scenario.send(1500, { ack: at(1), echo: 60_700 });
  assertEquals(scenario.connection.smoothedRttMs, before);
  assertEquals(scenario.connection.rtoMs, 1000);
  scenario.write(1600, 10).advance(1650).send(1650, { ack: at(1) + 10, echo: 61_600 });
  assertEquals(scenario.connection.rtoMs, 250);
});

Deno.test("congestion avoidance adds one segment a round trip", () => {
  const scenario = flying(14);
  for (const time of [750, 751, 752]) scenario.send(time, { ack: at(0) });
  scenario.send(800, { ack: at(12), echo: 60_752 });
  const { connection } = scenario;
  scenario.send(801, { ack: at(14), echo: 60_800 });
  const slow = connection.congestionWindowBytes;
  for (let i = 0; i < 4; i++) scenario.write(810, MSS);
  scenario.send(860, { ack: at(16), echo: 60_810 });
  assertEquals(connection.congestionWindowBytes > slow, true);
});
