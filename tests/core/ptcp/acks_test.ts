import { assert, assertEquals } from "@std/assert";
import { PtcpScenario } from "../../support/ptcp_scenario.ts";

const ACK = { seq: 0, length: 0, flags: 0, control: 0 };

Deno.test("in-order data is acknowledged after 20 ms, not before", () => {
  const scenario = PtcpScenario.opened().send(100, { body: 500 });
  scenario.expectSilence(119).expectSegments(120, [{ ...ACK, ack: 500 }]).expectSilence(9000);
});

Deno.test("every second segment is acknowledged at once", () => {
  const scenario = PtcpScenario.opened();
  scenario.send(100, { body: 500 }).expectSilence(105);
  scenario.send(106, { body: 500 }).expectSegments(106, [{ ...ACK, ack: 1000 }]);
  scenario.send(107, { body: 500 }).expectSilence(126);
  scenario.expectSegments(127, [{ ...ACK, ack: 1500 }]).expectSilence(9000);
});

Deno.test("data that leaves anyway carries the ack", () => {
  const scenario = PtcpScenario.opened().send(100, { body: 500 }).write(110, 30);
  scenario.expectSegments(110, [{ seq: 0, length: 30, ack: 500 }]).expectSilence(3109);
});

Deno.test("a segment out of order, a duplicate and a filled gap are acknowledged at once", () => {
  const scenario = PtcpScenario.opened();
  scenario.send(100, { seq: 100, body: 100 }).expectSegments(100, [{ ...ACK, ack: 0 }]);
  scenario.send(101, { seq: 200, body: 100 }).expectSegments(101, [{ ...ACK, ack: 0 }]);
  scenario.send(102, { seq: 0, body: 100 }).expectSegments(102, [{ ...ACK, ack: 300 }]);
  scenario.send(103, { seq: 100, body: 100 }).expectSegments(103, [{ ...ACK, ack: 300 }]);
  scenario.expectSilence(9000);
  assertEquals(scenario.connection.readableBytes, 300);
  assertEquals(scenario.connection.stats.outOfOrderIn, 2);
  assertEquals(scenario.connection.stats.duplicatesIn, 1);
  assertEquals(scenario.drops(), ["duplicate"]);
});

Deno.test("a gap filled in part is acknowledged at once", () => {
  const scenario = PtcpScenario.opened();
  scenario.send(100, { seq: 200, body: 100 }).expectSegments(100, [{ ...ACK, ack: 0 }]);
  scenario.send(101, { seq: 0, body: 100 }).expectSegments(101, [{ ...ACK, ack: 100 }]);
});

Deno.test("old bytes are trimmed and new ones behind them taken", () => {
  const scenario = PtcpScenario.opened();
  scenario.send(100, { seq: 0, body: Uint8Array.of(1, 2, 3) });
  scenario.send(101, { seq: 1, body: Uint8Array.of(2, 3, 4, 5) });
  scenario.expectSegments(101, [{ ...ACK, ack: 5 }]);
  assertEquals(scenario.read(102).map((chunk) => [...chunk]), [[1, 2, 3], [4, 5]]);
});

Deno.test("an empty segment is never acknowledged, unless it probes the window", () => {
  const scenario = PtcpScenario.opened().send(50, { body: 100 }).advance(70);
  scenario.expectSegments(70, [{ ...ACK, ack: 100 }]);
  scenario.send(100).send(101).send(102, { seq: 40 }).send(103, { seq: 150 }).send(104, { seq: 0 });
  scenario.expectSilence(1000);
  scenario.send(1000, { seq: 99 }).expectSegments(1000, [{ ...ACK, ack: 100 }]);
  scenario.send(1001, { seq: 99 }).expectSegments(1001, [{ ...ACK, ack: 100 }]);
  scenario.expectSilence(9000);
  assertEquals(scenario.connection.stats.probesIn, 2);
});

Deno.test("duplicate acks leave one for one even if the caller drains late", () => {
  const scenario = PtcpScenario.opened();
  const { connection } = scenario;
  for (let i = 1; i <= 4; i++) scenario.send(100, { seq: 100 * i, body: 100 });
  scenario.expectSegments(100, [1, 2, 3, 4].map(() => ({ ...ACK, ack: 0 })));
  assertEquals(connection.stats.acksOut, 5);
});

Deno.test("the window shrinks by what waits unread and comes back with the next segment", () => {
  const scenario = PtcpScenario.opened();
  scenario.send(100, { body: 1000 }).send(100, { body: 1000 });
  scenario.expectSegments(100, [{ ack: 2000, window: 0xffff - 2000 }]);
  scenario.read(110);
  scenario.expectSilence(500);
  scenario.write(500, 10).expectSegments(500, [{ ack: 2000, window: 0xffff }]);
});

Deno.test("a freed window is announced by itself only when the last one was below a segment", () => {
  const scenario = PtcpScenario.opened({ receiveBufferBytes: 4000 });
  scenario.send(100, { body: 1000 }).send(100, { body: 1000 });
  scenario.expectSegments(100, [{ ack: 2000, window: 2000 }]);
  scenario.read(110);
  scenario.expectSilence(9000);
  scenario.send(9001, { body: 10 }).expectSegments(9021, [{ ack: 2010, window: 3990 }]);
});

Deno.test("a window below a segment is announced again once a segment fits", () => {
  const scenario = PtcpScenario.opened({ receiveBufferBytes: 4000 });
  scenario.send(100, { body: 1000 }).send(100, { body: 1000 });
  scenario.expectSegments(100, [{ ack: 2000, window: 2000 }]);
  scenario.send(101, { body: 1000 }).expectSegments(121, [{ ack: 3000, window: 1000 }]);
  const { connection } = scenario;
  assertEquals(connection.read()?.length, 1000);
  scenario.expectSilence(9000);
  assertEquals(connection.read()?.length, 1000);
  scenario.expectSegments(9000, [{ ...ACK, ack: 3000, window: 3000 }]).expectSilence(18_000);
});

Deno.test("a closed window opens by one segment of its own", () => {
  const scenario = PtcpScenario.opened({ receiveBufferBytes: 2000 });
  scenario.send(100, { body: 1000 }).send(100, { body: 1000 });
  scenario.expectSegments(100, [{ ack: 2000, window: 0 }]);
  scenario.read(300);
  scenario.expectSegments(300, [{ ...ACK, ack: 2000, window: 2000 }]).expectSilence(9000);
});

Deno.test("what exceeds the buffer is cut off and not acknowledged", () => {
  const scenario = PtcpScenario.opened({ receiveBufferBytes: 1500 });
  scenario.send(100, { body: 1000 }).send(101, { body: 1000 });
  scenario.expectSegments(101, [{ ack: 1500, window: 0 }]);
  scenario.send(102, { seq: 1500, body: 10 }).expectSegments(102, [{ ack: 1500, window: 0 }]);
  scenario.send(103, { seq: 9000, body: 10 }).expectSegments(103, [{ ack: 1500, window: 0 }]);
  assertEquals(scenario.connection.readableBytes, 1500);
  assertEquals(scenario.drops(), ["outside-window", "outside-window"]);
});

Deno.test("the timestamp echoed is that of the segment that covers the last acknowledged point", () => {
  const scenario = PtcpScenario.opened();
  scenario.send(100, { body: 100, ts: 700 }).send(101, { body: 100, ts: 701 });
  scenario.expectSegments(101, [{ ack: 200, echo: 700 }]);
  scenario.send(102, { seq: 300, body: 100, ts: 702 }).expectSegments(102, [{ echo: 700 }]);
  scenario.send(103, { ts: 703 }).send(103, { seq: 199, ts: 704 });
  scenario.expectSegments(103, [{ echo: 700 }]);
  scenario.send(104, { seq: 200, body: 100, ts: 705 }).expectSegments(104, [{ echo: 705 }]);
});

Deno.test("our timestamps are uptime in ms, wrap at 2^31 and are never zero", () => {
  const scenario = PtcpScenario.opened({ timestampOriginMs: 0x7fffffff - 1000 });
  scenario.write(1002, 1).expectSegments(1002, [{ ts: 1 }]);
  scenario.send(1200, { ack: 1, echo: 1 });
  assertEquals(scenario.connection.smoothedRttMs, 198);
});

Deno.test("a reset inside the window ends the connection, one outside is dropped", () => {
  const scenario = PtcpScenario.opened();
  scenario.send(100, { seq: -1, flags: 4 }).send(100, { seq: 70_000, flags: 4 });
  assertEquals(scenario.drops(), ["reset-outside-window", "reset-outside-window"]);
  assertEquals(scenario.connection.state, "open");
  scenario.send(101, { seq: 60_000, flags: 4 });
  assertEquals(scenario.events(), ["closed: reset"]);
  scenario.send(102, { body: 5 }).expectSilence(99_999);
  assertEquals(scenario.drops().at(-1), "closed");
  assertEquals(scenario.connection.write(new Uint8Array(1), 100_000), false);
});

Deno.test("abort sends one RST and ends the connection", () => {
  const scenario = PtcpScenario.opened().write(30, 10).expectSegments(30, [{ length: 10 }]);
  scenario.connection.abort(40);
  scenario.connection.abort(40);
  assert(scenario.connection.pollDeadline() !== undefined, "the RST waits to be sent");
  scenario.expectSegments(40, [{ flags: 4, seq: 10, ack: 0, length: 0 }]).expectSilence(99_999);
  assertEquals(scenario.events(), ["closed: aborted"]);
});

Deno.test("what arrived before a reset can still be read", () => {
  const scenario = PtcpScenario.opened().send(100, { body: 5 }).send(101, { flags: 4 });
  assertEquals(scenario.read(102).length, 1);
});

Deno.test("an early or repeated handleTimeout does nothing", () => {
  const { connection } = PtcpScenario.opened().write(100, 10).expectSegments(100, [{}]);
  const deadline = connection.pollDeadline();
  for (const at of [100, 101, 3099]) {
    connection.handleTimeout(at);
    assertEquals(connection.pollTransmit(), undefined);
    assertEquals(connection.pollDeadline(), deadline);
  }
  connection.handleTimeout(3100);
  assert(connection.pollTransmit() !== undefined);
  connection.handleTimeout(3100);
  assertEquals(connection.pollTransmit(), undefined);
});
