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

Deno.test("NACKs are answered at most every 100 ms", () => {
  const scenario = flying();
  for (let at = 120; at < 220; at += 10) scenario.send(at, { control: 1, body: MEASURED, ack: 0 });
  scenario.advance(219);
  assertEquals(scenario.connection.stats.retransmits, 3);
  scenario.send(220, { control: 1, body: MEASURED, ack: 0 });
  assertEquals(scenario.connection.stats.retransmits, 6);
});

Deno.test("NACKs are answered at most once a round trip when that is longer", () => {
  const scenario = PtcpScenario.opened().write(100, 10).expectSegments(100, [{}]);
  scenario.send(400, { ack: 10, echo: 60_100 }).write(500, 10).expectSegments(500, [{}]);
  scenario.send(510, { control: 1, body: MEASURED, ack: 10 }).expectSegments(510, [{ seq: 10 }]);
  scenario.send(809, { control: 1, body: MEASURED, ack: 10 }).expectSilence(809);
  scenario.send(810, { control: 1, body: MEASURED, ack: 10 }).expectSegments(810, [{ seq: 10 }]);
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
