/** Slow clients, ends of file and heartbeats: the rules of PROTOCOL.md section 9, to the millisecond. */
import { assert, assertEquals } from "@std/assert";
import { utf8 } from "../../../lib/core/bytes.ts";
import { encodeFrame } from "../../../lib/core/realm/frame.ts";
import { Rig } from "./rig.ts";

const CAPACITY = 12_800;

Deno.test("a full realm that is alone stops the reading of the connection and keeps its bytes", () => {
  const rig = new Rig({ realmBufferBytes: CAPACITY });
  const realm = rig.connected();
  rig.data(realm, CAPACITY);
  assertEquals(rig.told(), ["realm-readable"]);
  rig.data(realm, 5000);
  assertEquals(rig.transport.readableBytes, 5000 + 4 * 12);
  assertEquals(rig.mux.readableBytes(realm), CAPACITY);
  rig.expectSilence(rig.now + 24 * 3600_000);
  assertEquals(rig.mux.pollDeadline(), undefined);
});

Deno.test("the connection is read again when half of the buffer is free", () => {
  const rig = new Rig({ realmBufferBytes: CAPACITY });
  const realm = rig.connected();
  rig.data(realm, CAPACITY, 1);
  rig.data(realm, 5000, 2);
  rig.told();
  for (let i = 0; i < 4; i++) rig.mux.read(realm, rig.now);
  assertEquals(rig.transport.readableBytes, 5000 + 4 * 12);
  rig.mux.read(realm, rig.now);
  assertEquals(rig.transport.readableBytes, 0);
  const rest = rig.readAll(realm);
  assertEquals(rest.length, CAPACITY / 2 + 5000);
  assertEquals(rest.lastIndexOf(1) + 1, rest.indexOf(2));
});

Deno.test("a full realm beside another live one is closed at once, and its bytes are dropped", () => {
  const rig = new Rig({ realmBufferBytes: CAPACITY });
  const [slow, other] = [rig.connected(), rig.connected()];
  rig.data(slow, CAPACITY - 1);
  rig.data(other, 100);
  assertEquals(rig.told(), ["realm-readable", "realm-readable"]);
  rig.data(slow, 1);
  assertEquals(rig.events(), [{ type: "realm-closed", realm: slow, reason: "slow-client" }]);
  assertEquals(rig.sent(), ["DISC"]);
  assertEquals(rig.mux.readableBytes(slow), 0);
  assertEquals(rig.mux.read(slow, rig.now), undefined);
  rig.data(slow, 5000);
  rig.data(other, 100);
  assertEquals(rig.mux.stats.discardedBytes, 5000);
  assertEquals(rig.told(), []);
  assertEquals(rig.readAll(other).length, 200);
  assertEquals(rig.mux.stats.slowClients, 1);
});

Deno.test("a BIND beside a full realm closes that realm, and the CONN comes through", () => {
  const rig = new Rig({ realmBufferBytes: CAPACITY });
  const slow = rig.connected();
  rig.data(slow, CAPACITY);
  rig.data(slow, 5000);
  rig.told();
  const opening = rig.mux.bind(81, rig.now);
  assertEquals(rig.events(), [{ type: "realm-closed", realm: slow, reason: "slow-client" }]);
  assertEquals(rig.sent(), ["DISC", "BIND 81"]);
  assertEquals(rig.transport.readableBytes, 0);
  rig.conn(opening);
  assertEquals(rig.events(), [{ type: "realm-connected", realm: opening }]);
});

Deno.test("a realm that was full but is being read is not closed by a BIND", () => {
  const rig = new Rig({ realmBufferBytes: CAPACITY });
  const reader = rig.connected();
  rig.data(reader, CAPACITY);
  rig.data(reader, 1000);
  rig.told();
  rig.mux.read(reader, rig.now);
  rig.mux.bind(81, rig.now);
  assertEquals(rig.told(), []);
  assertEquals(rig.sent(), ["BIND 81"]);
  assertEquals(rig.transport.readableBytes, 0, "the window is open for the CONN");
  assertEquals(rig.readAll(reader).length, CAPACITY - 1280 + 1000);
});

Deno.test("a realm that fills up while another one is opening is closed", () => {
  const rig = new Rig({ realmBufferBytes: CAPACITY });
  const slow = rig.connected();
  rig.data(slow, CAPACITY - 1);
  rig.mux.bind(81, rig.now);
  rig.told();
  rig.data(slow, 1);
  assertEquals(rig.told(), ["realm-closed slow-client"]);
});

Deno.test("a closed realm with unread bytes takes nothing from the one that is left", () => {
  const rig = new Rig({ realmBufferBytes: CAPACITY });
  const [left, gone] = [rig.connected(), rig.connected()];
  rig.data(gone, 50);
  rig.disc(gone);
  rig.told();
  rig.data(left, CAPACITY);
  rig.data(left, 1000);
  assertEquals(rig.told(), ["realm-readable"]);
  assertEquals(rig.transport.readableBytes, 1012);
  rig.expectSilence(rig.now + 60_000);
});

Deno.test("a client that reads nothing for 10 s while others are connected is closed, not before", () => {
  const rig = new Rig();
  const [slow, other] = [rig.connected(), rig.connected()];
  rig.now = 2000;
  rig.data(slow, 1);
  rig.told();
  assertEquals(rig.mux.pollDeadline(), { at: 12_000, reason: "slow-client" });
  rig.expectSilence(11_999);
  rig.at(12_000);
  assertEquals(rig.events(), [{ type: "realm-closed", realm: slow, reason: "slow-client" }]);
  assertEquals(rig.sent(), ["DISC"]);
  rig.data(other, 1);
  assertEquals(rig.told(), ["realm-readable"]);
});

Deno.test("every read gives a slow client another 10 s, more bytes do not", () => {
  const rig = new Rig();
  const [slow] = [rig.connected(), rig.connected()];
  rig.data(slow!, 3 * 1280);
  rig.told();
  rig.now = 6000;
  rig.data(slow!, 1280);
  assertEquals(rig.mux.pollDeadline(), { at: 11_000, reason: "slow-client" });
  rig.mux.read(slow!, rig.now);
  assertEquals(rig.mux.pollDeadline(), { at: 16_000, reason: "slow-client" });
  rig.now = 15_000;
  rig.readAll(slow!);
  assertEquals(rig.mux.pollDeadline(), undefined);
  rig.expectSilence(100_000);
});

Deno.test("alone a client may read nothing for hours, and has 10 s from when another connects", () => {
  const rig = new Rig();
  const slow = rig.connected();
  rig.data(slow, 1280);
  rig.told();
  rig.expectSilence(3_600_000);
  const opening = rig.mux.bind(81, rig.now);
  assertEquals(rig.sent(), ["BIND 81"]);
  rig.now += 40;
  rig.conn(opening);
  rig.told();
  assertEquals(rig.mux.pollDeadline(), { at: 3_610_040, reason: "slow-client" });
  rig.expectSilence(3_610_039);
  rig.at(3_610_040);
  assertEquals(rig.told(), ["realm-closed slow-client"]);
});

Deno.test("a realm that the device closed is never called slow or idle, however long it is unread", () => {
  const rig = new Rig();
  const [gone, finished] = [rig.connected(), rig.connected()];
  rig.connected();
  rig.data(gone!, 50);
  rig.data(finished!, 50);
  rig.mux.finish(finished!, rig.now);
  rig.disc(gone!);
  rig.disc(finished!);
  rig.told();
  rig.connected();
  assertEquals(rig.mux.pollDeadline(), undefined);
  rig.expectSilence(200_000);
  assertEquals([rig.readAll(gone!).length, rig.readAll(finished!).length], [50, 50]);
});

Deno.test("the 10 s end when the other realm ends", () => {
  const rig = new Rig();
  const [slow, other] = [rig.connected(), rig.connected()];
  rig.data(slow, 1280);
  rig.disc(other);
  rig.told();
  assertEquals(rig.mux.pollDeadline(), undefined);
  rig.expectSilence(100_000);
});

Deno.test("of two clients that both read nothing one is closed, then the other is alone", () => {
  const rig = new Rig();
  const [a, b] = [rig.connected(), rig.connected()];
  rig.data(a, 1);
  rig.data(b, 1);
  rig.told();
  rig.at(11_000);
  assertEquals(rig.told(), ["realm-closed slow-client"]);
  rig.sent();
  rig.expectSilence(100_000);
  assertEquals(rig.mux.readableBytes(b), 1);
});

Deno.test("many tiny frames for a client that does not read do not hold many datagrams", () => {
  const rig = new Rig();
  const realm = rig.connected();
  for (let i = 0; i < 5000; i++) {
    // One byte for the realm in a datagram full of heartbeats.
    const parts = new Uint8Array(13 + 100 * 12);
    parts.set(encodeFrame({ type: "data", realm, data: Uint8Array.of(i) }));
    for (let at = 13; at < parts.length; at += 12) {
      parts.set(encodeFrame({ type: "heartbeat" }), at);
    }
    rig.mux.handleSegment(parts, rig.now);
  }
  const chunks = rig.mux.readMany(realm, Infinity, rig.now);
  const held = chunks.reduce((sum, chunk) => sum + chunk.buffer.byteLength, 0);
  assertEquals(chunks.reduce((sum, chunk) => sum + chunk.length, 0), 5000);
  assert(held < 3 * 5000, `${held} bytes are held for 5000`);
});

Deno.test("after a local end of file on port 554 the DISC follows the last byte", () => {
  const rig = new Rig();
  const realm = rig.connected(554);
  rig.transport.sendBufferBytes = 0;
  rig.mux.write(realm, new Uint8Array(1300), rig.now);
  rig.mux.finish(realm, rig.now);
  assertEquals(rig.told(), []);
  rig.expectSilence(50_000);
  rig.transport.sendBufferBytes = 65536;
  rig.mux.handleSegment(new Uint8Array(0), rig.now);
  assertEquals(rig.sent(), ["DATA 1280", "DATA 20", "DISC"]);
  assertEquals(rig.told(), ["realm-closed finished"]);
});

Deno.test("an end of file on port 554 with nothing to send is a DISC at once", () => {
  const rig = new Rig();
  const realm = rig.connected(554);
  rig.mux.finish(realm, rig.now);
  assertEquals(rig.sent(), ["DISC"]);
  assertEquals(rig.events(), [{ type: "realm-closed", realm, reason: "finished" }]);
});

Deno.test("after a local end of file on another port the answer is delivered until the DISC", () => {
  const rig = new Rig();
  const realm = rig.connected(80);
  rig.mux.write(realm, utf8("GET /"), rig.now);
  rig.mux.finish(realm, rig.now);
  rig.mux.finish(realm, rig.now);
  assertEquals(rig.sent(), ["DATA 5"]);
  rig.now += 20_000;
  rig.data(realm, 500);
  assertEquals(rig.told(), ["realm-readable"]);
  rig.disc(realm);
  assertEquals(rig.told(), ["realm-closed device"]);
  assertEquals(rig.readAll(realm).length, 500);
  rig.expectSilence(200_000);
});

Deno.test("30 s without a byte after a local end of file end the realm, not before", () => {
  const rig = new Rig();
  const realm = rig.connected(80);
  rig.mux.write(realm, utf8("GET /"), rig.now);
  rig.mux.finish(realm, rig.now);
  rig.sent();
  assertEquals(rig.mux.pollDeadline(), { at: 31_000, reason: "half-close-idle" });
  rig.expectSilence(30_999);
  rig.data(realm, 1);
  rig.told();
  assertEquals(rig.mux.pollDeadline(), { at: 60_999, reason: "half-close-idle" });
  rig.now = 40_000;
  rig.readAll(realm);
  rig.expectSilence(69_999);
  rig.at(70_000);
  assertEquals(rig.events(), [{ type: "realm-closed", realm, reason: "idle" }]);
  assertEquals(rig.sent(), ["DISC"]);
});

Deno.test("an end of file before CONN counts from the flush", () => {
  const rig = new Rig();
  const realm = rig.mux.bind(80, rig.now);
  rig.mux.write(realm, utf8("GET /"), rig.now);
  rig.mux.finish(realm, rig.now);
  assertEquals(rig.sent(), ["BIND 80"]);
  rig.now = 5000;
  rig.conn(realm);
  assertEquals(rig.sent(), ["DATA 5"]);
  assertEquals(rig.mux.pollDeadline(), { at: 35_000, reason: "half-close-idle" });

  const empty = new Rig();
  const other = empty.mux.bind(554, empty.now);
  empty.mux.finish(other, empty.now);
  assertEquals(empty.sent(), ["BIND 554"]);
  empty.conn(other);
  assertEquals(empty.told(), ["realm-connected", "realm-closed finished"]);
  assertEquals(empty.sent(), ["DISC"]);
});

Deno.test("without an end of file a silent realm lives on", () => {
  const rig = new Rig();
  rig.connected(80);
  rig.expectSilence(24 * 3600_000);
});

Deno.test("a heartbeat leaves every 5 s when wanted, not earlier", () => {
  const rig = new Rig();
  rig.expectSilence(20_000);
  assertEquals(rig.mux.heartbeats, "off");
  rig.mux.heartbeats = "on";
  rig.mux.heartbeats = "on";
  assertEquals(rig.mux.pollDeadline(), { at: 25_000, reason: "heartbeat" });
  rig.expectSilence(24_999);
  rig.at(25_000);
  assertEquals(rig.sent(), ["heartbeat"]);
  rig.expectSilence(29_999);
  rig.at(30_000);
  assertEquals(rig.sent(), ["heartbeat"]);
  rig.mux.heartbeats = "off";
  assertEquals(rig.mux.pollDeadline(), undefined);
  rig.expectSilence(60_000);
  assertEquals(rig.mux.stats.heartbeatsOut, 2);
});

Deno.test("no heartbeat is queued while the peer's window is zero", () => {
  const rig = new Rig();
  rig.expectSilence(1000);
  rig.mux.heartbeats = "on";
  rig.transport.peerWindowBytes = 0;
  rig.expectSilence(6000);
  rig.expectSilence(11_000);
  assertEquals(rig.transport.unacknowledgedBytes, 0);
  rig.transport.peerWindowBytes = 65535;
  rig.expectSilence(15_999);
  rig.at(16_000);
  assertEquals(rig.sent(), ["heartbeat"]);
});

Deno.test("no second heartbeat is queued behind one that is not acknowledged", () => {
  const rig = new Rig();
  const realm = rig.connected();
  rig.mux.heartbeats = "on";
  rig.transport.network = "hold";
  rig.at(6000);
  assertEquals(rig.transport.unacknowledgedBytes, 12);
  rig.at(11_000);
  rig.at(16_000);
  assertEquals(rig.transport.unacknowledgedBytes, 12);
  rig.transport.network = "send";
  assertEquals(rig.sent(), ["heartbeat"]);
  rig.at(21_000);
  assertEquals(rig.sent(), []);
  rig.transport.acknowledge();
  // Data behind the heartbeat that is not acknowledged does not matter.
  rig.mux.write(realm, utf8("x"), rig.now);
  assertEquals(rig.sent(), ["DATA 1"]);
  rig.at(26_000);
  assertEquals(rig.sent(), ["heartbeat"]);
});

Deno.test("before the connection is open no heartbeat leaves", () => {
  const rig = new Rig();
  rig.transport.state = "connecting";
  rig.mux.heartbeats = "on";
  rig.expectSilence(5000);
  rig.expectSilence(12_000);
});
