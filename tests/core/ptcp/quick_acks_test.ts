import { assertEquals, assertLess } from "@std/assert";
import { ackOf, encodeSegment } from "../../../lib/core/ptcp/segment.ts";
import { PtcpPair } from "../../support/ptcp_pair.ts";
import { PtcpScenario } from "../../support/ptcp_scenario.ts";

const ACK = { seq: 0, length: 0, flags: 0, control: 0 };

Deno.test("the first bulk segments are acknowledged one by one, later ones in twos", () => {
  const scenario = PtcpScenario.opened({ quickAckSegments: 3 });
  for (let i = 1; i <= 3; i++) {
    scenario.send(100 + i, { body: 1000 }).expectSegments(100 + i, [{ ...ACK, ack: 1000 * i }]);
    scenario.read(100 + i);
  }
  scenario.send(104, { body: 1000 }).expectSilence(105);
  scenario.send(106, { body: 1000 }).expectSegments(106, [{ ...ACK, ack: 5000 }]);
  scenario.expectSilence(9000);
});

Deno.test("a small segment waits for company, and does not use up what bulk deserves", () => {
  const scenario = PtcpScenario.opened({ quickAckSegments: 1 });
  scenario.send(100, { body: 645 }).expectSilence(119).expectSegments(120, [{ ...ACK, ack: 645 }]);
  scenario.send(130, { body: 646 }).expectSegments(130, [{ ...ACK, ack: 1291 }]);
  scenario.send(131, { body: 646 }).expectSilence(150);
  scenario.expectSegments(151, [{ ...ACK, ack: 1937 }]);
});

Deno.test("a pause of more than 250 ms brings quick acks back, a shorter one does not", () => {
  const scenario = PtcpScenario.opened({ quickAckSegments: 1 });
  scenario.send(100, { body: 1000 }).expectSegments(100, [{ ...ACK, ack: 1000 }]);
  scenario.send(350, { body: 1000 }).expectSilence(369).expectSegments(370, [{
    ...ACK,
    ack: 2000,
  }]);
  scenario.send(601, { body: 1000 }).expectSegments(601, [{ ...ACK, ack: 3000 }]);
});

Deno.test("a filled gap brings back eight times as many", () => {
  const scenario = PtcpScenario.opened({ quickAckSegments: 1 });
  scenario.send(100, { body: 1000 }).expectSegments(100, [{ ...ACK, ack: 1000 }]);
  scenario.send(101, { seq: 2000, body: 1000 }).expectSegments(101, [{ ...ACK, ack: 1000 }]);
  scenario.send(102, { seq: 1000, body: 1000 }).expectSegments(102, [{ ...ACK, ack: 3000 }]);
  for (let i = 1; i <= 8; i++) {
    scenario.send(110 + i, { seq: 2000 + 1000 * i, body: 1000 });
    scenario.expectSegments(110 + i, [{ ...ACK, ack: 3000 + 1000 * i }]).read(110 + i);
  }
  scenario.send(120, { seq: 11_000, body: 1000 }).expectSilence(139);
  scenario.expectSegments(140, [{ ...ACK, ack: 12_000 }]);
});

Deno.test("a quick ack asks to leave before the next segment is taken, another ack does not", () => {
  const { connection } = PtcpScenario.opened({
    quickAckSegments: 1,
    initialSequence: 0,
    initialPeerSequence: 0,
  });
  const take = (sequence: number): void => {
    const header = { sequence, ack: 4, control: 0, flags: 0, window: 65_535 };
    const payload = new Uint8Array(1000);
    connection.handleSegment(encodeSegment({ ...header, timestamp: 1, echo: 0, payload }), 100);
  };
  take(4);
  assertEquals(connection.isAckUrgent, true);
  assertEquals(ackOf(connection.pollTransmit()!), 1004);
  assertEquals(connection.isAckUrgent, false);
  take(1004);
  take(2004);
  take(3004);
  assertEquals(connection.isAckUrgent, false);
  assertEquals(ackOf(connection.pollTransmit()!), 4004);
  assertEquals(connection.pollTransmit(), undefined);
});

Deno.test("over a long clean transfer quick acks are a small part of all", () => {
  const pair = new PtcpPair({ link: { delayMs: 10, bytesPerMs: 10_000 }, frameBytes: 1292 });
  const segments = 3000;
  pair.active.send(1292 * segments);
  pair.open().runUntil(() => pair.active.drained);
  assertEquals(pair.passive.receivedBytes, 1292 * segments);
  assertLess(pair.passive.connection.stats.acksOut, segments / 2 + 128);
});
