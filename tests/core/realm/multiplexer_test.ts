import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concatBytes, fromHex, toHex, utf8 } from "../../../lib/core/bytes.ts";
import { StateError } from "../../../lib/core/errors.ts";
import { encodeFrame, type Frame } from "../../../lib/core/realm/frame.ts";
import { seededRandom } from "../../../lib/core/random.ts";
import { inShort, Rig } from "./rig.ts";

Deno.test("a BIND leaves once the connection is open, byte for byte as recorded", () => {
  const rig = new Rig({ random: { ...seededRandom(1), uint32: () => 0x11223344 } });
  rig.transport.state = "connecting";
  const realm = rig.mux.bind(554, rig.now);
  rig.expectSilence(5000);
  rig.transport.state = "open";
  rig.transport.push({ type: "open" });
  rig.at(5001);
  assertEquals(rig.told(), ["open"]);
  const [frame] = rig.frames();
  assertEquals(toHex(encodeFrame(frame!)), "1100000011223344000000000000022a7f000001");
  assertEquals(realm, 0x11223344);
});

Deno.test("the next BIND leaves as soon as the one before is answered with CONN", () => {
  const rig = new Rig();
  const first = rig.mux.bind(80, rig.now);
  rig.mux.bind(81, rig.now);
  rig.mux.bind(82, rig.now);
  assertEquals(rig.sent(), ["BIND 80"]);
  rig.now += 11;
  rig.conn(first);
  assertEquals(rig.sent(), ["BIND 81"]);
  assertEquals(rig.told(), ["realm-connected"]);
});

Deno.test("the next BIND leaves as soon as the one before is refused", () => {
  const rig = new Rig();
  const first = rig.mux.bind(80, rig.now);
  rig.mux.bind(81, rig.now);
  assertEquals(rig.sent(), ["BIND 80"]);
  rig.disc(first);
  assertEquals(rig.sent(), ["BIND 81"]);
  assertEquals(rig.told(), ["realm-refused"]);
});

Deno.test("the next BIND waits 50 ms for an answer, no less and no more", () => {
  const rig = new Rig();
  rig.mux.bind(80, rig.now);
  rig.mux.bind(81, rig.now + 10);
  assertEquals(rig.sent(), ["BIND 80"]);
  assertEquals(rig.mux.pollDeadline(), { at: 1050, reason: "bind-spacing" });
  rig.expectSilence(1049);
  rig.at(1050);
  assertEquals(rig.sent(), ["BIND 81"]);
  assertEquals(rig.mux.pollDeadline()?.reason, "bind-timeout");
});

Deno.test("the answer of a realm that was closed meanwhile lets the next BIND go too", () => {
  const rig = new Rig();
  const first = rig.mux.bind(80, rig.now);
  rig.mux.bind(81, rig.now);
  assertEquals(rig.sent(), ["BIND 80"]);
  rig.mux.close(first, rig.now);
  assertEquals(rig.sent(), ["DISC"]);
  rig.conn(first);
  assertEquals(rig.sent(), ["BIND 81"]);
  assertEquals(rig.told(), []);
});

Deno.test("a BIND that cannot be written sets no deadline that has passed", () => {
  const rig = new Rig();
  rig.transport.sendBufferBytes = 0;
  rig.mux.bind(80, rig.now);
  rig.expectSilence(9000);
  assertEquals(rig.mux.pollDeadline(), undefined);
  rig.transport.sendBufferBytes = 65536;
  rig.mux.handleSegment(new Uint8Array(0), 9000);
  assertEquals(rig.sent(), ["BIND 80"]);
  assertEquals(rig.mux.pollDeadline(), { at: 19000, reason: "bind-timeout" });
});

Deno.test("bytes written before CONN leave after it, not before", () => {
  const rig = new Rig();
  const realm = rig.mux.bind(80, rig.now);
  assertEquals(rig.mux.write(realm, utf8("GET / HTTP/1.0\r\n\r\n"), rig.now), 18);
  assertEquals(rig.sent(), ["BIND 80"]);
  rig.expectSilence(5000);
  rig.conn(realm);
  assertEquals(rig.sent(), ["DATA 18"]);
});

Deno.test("a BIND without an answer fails after 10 s and makes the connection suspect", () => {
  const rig = new Rig();
  const realm = rig.mux.bind(80, rig.now);
  rig.sent();
  assertEquals(rig.mux.pollDeadline(), { at: 11000, reason: "bind-timeout" });
  rig.expectSilence(10999);
  assertEquals(rig.mux.suspect, false);
  rig.at(11000);
  assertEquals(rig.events(), [
    { type: "realm-closed", realm, reason: "bind-timeout" },
    { type: "suspect" },
  ]);
  assertEquals(rig.sent(), ["DISC"]);
  assertEquals(rig.mux.suspect, true);
  assertEquals(rig.mux.realmCount, 0);
  rig.conn(realm);
  assertEquals(rig.told(), []);
  assertEquals(rig.mux.suspect, true, "a late CONN for a realm that was given up proves little");
  rig.connected();
  assertEquals(rig.mux.suspect, false);
});

Deno.test("every unanswered BIND fails at its own time", () => {
  const rig = new Rig();
  rig.mux.bind(80, rig.now);
  rig.mux.bind(81, rig.now);
  rig.at(1050);
  assertEquals(rig.sent(), ["BIND 80", "BIND 81"]);
  rig.at(11000);
  assertEquals(rig.told(), ["realm-closed bind-timeout", "suspect"]);
  rig.sent();
  rig.expectSilence(11049);
  rig.at(11050);
  assertEquals(rig.told(), ["realm-closed bind-timeout", "suspect"]);
});

Deno.test("a DISC of the device ends its realm, is not answered, and leaves what waits readable", () => {
  const rig = new Rig();
  const realm = rig.connected();
  const other = rig.connected();
  rig.device(
    { type: "data", realm, data: utf8("last words") },
    { type: "status", realm, status: "DISC" },
  );
  assertEquals(rig.events(), [
    { type: "realm-readable", realm },
    { type: "realm-closed", realm, reason: "device" },
  ]);
  assertEquals(rig.sent(), []);
  assertEquals(rig.mux.write(realm, utf8("more"), rig.now), 0);
  assertEquals(rig.mux.realmCount, 2);
  assertEquals(rig.readAll(realm), utf8("last words"));
  assertEquals(rig.mux.realmCount, 1);
  rig.mux.close(realm, rig.now);
  assertEquals(rig.sent(), []);
  assertEquals(rig.mux.write(other, utf8("x"), rig.now), 1);
});

Deno.test("after our DISC late bytes are dropped and nothing is told", () => {
  const rig = new Rig();
  const realm = rig.connected();
  rig.data(realm, 100);
  rig.told();
  rig.mux.write(realm, utf8("x"), rig.now);
  rig.mux.close(realm, rig.now);
  assertEquals(rig.sent(), ["DATA 1", "DISC"]);
  assertEquals(rig.mux.realmCount, 0);
  rig.data(realm, 700);
  rig.disc(realm);
  assertEquals(rig.told(), []);
  assertEquals(rig.sent(), []);
  assertEquals(rig.mux.stats.discardedBytes, 700);
  assertEquals(rig.mux.read(realm, rig.now), undefined);
  assertEquals(rig.noted(), []);
});

Deno.test("a realm closed before its BIND left was never there for the device", () => {
  const rig = new Rig();
  const first = rig.mux.bind(80, rig.now);
  const second = rig.mux.bind(81, rig.now);
  assertEquals(rig.sent(), ["BIND 80"]);
  rig.mux.close(second, rig.now);
  assertEquals(rig.sent(), []);
  rig.conn(first);
  assertEquals(rig.sent(), []);
  assertEquals(rig.mux.pollDeadline(), undefined);
});

Deno.test("a realm id is never 0 nor that of a live or a recently closed realm", () => {
  const rig = new Rig({ random: { ...seededRandom(1), uint32: () => 0xffffffff } });
  const first = rig.connected();
  assertEquals(first, 0xffffffff);
  const second = rig.connected();
  assertEquals(second, 1);
  rig.mux.close(first, rig.now);
  rig.mux.close(second, rig.now);
  rig.sent();
  assertEquals(rig.connected(), 2);
});

Deno.test("the memory of closed realms is bounded and forgets the oldest", () => {
  const rig = new Rig({ maxRetiredIds: 3 });
  const ids = [1, 2, 3, 4].map(() => {
    const realm = rig.connected();
    rig.mux.close(realm, rig.now);
    rig.sent();
    return realm;
  });
  rig.data(ids[1]!, 5);
  assertEquals(rig.noted(), []);
  rig.data(ids[0]!, 5);
  assertEquals(rig.noted(), ["data-discarded"]);
});

Deno.test("there are no more realms than allowed, unread closed ones included", () => {
  const rig = new Rig({ maxRealms: 2 });
  const first = rig.connected();
  rig.connected();
  assertThrows(() => rig.mux.bind(80, rig.now), StateError, "2 realms");
  rig.data(first, 5);
  rig.disc(first);
  assertThrows(() => rig.mux.bind(80, rig.now), StateError);
  rig.readAll(first);
  rig.mux.bind(80, rig.now);
});

Deno.test("wrong calls are refused", () => {
  const rig = new Rig();
  for (const port of [0, -1, 65536, 1.5, NaN]) {
    assertThrows(() => rig.mux.bind(port, rig.now), RangeError);
  }
  const realm = rig.connected();
  rig.mux.finish(realm, rig.now);
  assertThrows(() => rig.mux.write(realm, utf8("x"), rig.now), StateError, "finished");
  assertThrows(() => rig.mux.present(new Uint8Array(3), rig.now), RangeError);
  assertThrows(() => new Rig({ maxRealms: 0 }), RangeError, "maxRealms");
  assertEquals(rig.mux.write(12345, utf8("x"), rig.now), 0);
  assertEquals(rig.mux.read(12345, rig.now), undefined);
  rig.mux.finish(12345, rig.now);
  rig.mux.close(12345, rig.now);
});

Deno.test("written bytes are cut into frames of at most 1280", () => {
  const rig = new Rig();
  const realm = rig.connected();
  const bytes = new Uint8Array(3000).map((_, i) => i);
  assertEquals(rig.mux.write(realm, bytes, rig.now), 3000);
  const frames = rig.frames();
  assertEquals(frames.map(inShort), ["DATA 1280", "DATA 1280", "DATA 440"]);
  assertEquals(concatBytes(frames.map((f) => f.type === "data" ? f.data : bytes)), bytes);
});

Deno.test("a buffer may be used again as soon as its bytes were taken", () => {
  const rig = new Rig();
  const realm = rig.connected();
  rig.transport.network = "hold";
  const buffer = utf8("first");
  rig.mux.write(realm, buffer, rig.now);
  buffer.fill(0);
  rig.transport.network = "ack";
  const [frame] = rig.frames();
  assertEquals(frame?.type === "data" && frame.data, utf8("first"));
});

Deno.test("a realm takes 64 KiB ahead, and says when half of it has left", () => {
  const rig = new Rig();
  const realm = rig.connected();
  rig.transport.sendBufferBytes = 0;
  const megabyte = new Uint8Array(1_000_000);
  assertEquals(rig.mux.write(realm, megabyte, rig.now), 65536);
  assertEquals(rig.mux.write(realm, megabyte, rig.now), 0);
  assertEquals(rig.told(), []);
  rig.transport.sendBufferBytes = 65536;
  rig.transport.network = "send";
  // 25 frames of 1280 leave 33536 bytes, more than half.
  rig.transport.sendBufferBytes = 25 * 1292;
  assertEquals(rig.sent().length, 25);
  assertEquals(rig.told(), []);
  rig.transport.sendBufferBytes = 26 * 1292;
  assertEquals(rig.sent().length, 1);
  assertEquals(rig.events(), [{ type: "realm-writable", realm }]);
  rig.transport.network = "ack";
  rig.transport.acknowledge();
  rig.sent();
  assertEquals(rig.told(), []);
});

Deno.test("little waits unsent in the connection, so that later frames are not queued behind it", () => {
  const rig = new Rig();
  const realm = rig.connected();
  rig.transport.network = "hold";
  rig.mux.write(realm, new Uint8Array(60_000), rig.now);
  assert(rig.transport.unacknowledgedBytes <= 8 * 1024 + 1292);
  rig.transport.network = "ack";
  assertEquals(rig.sent().length, 47);
});

Deno.test("small writes that have to wait are joined into full frames", () => {
  const rig = new Rig();
  const realm = rig.connected();
  rig.transport.network = "hold";
  rig.transport.sendBufferBytes = 13;
  const written: number[] = [];
  for (let i = 0; i < 3000; i++) {
    written.push(i & 0xff);
    rig.mux.write(realm, Uint8Array.of(i), rig.now);
  }
  rig.transport.network = "ack";
  rig.transport.sendBufferBytes = 65536;
  const frames = rig.frames();
  assertEquals(frames.map(inShort), ["DATA 1", "DATA 1", "DATA 1280", "DATA 1280", "DATA 438"]);
  const bytes = concatBytes(frames.map((f) => f.type === "data" ? f.data : new Uint8Array(0)));
  assertEquals([...bytes], written);
});

Deno.test("bytes reach their realm without a copy, told once until all are read", () => {
  const rig = new Rig();
  const realm = rig.connected();
  const segment = encodeFrame({ type: "data", realm, data: new Uint8Array(1280).fill(7) });
  rig.mux.handleSegment(segment, rig.now);
  rig.mux.handleSegment(segment.slice(), rig.now);
  assertEquals(rig.events(), [{ type: "realm-readable", realm }]);
  assertEquals(rig.mux.readableBytes(realm), 2560);
  const chunk = rig.mux.read(realm, rig.now);
  assertEquals(chunk?.length, 1280);
  assertEquals(chunk?.buffer, segment.buffer);
  rig.data(realm, 10);
  assertEquals(rig.told(), []);
  assertEquals(rig.mux.readMany(realm, 1281, rig.now).map((c) => c.length), [1280, 10]);
  assertEquals(rig.mux.read(realm, rig.now), undefined);
  rig.data(realm, 10);
  assertEquals(rig.told(), ["realm-readable"]);
});

Deno.test("bytes of two realms do not mix", () => {
  const rig = new Rig();
  const [a, b] = [rig.connected(), rig.connected()];
  assertNotEquals(a, b);
  rig.device(
    { type: "data", realm: a, data: utf8("a1") },
    { type: "data", realm: b, data: utf8("b1") },
    { type: "data", realm: a, data: utf8("a2") },
  );
  assertEquals(rig.readAll(a), utf8("a1a2"));
  assertEquals(rig.readAll(b), utf8("b1"));
});

Deno.test("frames without a place in the dialogue are traced with their size and ignored", () => {
  const rig = new Rig();
  const realm = rig.connected();
  const strange: [Frame, string, number][] = [
    [{ type: "unknown", kind: 0x1d, bytes: fromHex("1d000003" + "00".repeat(11)) }, "0x1d", 15],
    [{ type: "status", realm, status: utf8("what") }, "status", 16],
    [{ type: "status", realm: 77, status: "CONN" }, "CONN", 16],
    [{ type: "status", realm: 77, status: "DISC" }, "DISC", 16],
    [{ type: "status", realm, status: "CONN" }, "CONN", 16],
    [{ type: "sign", value: utf8("sign") }, "sign", 16],
    [{ type: "sign-answer", value: utf8("sign") }, "sign-answer", 16],
    [{ type: "sign-present", value: utf8("sign") }, "sign-present", 16],
    [{ type: "sign-request" }, "sign-request", 12],
    [{ type: "service" }, "service", 12],
    [{ type: "bind", realm, port: 1, ip: "127.0.0.1" }, "bind", 20],
  ];
  for (const [frame, kind, bytes] of strange) {
    rig.traces.length = 0;
    rig.device(frame);
    assertEquals(rig.traces.map((event) => event.data), [{ kind, bytes }]);
    assertEquals(rig.told(), []);
    assertEquals(rig.sent(), []);
  }
  assertEquals(rig.mux.stats.ignoredFrames, strange.length);
  rig.data(realm, 3);
  assertEquals(rig.told(), ["realm-readable"]);
});

Deno.test("DATA before CONN is dropped", () => {
  const rig = new Rig();
  const realm = rig.mux.bind(80, rig.now);
  rig.sent();
  rig.data(realm, 9);
  assertEquals(rig.told(), []);
  assertEquals(rig.mux.stats.discardedBytes, 9);
});

Deno.test("lost framing resets the connection and ends every realm", () => {
  const rig = new Rig();
  const realm = rig.connected();
  const opening = rig.mux.bind(81, rig.now);
  rig.sent();
  rig.device({ type: "data", realm, data: utf8("good") }, fromHex("0a0008530000000000"));
  assertEquals(rig.events(), [
    { type: "realm-readable", realm },
    { type: "realm-closed", realm, reason: "connection" },
    { type: "realm-closed", realm: opening, reason: "connection" },
    { type: "closed", reason: "protocol" },
  ]);
  assertEquals(rig.transport.aborted, 1);
  assertEquals(rig.readAll(realm), utf8("good"));
  assertEquals(rig.mux.drained, true);
  assertEquals(rig.mux.pollDeadline(), undefined);
  assertThrows(() => rig.mux.bind(80, rig.now), StateError, "closed");
  rig.expectSilence(100_000);
});

Deno.test("the end of the connection ends every realm, its last bytes stay readable", () => {
  const rig = new Rig();
  const realm = rig.connected();
  rig.mux.heartbeats = "on";
  rig.transport.handleSegment(encodeFrame({ type: "data", realm, data: utf8("bye") }));
  rig.transport.push({ type: "closed", reason: "reset" });
  assertEquals(rig.told(), ["realm-readable", "realm-closed connection", "closed reset"]);
  assertEquals(rig.readAll(realm), utf8("bye"));
  assertEquals(rig.mux.realmCount, 0);
  assertEquals(rig.mux.pollDeadline(), undefined);
});

Deno.test("a cut at any byte of the device's stream changes nothing", () => {
  const stream = (realm: number): Uint8Array =>
    concatBytes([
      encodeFrame({ type: "status", realm, status: "CONN" }),
      encodeFrame({ type: "data", realm, data: utf8("RTSP/1.0 200 OK\r\n") }),
      encodeFrame({ type: "heartbeat" }),
      encodeFrame({ type: "data", realm, data: utf8("CSeq: 1\r\n\r\n") }),
      encodeFrame({ type: "status", realm, status: "DISC" }),
    ]);
  const length = stream(1).length;
  for (let cut = 0; cut <= length; cut++) {
    const rig = new Rig();
    const realm = rig.mux.bind(80, rig.now);
    rig.sent();
    const bytes = stream(realm);
    rig.mux.handleSegment(bytes.slice(0, cut), rig.now);
    assertEquals(rig.mux.atFrameBoundary, [0, 16, 45, 57, 80, 96].includes(cut), `at ${cut}`);
    rig.mux.handleSegment(bytes.slice(cut), rig.now);
    assertEquals(rig.told(), [
      "realm-connected",
      "realm-readable",
      "heartbeat",
      "realm-closed device",
    ]);
    assertEquals(rig.readAll(realm), utf8("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"));
    assertEquals(rig.mux.atFrameBoundary, true);
  }
});

Deno.test("unread bytes in the connection are no frame boundary", () => {
  const rig = new Rig();
  assertEquals(rig.mux.atFrameBoundary, true);
  rig.transport.handleSegment(encodeFrame({ type: "heartbeat" }));
  assertEquals(rig.mux.atFrameBoundary, false);
});

Deno.test("many heartbeats of the device are one event until it is taken", () => {
  const rig = new Rig();
  for (let i = 0; i < 1000; i++) rig.device({ type: "heartbeat" });
  assertEquals(rig.told(), ["heartbeat"]);
  rig.device({ type: "heartbeat" });
  assertEquals(rig.told(), ["heartbeat"]);
  assertEquals(rig.mux.stats.heartbeatsIn, 1001);
});

Deno.test("the sign is asked for, presented and confirmed, each frame once", () => {
  const rig = new Rig();
  rig.mux.requestSign(rig.now);
  assertEquals(rig.sent(), ["sign-request"]);
  const value = fromHex("d1d2d3d4");
  rig.device({ type: "sign", value });
  rig.device({ type: "sign", value });
  assertEquals(rig.events(), [{ type: "sign", value }]);
  rig.mux.present(value, rig.now);
  assertEquals(rig.frames(), [{ type: "sign-present", value }]);
  rig.device({ type: "sign-answer", value: fromHex("e1e2e3e4") });
  rig.device({ type: "sign-answer", value: fromHex("e1e2e3e4") });
  assertEquals(rig.told(), ["sign-answered"]);
  assertEquals(rig.sent(), ["sign-confirm"]);
});

Deno.test("control frames go before data that waits", () => {
  const rig = new Rig();
  const [bulk, other] = [rig.connected(), rig.connected()];
  rig.transport.network = "hold";
  rig.mux.write(bulk, new Uint8Array(65536), rig.now);
  rig.mux.close(other, rig.now);
  rig.mux.bind(99, rig.now);
  rig.transport.network = "ack";
  const sent = rig.sent();
  // Seven frames had entered the connection already.
  assertEquals(sent.slice(6, 10), ["DATA 1280", "DISC", "BIND 99", "DATA 1280"]);
});

Deno.test("all realms are closed at once, and drained when that is acknowledged", () => {
  const rig = new Rig();
  rig.connected();
  rig.connected();
  rig.mux.bind(81, rig.now);
  rig.mux.bind(82, rig.now);
  assertEquals(rig.sent(), ["BIND 81"]);
  rig.transport.network = "send";
  rig.mux.closeAll(rig.now);
  assertEquals(rig.sent(), ["DISC", "DISC", "DISC"]);
  assertEquals(rig.told(), []);
  assertEquals(rig.mux.realmCount, 0);
  assertEquals(rig.mux.drained, false);
  rig.transport.acknowledge();
  assertEquals(rig.mux.drained, true);
  rig.expectSilence(100_000);
});

Deno.test("it is not drained while bytes wait to be sent", () => {
  const rig = new Rig();
  const realm = rig.connected();
  assertEquals(rig.mux.drained, true);
  rig.transport.sendBufferBytes = 0;
  rig.mux.write(realm, utf8("x"), rig.now);
  assertEquals(rig.mux.drained, false);
});

Deno.test("no bytes make it throw, tell without end, or hold more than it may", () => {
  const limit = 20_000;
  const frame = fc.oneof(
    fc.record({
      type: fc.constant("data" as const),
      realm: fc.nat(3),
      data: fc.uint8Array({ maxLength: 2000 }),
    }),
    fc.record({
      type: fc.constant("status" as const),
      realm: fc.nat(3),
      status: fc.constantFrom<"CONN" | "DISC">("CONN", "DISC"),
    }),
    fc.record({ type: fc.constantFrom<"heartbeat" | "service">("heartbeat", "service") }),
  ).map(encodeFrame);
  const segments = fc.array(fc.oneof({ weight: 20, arbitrary: frame }, fc.uint8Array()), {
    maxLength: 100,
  });
  fc.assert(fc.property(segments, fc.boolean(), (given, reads) => {
    let next = 0;
    const rig = new Rig({
      random: { ...seededRandom(1), uint32: () => ++next },
      realmBufferBytes: limit,
    });
    const realms = [80, 81, 82].map((port) => rig.mux.bind(port, rig.now));
    for (const segment of given) {
      rig.mux.handleSegment(segment, rig.now);
      rig.at(rig.now + 7);
      rig.sent();
      assert(rig.told().length < 10);
      for (const realm of realms) {
        assert(rig.mux.readableBytes(realm) < limit + 2000);
        if (reads) rig.readAll(realm);
      }
    }
  }));
});
