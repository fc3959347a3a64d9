import { assertEquals, assertThrows } from "@std/assert";
import { DecodeError } from "../../../lib/core/errors.ts";
import { fromHex, toHex } from "../../../lib/core/bytes.ts";
import { decodeNack, encodeNack, isNackBody } from "../../../lib/core/ptcp/nack.ts";
import { PtcpScenario } from "../../support/ptcp_scenario.ts";

/** The body measured on a device; PROTOCOL.md section 1.5. */
const MEASURED = fromHex("0a 0008 53000000 0000 3a00");

Deno.test("the measured NACK body decodes and encodes byte-exact", () => {
  const nack = decodeNack(MEASURED);
  assertEquals(nack.blocks, [{ sequence: 83, reserved: 0, span: 58 }]);
  assertEquals(nack.rest.length, 0);
  assertEquals(toHex(encodeNack(nack)), toHex(MEASURED));
});

Deno.test("a NACK body cut anywhere, longer than stated or of another kind is no NACK", () => {
  for (let length = 0; length < MEASURED.length; length++) {
    assertThrows(() => decodeNack(MEASURED.slice(0, length)), DecodeError);
    assertEquals(isNackBody(MEASURED.slice(0, length)), false);
  }
  assertThrows(() => decodeNack(fromHex("0a 0008 53000000 0000 3a00 00")), DecodeError);
  assertThrows(() => decodeNack(fromHex("10 0008 53000000 0000 3a00")), DecodeError);
});

Deno.test("several blocks and an odd rest survive a round trip", () => {
  const body = fromHex("0a 0013 53000000 0000 3a00 ffffffff 0100 ffff aabbcc");
  const nack = decodeNack(body);
  assertEquals(nack.blocks.length, 2);
  assertEquals(toHex(nack.rest), "aabbcc");
  assertEquals(toHex(encodeNack(nack)), toHex(body));
});

/** Open with three segments of 100, 200 and 300 bytes in flight since t = 100. */
function flying(atFrameBoundary = (): boolean => true): PtcpScenario {
  const scenario = PtcpScenario.opened({ atFrameBoundary });
  scenario.write(100, 100).write(100, 200).write(100, 300);
  return scenario.expectSegments(100, [{ seq: 0 }, { seq: 100 }, { seq: 300 }]);
}

const ALL = [{ seq: 0, length: 100 }, { seq: 100, length: 200 }, { seq: 300, length: 300 }];

Deno.test("a NACK by control byte resends from the oldest segment on, as the window allows", () => {
  const scenario = flying().send(120, { control: 1, body: MEASURED, ack: 0 });
  scenario.expectSegments(120, ALL).expectSilence(3119);
  assertEquals(scenario.connection.readableBytes, 0);
  assertEquals(scenario.connection.stats.nacksIn, 1);
});

Deno.test("the ack and window in a NACK's header count, whatever its sequence", () => {
  const scenario = flying().send(120, {
    seq: 5000,
    control: 1,
    body: MEASURED,
    ack: 100,
    window: 9000,
  });
  scenario.expectSegments(120, ALL.slice(1));
  assertEquals(scenario.connection.unacknowledgedBytes, 500);
  assertEquals(scenario.connection.peerWindowBytes, 9000);
});

Deno.test("NACKs for one hole are answered at most every 100 ms", () => {
  const scenario = flying();
  for (let at = 120; at < 220; at += 10) scenario.send(at, { control: 1, body: MEASURED, ack: 0 });
  scenario.advance(219);
  assertEquals(scenario.connection.stats.retransmits, 3);
  scenario.send(220, { control: 1, body: MEASURED, ack: 0 });
  assertEquals(scenario.connection.stats.retransmits, 6);
});

Deno.test("NACKs for one hole are answered at most once a round trip when that is longer", () => {
  const scenario = PtcpScenario.opened().write(100, 10).expectSegments(100, [{}]);
  scenario.send(400, { ack: 10, echo: 60_100 }).write(500, 10).expectSegments(500, [{}]);
  scenario.send(510, { control: 1, body: MEASURED, ack: 10 }).expectSegments(510, [{ seq: 10 }]);
  scenario.send(809, { control: 1, body: MEASURED, ack: 10 }).expectSilence(809);
  scenario.send(810, { control: 1, body: MEASURED, ack: 10 }).expectSegments(810, [{ seq: 10 }]);
});

/** After a hole that was asked for at t = 120 and filled: two segments in flight since t = 140. */
function repaired(echo: number): PtcpScenario {
  const scenario = flying().send(120, { control: 1, body: MEASURED, ack: 0 });
  scenario.expectSegments(120, ALL).send(130, { ack: 600, echo });
  scenario.write(140, 100).write(140, 200);
  return scenario.expectSegments(140, [{ seq: 600 }, { seq: 700 }]);
}

const NEXT = [{ seq: 600, length: 100 }, { seq: 700, length: 200 }];

Deno.test("a NACK for a hole that nothing was resent into is answered at once", () => {
  const scenario = repaired(0).send(150, { control: 1, body: MEASURED, ack: 600 });
  scenario.expectSegments(150, NEXT);
  for (let at = 160; at < 250; at += 10) {
    scenario.send(at, { control: 1, body: MEASURED, ack: 600 });
  }
  scenario.expectSilence(249);
  scenario.send(250, { control: 1, body: MEASURED, ack: 600 }).expectSegments(250, NEXT);
});

Deno.test("however many holes there are, a NACK resends into each once in 100 ms", () => {
  const scenario = PtcpScenario.opened();
  for (let hole = 0; hole < 9; hole++) {
    const at = 100 + 10 * hole;
    scenario.write(at, 10).expectSegments(at, [{ seq: 10 * hole }]);
    scenario.send(at, { control: 1, body: MEASURED, ack: 10 * hole });
    scenario.expectSegments(at, [{ seq: 10 * hole, length: 10 }]);
    for (let i = 1; i < 5; i++) {
      scenario.send(at + i, { control: 1, body: MEASURED, ack: 10 * hole }).expectSilence(at + i);
    }
    scenario.send(at + 5, { ack: 10 * hole + 10 });
  }
  assertEquals(scenario.connection.stats.nacksIn, 45);
  assertEquals(scenario.connection.stats.retransmits, 9);
});

Deno.test("a NACK from before the last ack is not taken for one of the next hole", () => {
  const scenario = repaired(0);
  for (let at = 150; at < 220; at += 10) {
    scenario.send(at, { control: 1, body: MEASURED, ack: 300 });
  }
  scenario.expectSilence(219);
});

Deno.test("while a loss is repaired a NACK for its next hole is not answered at once", () => {
  const scenario = flying().send(120, { control: 1, body: MEASURED, ack: 0 });
  scenario.expectSegments(120, ALL);
  for (let at = 130; at < 220; at += 10) {
    scenario.send(at, { control: 1, body: MEASURED, ack: 100 });
  }
  scenario.expectSilence(219);
  scenario.send(220, { control: 1, body: MEASURED, ack: 100 }).expectSegments(220, ALL.slice(1));
});

Deno.test("a NACK whose own ack tells of the next hole resends that one alone", () => {
  const scenario = PtcpScenario.opened();
  for (let i = 0; i < 5; i++) scenario.write(100, 1292);
  const seqs = [0, 1292, 2584, 3876, 5168];
  scenario.expectSegments(100, seqs.map((seq) => ({ seq })));
  scenario.send(120, { control: 1, body: MEASURED, ack: 0 });
  // Half of what was in flight.
  scenario.expectSegments(120, [{ seq: 0 }, { seq: 1292 }]);
  scenario.send(130, { control: 1, body: MEASURED, ack: 3876 });
  scenario.expectSegments(130, [{ seq: 3876 }]).expectSilence(219);
});

Deno.test("where a NACK was for something late, the next is answered 100 ms after it", () => {
  // The ack echoes the first sending, not the resend.
  const scenario = repaired(60_100);
  assertEquals(scenario.connection.stats.spuriousRecoveries, 1);
  for (let at = 150; at < 220; at += 10) {
    scenario.send(at, { control: 1, body: MEASURED, ack: 600 });
  }
  scenario.expectSilence(219);
  scenario.send(220, { control: 1, body: MEASURED, ack: 600 }).expectSegments(220, NEXT);
  // This one was for a loss, so that the next is answered at once.
  scenario.send(230, { ack: 900, echo: 60_220 }).write(240, 10);
  scenario.expectSegments(240, [{ seq: 900 }]);
  scenario.send(250, { control: 1, body: MEASURED, ack: 900 }).expectSegments(250, [{ seq: 900 }]);
});

Deno.test("a NACK while nothing is in flight does nothing", () => {
  const scenario = PtcpScenario.opened().send(120, { control: 1, body: MEASURED });
  scenario.expectSilence(9999);
});

Deno.test("without the control byte a NACK counts in order and at a frame boundary only", () => {
  const scenario = flying().send(120, { body: MEASURED, ack: 0 });
  scenario.expectSegments(120, ALL);
  assertEquals(scenario.connection.readableBytes, 0);
  // The next data takes the sequence number that the NACK stood at.
  scenario.send(130, { seq: 0, body: 40, ack: 600 }).expectSegments(150, [{ ack: 40 }]);
});

Deno.test("the same bytes inside a frame are data", () => {
  const scenario = flying(() => false).send(120, { body: MEASURED, ack: 0 });
  scenario.expectSegments(140, [{ seq: 600, ack: 11, length: 0 }]);
  assertEquals(scenario.read(141).map(toHex), [toHex(MEASURED)]);
  assertEquals(scenario.connection.stats.nacksIn, 0);
});

Deno.test("a frame boundary is asked for only when everything before was read", () => {
  let asked = 0;
  const scenario = PtcpScenario.opened({ atFrameBoundary: () => ++asked > 0 });
  scenario.send(100, { body: 5 }).send(105, { seq: 5, body: MEASURED });
  assertEquals(asked, 0);
  assertEquals(scenario.drops(), ["ambiguous-nack"]);
  assertEquals(scenario.connection.readableBytes, 5);
});

Deno.test("out of order, what looks like a NACK is dropped and never stored", () => {
  const scenario = flying(() => false).send(120, { seq: 50, body: MEASURED, ack: 0 });
  scenario.expectSegments(120, [{ seq: 600, ack: 0, length: 0 }]);
  scenario.send(130, { seq: 0, body: 50, ack: 600 }).expectSegments(150, [{ ack: 50 }]);
  assertEquals(scenario.drops(), ["ambiguous-nack"]);
});

Deno.test("a body that is nearly a NACK is data", () => {
  const scenario = flying();
  scenario.send(120, { body: fromHex("0a 0009 53000000 0000 3a00"), ack: 0 });
  assertEquals(scenario.connection.readableBytes, 11);
});

Deno.test("a control byte with another body or none is dropped, its header ignored", () => {
  const scenario = flying().send(120, { control: 1, body: 12, ack: 600, window: 1 });
  scenario.send(121, { control: 2, ack: 600, window: 1 }).expectSilence(3099);
  assertEquals(scenario.drops(), ["control-byte", "control-byte"]);
  assertEquals(scenario.connection.unacknowledgedBytes, 600);
  assertEquals(scenario.connection.peerWindowBytes, 0xffff);
});
