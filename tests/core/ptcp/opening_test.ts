import { assertEquals, assertThrows } from "@std/assert";
import { fromHex, toHex } from "../../../lib/core/bytes.ts";
import { PtcpConnection } from "../../../lib/core/ptcp/connection.ts";
import { FLAG_CTL } from "../../../lib/core/ptcp/segment.ts";
import { PtcpScenario } from "../../support/ptcp_scenario.ts";

const CONNECT = fromHex("00030100");

Deno.test("the CONNECT of the active side is the recorded one but for its timestamp", () => {
  const connection = new PtcpConnection({ role: "active", timestampOriginMs: 60_000 });
  connection.open(0);
  assertEquals(
    toHex(connection.pollTransmit()!),
    "50544350" + "00000000" + "00000000" + "0002ffff" + "0000ea60" + "00000000" + "00030100",
  );
  assertEquals(connection.pollTransmit(), undefined);
});

Deno.test("the answer of the passive side is the recorded one but for its timestamp", () => {
  const connection = new PtcpConnection({ role: "passive", timestampOriginMs: 0x3d9c86ea });
  assertEquals(connection.state, "listening");
  connection.handleSegment(
    fromHex("50544350 00000000 00000000 0002ffff 00000000 00000000 00030100"),
    0,
  );
  assertEquals(
    toHex(connection.pollTransmit()!),
    "50544350" + "00000000" + "00000004" + "0002ffff" + "3d9c86ea" + "00000000" + "00030100",
  );
  assertEquals(connection.state, "connecting");
});

Deno.test("a CONNECT without an answer is resent after 500 ms, doubling up to 3 s", () => {
  const scenario = new PtcpScenario({ role: "active" }).open(0);
  const connect = { flags: FLAG_CTL, seq: -4, length: 4 };
  scenario.expectSegments(0, [connect]);
  for (const at of [500, 1500, 3500, 6500, 9500, 12_500]) {
    scenario.expectSilence(at - 1).expectSegments(at, [connect]);
  }
});

Deno.test("a CONNECT without an answer fails after the give-up time, not before", () => {
  const scenario = new PtcpScenario({ role: "active" }).open(0).advance(29_999);
  assertEquals(scenario.connection.state, "connecting");
  assertEquals(scenario.events(), []);
  scenario.advance(30_000);
  assertEquals(scenario.events(), ["closed: connect-timeout"]);
  assertEquals(scenario.connection.pollDeadline(), undefined);
});

Deno.test("a CONNECT is resent 30 times when there is no give-up time", () => {
  const scenario = new PtcpScenario({ role: "active", giveUpMs: Infinity }).open(0);
  scenario.advance(1_000_000);
  assertEquals(scenario.events(), ["closed: connect-timeout"]);
  assertEquals(scenario.connection.stats.segmentsOut, 31);
});

Deno.test("the active side opens with the peer's CONNECT and acknowledges it within 20 ms", () => {
  const scenario = new PtcpScenario({ role: "active" }).open(0);
  scenario.expectSegments(0, [{ flags: FLAG_CTL }]);
  scenario.send(10, { flags: FLAG_CTL, body: CONNECT, ack: 0 });
  assertEquals(scenario.events(), ["open"]);
  scenario.expectSilence(29).expectSegments(30, [{ seq: 0, ack: 0, length: 0, flags: 0 }]);
});

Deno.test("data written at the opening carries the ack of the CONNECT, as recorded", () => {
  const scenario = new PtcpScenario({ role: "active" }).open(0);
  scenario.expectSegments(0, [{ flags: FLAG_CTL }]);
  scenario.send(10, { flags: FLAG_CTL, body: CONNECT, ack: 0 }).write(10, 16);
  scenario.expectSegments(10, [{ seq: 0, ack: 0, length: 16 }]).expectSilence(3009);
});

Deno.test("what is written while connecting leaves when the connection opens", () => {
  const scenario = new PtcpScenario({ role: "active" }).open(0).write(0, 20).write(0, 30);
  scenario.expectSegments(0, [{ flags: FLAG_CTL }]).expectSilence(99);
  scenario.send(100, { flags: FLAG_CTL, body: CONNECT, ack: 0 });
  scenario.expectSegments(100, [{ seq: 0, length: 20 }, { seq: 20, length: 30 }]);
});

Deno.test("the passive side is open with the first segment that is no CONNECT", () => {
  const scenario = new PtcpScenario({ role: "passive" });
  scenario.send(0, { flags: FLAG_CTL, body: CONNECT, ack: -4 });
  scenario.expectSegments(0, [{ flags: FLAG_CTL, seq: -4, ack: 0, window: 0xffff }]);
  assertEquals(scenario.events(), []);
  scenario.send(50, { body: 12, ack: 0 });
  assertEquals(scenario.events(), ["open", "readable"]);
  scenario.expectSilence(69).expectSegments(70, [{ seq: 0, ack: 12, window: 0xffff - 12 }]);
});

Deno.test("a repeated CONNECT makes a connecting passive side resend its own at once", () => {
  const scenario = new PtcpScenario({ role: "passive" });
  const answer = { flags: FLAG_CTL, seq: -4, ack: 0, length: 4 };
  scenario.send(0, { flags: FLAG_CTL, body: CONNECT, ack: -4 }).expectSegments(0, [answer]);
  scenario.send(100, { seq: -4, flags: FLAG_CTL, body: CONNECT, ack: -4 });
  scenario.expectSegments(100, [answer]);
  assertEquals(scenario.drops(), ["connect-repeated"]);
});

Deno.test("a repeated CONNECT is acknowledged and never applied again once open", () => {
  const scenario = PtcpScenario.opened();
  scenario.send(100, { body: 10, ack: 0 });
  const shrinking = fromHex("0003010e");
  scenario.send(101, { seq: -4, flags: FLAG_CTL, body: shrinking, ack: 0, window: 0 });
  scenario.expectSegments(101, [{ ack: 10, length: 0 }]).expectSilence(1000);
  assertEquals(scenario.connection.peerWindowBytes, 0xffff);
  assertEquals(scenario.events(), ["readable"]);
});

Deno.test("a control segment that is no CONNECT, or at another sequence, is dropped", () => {
  const scenario = new PtcpScenario({ role: "passive" });
  scenario.send(0, { seq: -4, flags: FLAG_CTL });
  scenario.send(0, { seq: -4, flags: FLAG_CTL, body: fromHex("01") });
  scenario.send(0, { seq: -3, flags: FLAG_CTL, body: CONNECT });
  scenario.send(0, { seq: 0, body: 5 });
  scenario.expectSilence(5000);
  assertEquals(scenario.drops(), [
    "control segment without a code",
    "unknown control code",
    "connect-sequence",
    "not-connected",
  ]);
  assertEquals(scenario.connection.state, "listening");
});

Deno.test("data before the peer's CONNECT is dropped by the active side", () => {
  const scenario = new PtcpScenario({ role: "active" }).open(0);
  scenario.expectSegments(0, [{ flags: FLAG_CTL }]).send(5, { seq: 0, body: 50, ack: 0 });
  scenario.expectSilence(499);
  assertEquals(scenario.drops(), ["not-connected"]);
  assertEquals(scenario.connection.state, "connecting");
});

Deno.test("both sides may be active", () => {
  const scenario = new PtcpScenario({ role: "active" }).open(0);
  scenario.expectSegments(0, [{ flags: FLAG_CTL }]);
  scenario.send(5, { flags: FLAG_CTL, body: CONNECT, ack: -4 });
  assertEquals(scenario.events(), ["open"]);
  scenario.expectSegments(25, [{ seq: 0, ack: 0, length: 0 }]);
  scenario.expectSilence(3004).expectSegments(3005, [{ flags: FLAG_CTL, seq: -4, ack: 0 }]);
});

for (const role of ["active", "passive"] as const) {
  Deno.test(`with a scale both ways, windows are shifted, the CONNECT's included: ${role}`, () => {
    const scenario = new PtcpScenario({ role, windowScale: 4, receiveBufferBytes: 200_000 });
    const ours = { flags: FLAG_CTL, body: fromHex("00030104"), window: 200_000 >> 4 };
    if (role === "active") scenario.open(0).expectSegments(0, [ours]);
    const theirs = { flags: FLAG_CTL, body: fromHex("00030103"), window: 20_000 };
    scenario.send(0, { ...theirs, ack: role === "active" ? 0 : -4 });
    if (role === "passive") scenario.expectSegments(0, [ours]);
    assertEquals(scenario.connection.peerWindowBytes, 160_000);
    scenario.send(20, { body: 1000, ack: 0, window: 10_000 });
    assertEquals(scenario.connection.peerWindowBytes, 80_000);
    scenario.read(20);
    scenario.advance(40);
    assertEquals(scenario.connection.state, "open");
  });

  Deno.test(`without the peer's scale option windows are not shifted: ${role}`, () => {
    const scenario = new PtcpScenario({ role, windowScale: 4, receiveBufferBytes: 200_000 });
    if (role === "active") scenario.open(0).expectSegments(0, [{ body: fromHex("00030104") }]);
    const theirs = { flags: FLAG_CTL, body: fromHex("00"), window: 20_000 };
    scenario.send(0, { ...theirs, ack: role === "active" ? 0 : -4 });
    if (role === "passive") scenario.expectSegments(0, [{ body: CONNECT, window: 0xffff }]);
    assertEquals(scenario.connection.peerWindowBytes, 20_000);
    scenario.send(1, { seq: -3, body: 1000, ack: 0 });
    scenario.send(1, { seq: 997, body: 1000, ack: 0 });
    scenario.expectSegments(1, [{ ack: 1997, window: 0xffff }]);
  });
}

Deno.test("opening twice, opening a passive side and writing too early are the caller's faults", () => {
  const active = new PtcpConnection({ role: "active" });
  assertThrows(() => active.write(new Uint8Array(1), 0));
  active.open(0);
  assertThrows(() => active.open(0));
  assertThrows(() => active.write(new Uint8Array(0), 0));
  assertThrows(() => active.write(new Uint8Array(1293), 0));
  assertThrows(() => new PtcpConnection({ role: "passive" }).open(0));
  assertThrows(() => new PtcpConnection({ role: "active", windowScale: 15 }));
  assertThrows(() => new PtcpConnection({ role: "active", timestampOriginMs: 0 }));
});
