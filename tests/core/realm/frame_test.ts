import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concatBytes, EMPTY, fromHex, toHex, utf8 } from "../../../lib/core/bytes.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import {
  encodeDataFrame,
  encodeFrame,
  type Frame,
  FrameParser,
  MAX_FRAME_DATA,
} from "../../../lib/core/realm/frame.ts";

/** Frames of the recorded session (PROTOCOL.md section 1.4) and one of each other kind. */
const table: readonly [string, Frame][] = [
  ["170000000000000000000000", { type: "sign-request" }],
  ["180000000000000000000000d1d2d3d4", { type: "sign", value: fromHex("d1d2d3d4") }],
  ["190000000000000000000000d1d2d3d4", { type: "sign-present", value: fromHex("d1d2d3d4") }],
  ["1a0000000000000000000000e1e2e3e4", { type: "sign-answer", value: fromHex("e1e2e3e4") }],
  ["1b0000000000000000000000", { type: "sign-confirm" }],
  ["1100000011223344000000000000022a7f000001", {
    type: "bind",
    realm: 0x11223344,
    port: 554,
    ip: "127.0.0.1",
  }],
  ["120000001122334400000000434f4e4e", { type: "status", realm: 0x11223344, status: "CONN" }],
  ["12000000112233440000000044495343", { type: "status", realm: 0x11223344, status: "DISC" }],
  ["1200000011223344000000002b384b00", {
    type: "status",
    realm: 0x11223344,
    status: fromHex("2b384b00"),
  }],
  ["130000000000000000000000", { type: "heartbeat" }],
  ["140000000000000000000000", { type: "service" }],
  ["10000005fedcba98000000006162636465", {
    type: "data",
    realm: 0xfedcba98,
    data: utf8("abcde"),
  }],
  ["10000000112233440000000", { type: "data", realm: 0x11223344, data: EMPTY }],
  ["1d0000030000000000000000aabbcc", {
    type: "unknown",
    kind: 0x1d,
    bytes: fromHex("1d0000030000000000000000aabbcc"),
  }],
].map(([hex, frame]) => [(hex as string).padEnd(24, "0"), frame as Frame]);

/** Frames that come out, the parts of one DATA frame joined as far as they follow one another. */
function parseAll(chunks: readonly Uint8Array[], parser = new FrameParser()): Frame[] {
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let frame = parser.next(); frame !== undefined; frame = parser.next()) frames.push(frame);
  }
  return frames;
}

/** Joins neighbouring DATA of one realm: a stream does not tell parts from frames. */
function joined(frames: readonly Frame[]): Frame[] {
  const all: Frame[] = [];
  for (const frame of frames) {
    const last = all.at(-1);
    if (frame.type === "data" && last?.type === "data" && last.realm === frame.realm) {
      all[all.length - 1] = { ...last, data: concatBytes([last.data, frame.data]) };
    } else all.push(frame);
  }
  return all;
}

Deno.test("each kind of frame is decoded and encoded byte for byte", () => {
  for (const [hex, frame] of table) {
    assertEquals(parseAll([fromHex(hex)]), [frame], hex);
    assertEquals(toHex(encodeFrame(frame)), hex);
  }
});

Deno.test("a status or bind frame has its fixed size whatever its length field says", () => {
  const frames = parseAll([
    fromHex("1100000811223344000000000000022a7f000001" + "120000041122334400000000434f4e4e"),
    encodeFrame({ type: "heartbeat" }),
  ]);
  assertEquals(frames.map((frame) => frame.type), ["bind", "status", "heartbeat"]);
});

Deno.test("a cut anywhere in the stream changes nothing", () => {
  const stream = concatBytes(table.map(([hex]) => fromHex(hex)));
  const whole = joined(table.map(([, frame]) => frame));
  for (let cut = 0; cut <= stream.length; cut++) {
    const frames = parseAll([stream.slice(0, cut), stream.slice(cut)]);
    // An empty DATA frame before the cut and one part after it join just the same.
    assertEquals(joined(frames), whole, `cut at ${cut}`);
  }
  assertEquals(joined(parseAll([...stream].map((byte) => Uint8Array.of(byte)))), whole);
});

Deno.test("chunks pushed together are parsed in order", () => {
  const parser = new FrameParser();
  for (const [hex] of table) for (const byte of fromHex(hex)) parser.push(Uint8Array.of(byte));
  const frames: Frame[] = [];
  for (let frame = parser.next(); frame !== undefined; frame = parser.next()) frames.push(frame);
  assertEquals(joined(frames), joined(table.map(([, frame]) => frame)));
});

Deno.test("the parser knows whether it stands at a frame boundary", () => {
  for (const [hex] of table) {
    const bytes = fromHex(hex);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parser = new FrameParser();
      parseAll([bytes.slice(0, cut)], parser);
      assertEquals(parser.atBoundary, cut === 0 || cut === bytes.length, `${hex} cut at ${cut}`);
    }
  }
  const parser = new FrameParser();
  parser.push(encodeFrame({ type: "heartbeat" }));
  assertEquals(parser.atBoundary, false, "a pushed frame that was not taken yet");
});

Deno.test("DATA is a view of the chunk, given out before the frame is complete", () => {
  const chunk = encodeFrame({ type: "data", realm: 7, data: new Uint8Array(1000).fill(3) });
  const [frame] = parseAll([chunk.subarray(0, 500)]);
  assertEquals(frame?.type === "data" && frame.data.length, 488);
  assertEquals(frame?.type === "data" && frame.data.buffer === chunk.buffer, true);
});

Deno.test("a version other than 1 loses the boundary for good, wherever the byte stands", () => {
  for (const first of [0x00, 0x0a, 0x20, 0x50, 0xff]) {
    for (const behind of [0, 3, 30]) {
      const parser = new FrameParser();
      const bytes = new Uint8Array(1 + behind);
      bytes[0] = first;
      parser.push(encodeFrame({ type: "heartbeat" }));
      parser.push(bytes);
      assertEquals(parser.next(), { type: "heartbeat" });
      assertThrows(() => parser.next(), DecodeError, "boundary lost");
      parser.push(encodeFrame({ type: "heartbeat" }));
      assertThrows(() => parser.next(), DecodeError, "boundary lost");
    }
  }
});

Deno.test("a DATA frame whose byte 1 is not 0 loses the boundary, cut or not", () => {
  const bytes = fromHex("10010000112233440000000000");
  for (let cut = 0; cut < 12; cut++) {
    const parser = new FrameParser();
    parser.push(bytes.slice(0, cut));
    assertEquals(parser.next(), undefined);
    parser.push(bytes.slice(cut));
    assertThrows(() => parser.next(), DecodeError, "byte 1");
    assertThrows(() => parser.next(), DecodeError, "byte 1");
  }
});

Deno.test("the longest unknown frame is held and given out whole", () => {
  const bytes = new Uint8Array(12 + 0xffff).fill(9);
  bytes.set(fromHex("1f00ffff"));
  const frames = parseAll([bytes.slice(0, 20), bytes.slice(20, 40000), bytes.slice(40000)]);
  assertEquals(frames, [{ type: "unknown", kind: 0x1f, bytes }]);
});

Deno.test("part of an array is framed without the rest", () => {
  const frame = encodeDataFrame(5, utf8("0123456789"), 3, 4);
  assertEquals(parseAll([frame]), [{ type: "data", realm: 5, data: utf8("3456") }]);
  assertEquals(encodeDataFrame(5, new Uint8Array(5000), 9, MAX_FRAME_DATA).length, 1292);
});

Deno.test("what cannot be on the wire is not encoded", () => {
  assertThrows(() => encodeDataFrame(1, new Uint8Array(65536), 0, 65536), RangeError);
  assertThrows(() => encodeFrame({ type: "sign", value: new Uint8Array(3) }), RangeError);
  assertThrows(() => encodeFrame({ type: "status", realm: 1, status: utf8("CON") }), RangeError);
  assertThrows(() => encodeFrame({ type: "bind", realm: 1, port: 2, ip: "::1" }), RangeError);
});

const realm = fc.nat(0xffffffff);
const value = fc.uint8Array({ minLength: 4, maxLength: 4 });
const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant("data" as const), realm, data: fc.uint8Array({ maxLength: 60 }) }),
  fc.record({
    type: fc.constant("bind" as const),
    realm,
    port: fc.nat(0xffffffff),
    ip: fc.constantFrom("127.0.0.1", "10.0.0.255"),
  }),
  fc.record({
    type: fc.constant("status" as const),
    realm,
    status: fc.constantFrom<"CONN" | "DISC">("CONN", "DISC"),
  }),
  fc.record({
    type: fc.constantFrom<"heartbeat" | "service" | "sign-request" | "sign-confirm">(
      "heartbeat",
      "service",
      "sign-request",
      "sign-confirm",
    ),
  }),
  fc.record({
    type: fc.constantFrom<"sign" | "sign-present" | "sign-answer">(
      "sign",
      "sign-present",
      "sign-answer",
    ),
    value,
  }),
);

Deno.test("any frames survive any cutting of their stream", () => {
  fc.assert(
    fc.property(
      fc.array(frames, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
      (sent, sizes) => {
        const stream = concatBytes(sent.map(encodeFrame));
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]!;
          chunks.push(stream.slice(at, at + size));
          at += size;
        }
        const parser = new FrameParser();
        assertEquals(joined(parseAll(chunks, parser)), joined(sent));
        assertEquals(parser.atBoundary, true);
      },
    ),
  );
});

Deno.test("any bytes give frames or a decode error", () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((chunk) => {
    if (chunk.length > 0) chunk[0] = 0x10 | (chunk[0]! & 0x0f);
    return chunk;
  });
  fc.assert(fc.property(fc.array(fc.oneof(bytes, fc.uint8Array())), (chunks) => {
    try {
      parseAll(chunks);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }));
});
