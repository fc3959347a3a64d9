import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../../lib/core/bytes.ts";
import { StateError } from "../../../lib/core/errors.ts";
import { seededRandom } from "../../../lib/core/random.ts";
import { encodeDataFrame, encodeFrame } from "../../../lib/core/realm/frame.ts";
import { Multiplexer } from "../../../lib/core/realm/multiplexer.ts";
import type { StreamReport, StreamRequest } from "../../../lib/core/relay/stream.ts";
import { TouStream, type TouStreamOptions } from "../../../lib/core/relay/tou_stream.ts";

const REQUEST = utf8("POST /x HTTP/1.1\r\n\r\n");
const OK = utf8("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
const HEARTBEAT = encodeFrame({ type: "heartbeat" });

function requests(stream: TouStream): StreamRequest["type"][] {
  const all: StreamRequest["type"][] = [];
  for (let r = stream.pollRequest(); r; r = stream.pollRequest()) all.push(r.type);
  return all;
}

function events(stream: TouStream): string[] {
  const all: string[] = [];
  for (let e = stream.pollEvent(); e; e = stream.pollEvent()) {
    all.push(e.type === "closed" ? `closed ${e.reason}` : e.type);
  }
  return all;
}

/** A stream whose request was written and answered. */
function openStream(options: Partial<TouStreamOptions> = {}): TouStream {
  const stream = new TouStream({ request: REQUEST, ...options });
  stream.open(0);
  stream.handle({ type: "connected" }, 0);
  assertEquals(requests(stream), ["output"]);
  assertEquals(stream.takeOutput(0), REQUEST);
  assertEquals(stream.takeOutput(0), undefined);
  stream.handle({ type: "bytes", bytes: OK }, 0);
  assertEquals(events(stream), ["open"]);
  return stream;
}

Deno.test("nothing leaves before the connection is there, and no frame before the answer", () => {
  const stream = new TouStream({ request: REQUEST });
  assertEquals(stream.takeOutput(0), undefined);
  stream.open(0);
  assertEquals([stream.state, requests(stream)], ["connecting", []]);
  assertEquals(stream.takeOutput(0), undefined);
  assert(!stream.write(HEARTBEAT, 0));
  stream.handle({ type: "connected" }, 5);
  assertEquals(requests(stream), ["output"]);
  assertEquals(stream.takeOutput(5), REQUEST);
  assert(!stream.write(HEARTBEAT, 6));
  assertEquals(events(stream), []);
  stream.handle({ type: "bytes", bytes: OK }, 7);
  assertEquals([stream.state, events(stream)], ["open", ["open"]]);
  assert(stream.write(HEARTBEAT, 8));
  assertEquals(stream.takeOutput(8), HEARTBEAT);
  assertThrows(() => stream.open(9), StateError);
});

Deno.test("bytes behind the answer are the first of the stream", () => {
  const stream = new TouStream({ request: REQUEST });
  stream.open(0);
  stream.handle({ type: "connected" }, 0);
  stream.handle({ type: "bytes", bytes: concatBytes([OK, HEARTBEAT]) }, 3);
  assertEquals(stream.read(3), HEARTBEAT);
  assertEquals(stream.lastReceiveAt, 3);
});

Deno.test("output is told once, until it was all fetched", () => {
  const stream = openStream();
  assert(stream.write(HEARTBEAT, 1));
  assert(stream.write(HEARTBEAT, 1));
  assertEquals(requests(stream), ["output"]);
  assertEquals(stream.takeOutput(1), concatBytes([HEARTBEAT, HEARTBEAT]));
  assert(stream.write(HEARTBEAT, 2));
  assertEquals(requests(stream), [], "the driver asks again by itself");
  assertEquals(stream.takeOutput(2), HEARTBEAT);
  assertEquals(stream.takeOutput(2), undefined);
  assert(stream.write(HEARTBEAT, 3));
  assertEquals(requests(stream), ["output"]);
});

Deno.test("bytes are acknowledged when the driver asks for the next", () => {
  const stream = openStream();
  assertEquals(stream.unacknowledgedBytes, 0);
  stream.write(HEARTBEAT, 10);
  assertEquals([stream.unacknowledgedBytes, stream.oldestUnackedAt], [12, undefined]);
  stream.takeOutput(20);
  assertEquals([stream.unacknowledgedBytes, stream.oldestUnackedAt], [12, 20]);
  stream.takeOutput(50);
  assertEquals([stream.unacknowledgedBytes, stream.oldestUnackedAt], [0, undefined]);
  assertEquals(stream.lastProgressAt, 50);
  assertEquals(stream.stats.bytesOut, 12, "the request is no part of the stream");
});

Deno.test("a full send buffer refuses whole frames, and tells when there is room", () => {
  const stream = openStream({ sendBufferBytes: 100 });
  const frame = encodeDataFrame(1, new Uint8Array(28), 0, 28);
  assert(stream.write(frame, 1));
  assert(stream.write(frame, 1));
  assert(!stream.write(frame, 1));
  assertEquals([stream.unacknowledgedBytes, stream.peerWindowBytes], [80, 20]);
  stream.takeOutput(2);
  assert(!stream.write(frame, 2), "what is with the driver may not be written yet");
  assertEquals(events(stream), []);
  stream.takeOutput(3);
  assertEquals(events(stream), ["writable"]);
  assert(stream.write(frame, 3));
});

Deno.test("a full receive buffer pauses reading, and half of it read resumes", () => {
  const stream = openStream({ receiveBufferBytes: 4_000 });
  const chunk = new Uint8Array(2_000);
  stream.handle({ type: "bytes", bytes: chunk }, 1);
  assert(!stream.isPaused);
  stream.handle({ type: "bytes", bytes: chunk.slice() }, 1);
  assert(stream.isPaused);
  assertEquals(requests(stream), []);
  assertEquals(stream.read(2)?.length, 2_000);
  assert(!stream.isPaused);
  assertEquals(requests(stream), ["resume"]);
  stream.read(2);
  assertEquals(requests(stream), []);
});

Deno.test("each way to end has its reason, is told once, and closes the connection", () => {
  const ends: [string, (stream: TouStream) => void][] = [
    ["connect-failed", (s) => s.handle({ type: "ended" }, 1)],
    ["relay-closed", (s) => {
      s.handle({ type: "connected" }, 1);
      s.handle({ type: "ended" }, 1);
    }],
    ["bind-refused", (s) => {
      s.handle({ type: "connected" }, 1);
      s.handle({ type: "bytes", bytes: utf8("HTTP/1.1 403 Forbidden\r\n\r\n") }, 1);
      assertEquals(s.refusal, 403);
    }],
    ["bind-unusable", (s) => {
      s.handle({ type: "connected" }, 1);
      s.handle({ type: "bytes", bytes: utf8("220 smtp") }, 1);
    }],
    ["aborted", (s) => s.abort(1)],
  ];
  for (const [reason, end] of ends) {
    const stream = new TouStream({ request: REQUEST });
    stream.open(0);
    end(stream);
    assertEquals(stream.state, "closed");
    assertEquals(events(stream), [`closed ${reason}`]);
    assertEquals(requests(stream), ["close"]);
    for (const late of ["connected", "ended"] as const) stream.handle({ type: late }, 2);
    stream.handle({ type: "bytes", bytes: HEARTBEAT }, 2);
    stream.abort(2);
    assertEquals([events(stream), requests(stream), stream.takeOutput(2)], [[], [], undefined]);
    assert(!stream.write(HEARTBEAT, 2));
  }
});

Deno.test("what came before the end can still be read", () => {
  const stream = openStream();
  stream.handle({ type: "bytes", bytes: HEARTBEAT }, 1);
  stream.handle({ type: "ended" }, 1);
  assertEquals(stream.read(1), HEARTBEAT);
  assertEquals(stream.read(1), undefined);
});

Deno.test("a stream without a buffer is refused", () => {
  assertThrows(() => new TouStream({ request: REQUEST, sendBufferBytes: 0 }), RangeError);
  assertThrows(() => new TouStream({ request: REQUEST, receiveBufferBytes: 0 }), RangeError);
});

Deno.test("no bytes make a session over a stream throw, hang or grow", () => {
  const piece: fc.Arbitrary<StreamReport> = fc.oneof(
    { weight: 6, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 60 }) },
    { weight: 2, arbitrary: fc.constantFrom(OK, HEARTBEAT) },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.integer({ min: 0x10, max: 0x1f }), fc.uint8Array({ maxLength: 40 }))
        .map(([kind, rest]) => Uint8Array.of(kind, ...rest)),
    },
  ).map((bytes) => ({ type: "bytes", bytes: bytes.slice() }));
  const report = fc.oneof(
    { weight: 20, arbitrary: piece },
    {
      weight: 1,
      arbitrary: fc.constantFrom<StreamReport>({ type: "ended" }, { type: "connected" }),
    },
  );
  fc.assert(fc.property(fc.array(report, { maxLength: 40 }), fc.boolean(), (reports, isOpen) => {
    const stream = new TouStream({ request: REQUEST });
    const realms = new Multiplexer(stream, { random: seededRandom(1) });
    stream.open(0);
    stream.handle({ type: "connected" }, 0);
    if (isOpen) stream.handle({ type: "bytes", bytes: OK.slice() }, 0);
    realms.advance(0);
    if (isOpen) realms.bind(80, 0);
    let now = 0;
    for (const one of reports) {
      now += 10;
      stream.handle(one, now);
      realms.advance(now);
      stream.takeOutput(now);
      const due = realms.pollDeadline();
      if (due && due.at <= now) realms.handleTimeout(now);
      assert(stream.readableBytes <= 65_536 + 60);
      assert(stream.unacknowledgedBytes <= 65_536 + REQUEST.length);
    }
    let told = 0;
    for (let e = realms.pollEvent(); e; e = realms.pollEvent()) told++;
    assert(told <= 4 * reports.length + 8);
    if (stream.state === "closed") assertEquals(requests(stream).at(-1), "close");
  }));
});
