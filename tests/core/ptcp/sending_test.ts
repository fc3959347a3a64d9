import { assertEquals } from "@std/assert";
import { PtcpScenario } from "../../support/ptcp_scenario.ts";

const MSS = 1292;

/** `count` segments of `length` bytes from `seq` on. */
function run(seq: number, count: number, length = MSS): { seq: number; length: number }[] {
  return Array.from({ length: count }, (_, i) => ({ seq: seq + i * length, length }));
}

Deno.test("each write is one segment, however small, and none waits for another", () => {
  const scenario = PtcpScenario.opened().write(100, 12).write(100, 100).write(100, 12);
  scenario.expectSegments(100, [
    { seq: 0, length: 12 },
    { seq: 12, length: 100 },
    { seq: 112, length: 12 },
  ]);
});

Deno.test("ten segments leave at first, then two for each acknowledged in slow start", () => {
  const scenario = PtcpScenario.opened();
  for (let i = 0; i < 40; i++) scenario.write(100, MSS);
  scenario.expectSegments(100, run(0, 10));
  scenario.send(200, { ack: MSS }).expectSegments(200, run(10 * MSS, 2));
  scenario.send(201, { ack: 3 * MSS }).expectSegments(201, run(12 * MSS, 4));
});

Deno.test("what is in flight never exceeds the peer's window", () => {
  const scenario = PtcpScenario.opened({}, 5000);
  for (let i = 0; i < 10; i++) scenario.write(100, MSS);
  scenario.expectSegments(100, run(0, 3)).expectSilence(199);
  // 5000 - 2 * 1292 = 2416: one more segment, then 1124, no less than a quarter: cut.
  scenario.send(200, { ack: MSS, window: 5000 });
  scenario.expectSegments(200, run(3 * MSS, 1)).expectSilence(3199);
});

Deno.test("a sliver of the window is left alone, more than a quarter of it is used", () => {
  const scenario = PtcpScenario.opened({}, 2000);
  scenario.write(100, 1292).write(100, 1292);
  scenario.expectSegments(100, [{ seq: 0, length: 1292 }, { seq: 1292, length: 708 }]);
  scenario.send(200, { ack: 2000, window: 3000 });
  scenario.expectSegments(200, [{ seq: 2000, length: 584 }]);
  scenario.write(201, 1292).write(201, 1292);
  scenario.expectSegments(201, [{ seq: 2584, length: 1292 }, { seq: 3876, length: 1124 }]);
  // 5001 - 3876 - 1124 = 1: a sliver.
  scenario.send(202, { ack: 3876, window: 1125 }).write(203, 1292).expectSilence(3201);
});

Deno.test("a frame that the window cut keeps both boundaries when it is resent", () => {
  const scenario = PtcpScenario.opened({}, 900);
  scenario.write(100, Uint8Array.from({ length: 1292 }, (_, i) => i));
  scenario.expectSegments(100, [{ seq: 0, length: 900 }]);
  scenario.send(150, { ack: 900 }).expectSegments(150, [{ seq: 900, length: 392 }]);
  scenario.expectSegments(3150, [{ seq: 900, length: 392 }]);
});

Deno.test("frames keep their boundaries when they are resent", () => {
  const scenario = PtcpScenario.opened().write(100, 12).write(100, 100);
  scenario.expectSegments(100, [{ seq: 0, length: 12 }, { seq: 12, length: 100 }]);
  scenario.expectSegments(3100, [{ seq: 0, length: 12 }]);
  scenario.send(3200, { ack: 12 }).expectSegments(3200, [{ seq: 12, length: 100 }]);
});

Deno.test("a write that does not fit is refused whole and writable is reported once it would", () => {
  const scenario = PtcpScenario.opened({ sendBufferBytes: 2000 }).write(100, 1000).write(100, 900);
  scenario.expectSegments(100, run(0, 1, 1000).concat({ seq: 1000, length: 900 }));
  const { connection } = scenario;
  assertEquals(connection.write(new Uint8Array(1100), 100), false);
  assertEquals(connection.writableBytes, 100);
  scenario.send(150, { ack: 500 });
  assertEquals(scenario.events(), []);
  scenario.send(160, { ack: 1000 });
  assertEquals(scenario.events(), ["writable"]);
  assertEquals(scenario.events(), []);
  assertEquals(connection.unacknowledgedBytes, 900);
});

Deno.test("after an idle time longer than the RTO one segment leaves first", () => {
  const scenario = PtcpScenario.opened().write(100, 100).expectSegments(100, [{}]);
  scenario.send(150, { ack: 100, echo: 60_100 });
  for (let i = 0; i < 5; i++) scenario.write(340, MSS);
  scenario.expectSegments(340, run(100, 5)).send(390, { ack: 100 + 5 * MSS, echo: 60_340 });
  for (let i = 0; i < 5; i++) scenario.write(641, MSS);
  scenario.expectSegments(641, run(100 + 5 * MSS, 1));
});

Deno.test("a zero echo, an echo from the future and one from before our clock are no samples", () => {
  const scenario = PtcpScenario.opened();
  for (const [index, echo] of [0, 70_000, 59_000, 0x7fffffff].entries()) {
    scenario.write(100 + index, 10).expectSegments(100 + index, [{}]);
    scenario.send(100 + index, { ack: 10 * (index + 1), echo });
  }
  assertEquals(scenario.connection.smoothedRttMs, undefined);
  scenario.write(200, 10).expectSegments(200, [{ ts: 60_200 }]);
  scenario.send(230, { ack: 50, echo: 60_200 });
  assertEquals(scenario.connection.smoothedRttMs, 30);
  assertEquals(scenario.connection.rtoMs, 250);
});

Deno.test("of a segment with an ack beyond what we sent the data counts and nothing else", () => {
  const scenario = PtcpScenario.opened().write(100, 10).expectSegments(100, [{}]);
  scenario.send(110, { ack: 11, window: 0, body: 20 });
  assertEquals(scenario.connection.readableBytes, 20);
  assertEquals(scenario.connection.unacknowledgedBytes, 10);
  assertEquals(scenario.connection.peerWindowBytes, 0xffff);
  assertEquals(scenario.traces.at(-1)?.name, "ack-ignored");
  scenario.expectSegments(130, [{ ack: 20 }]).expectSegments(3100, [{ seq: 0, length: 10 }]);
});

Deno.test("an old ack changes nothing, and an older segment does not shrink the window", () => {
  const scenario = PtcpScenario.opened().write(100, 10).write(100, 10).advance(100);
  scenario.expectSegments(100, [{}, {}]).send(200, { ack: 20, window: 5000, ts: 9000 });
  scenario.send(201, { ack: 10, window: 0, ts: 9001 }).send(202, { ack: 20, window: 0, ts: 8999 });
  assertEquals(scenario.connection.peerWindowBytes, 5000);
  scenario.send(203, { ack: 20, window: 0, ts: 9000 });
  assertEquals(scenario.connection.peerWindowBytes, 0);
});

Deno.test("a zero window is probed at next - 1 after each RTO, backing off while answered", () => {
  const scenario = PtcpScenario.opened().write(100, 10).expectSegments(100, [{}]);
  scenario.send(150, { ack: 10, echo: 60_100, window: 0 }).write(160, 500);
  const probe = { seq: 9, length: 0, flags: 0 };
  let at = 150;
  for (const wait of [250, 500, 1000, 2000, 2000, 2000, 2000, 2000, 2000, 2000]) {
    scenario.expectSilence(at + wait - 1).expectSegments(at + wait, [probe]);
    at += wait;
    scenario.send(at, { window: 0 });
  }
  scenario.send(at + 5, { window: 700 }).expectSegments(at + 5, [{ seq: 10, length: 500 }]);
  assertEquals(scenario.connection.state, "open");
});

Deno.test("a zero window whose probes stay unanswered ends the connection after 15 s", () => {
  const scenario = PtcpScenario.opened().write(100, 10).expectSegments(100, [{}]);
  scenario.send(150, { ack: 10, echo: 60_100, window: 0 }).advance(15_149);
  assertEquals(scenario.events(), []);
  scenario.advance(15_150);
  assertEquals(scenario.events(), ["closed: window-probe-timeout"]);
});

Deno.test("a machine that slept through the probes asks again before it gives up", () => {
  const scenario = PtcpScenario.opened().write(100, 10).expectSegments(100, [{}]);
  scenario.send(150, { ack: 10, echo: 60_100, window: 0 });
  const { connection } = scenario;
  connection.handleTimeout(100_000);
  assertEquals(connection.pollTransmit()?.length, 24);
  assertEquals(connection.state, "open");
});

Deno.test("a window that closed with data in flight is asked by resends, as long as it answers", () => {
  const scenario = PtcpScenario.opened({ giveUpMs: 30_000 }).write(100, 10).write(100, 10);
  scenario.expectSegments(100, [{}, {}]);
  scenario.send(150, { ack: 10, echo: 60_100, window: 0 });
  let at = 150;
  for (let wait = 250; at < 600_000; wait = Math.min(2 * wait, 60_000)) {
    at += wait;
    scenario.expectSilence(Math.min(at - 1, at)).expectSegments(at, [{ seq: 10, length: 10 }]);
    if (wait >= 16_000) break;
    scenario.send(at, { ack: 10, window: 0 });
  }
  assertEquals(scenario.connection.state, "open");
});
