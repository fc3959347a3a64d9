import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { fromHex, toHex } from "../../../lib/core/bytes.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import { decodeConnect, encodeConnect } from "../../../lib/core/ptcp/connect.ts";
import { decodeNack, encodeNack } from "../../../lib/core/ptcp/nack.ts";
import { decodeSegment, encodeSegment, isPtcp } from "../../../lib/core/ptcp/segment.ts";
import {
  seqAdd,
  seqDiff,
  seqLess,
  seqWithin,
  timestampDiff,
} from "../../../lib/core/ptcp/sequence.ts";

/** Row 4 of the recorded log. */
const ROW_4 = fromHex(
  "50544350 00000004 00000010 0000fff3 3d9c8794 00000001 18000000 00000000 00000000 d1d2d3d4",
);

Deno.test("a recorded segment decodes into its fields and encodes byte-exact", () => {
  const segment = decodeSegment(ROW_4);
  assertEquals({ ...segment, payload: toHex(segment.payload) }, {
    sequence: 4,
    ack: 16,
    control: 0,
    flags: 0,
    window: 0xfff3,
    timestamp: 0x3d9c8794,
    echo: 1,
    payload: "180000000000000000000000d1d2d3d4",
  });
  assertEquals(toHex(encodeSegment(segment)), toHex(ROW_4));
});

Deno.test("a segment cut inside its header is an error, one cut behind it a shorter segment", () => {
  for (let length = 0; length < ROW_4.length; length++) {
    const cut = ROW_4.slice(0, length);
    if (length < 24) {
      assertThrows(() => decodeSegment(cut), DecodeError);
      assertEquals(isPtcp(cut), false);
    } else assertEquals(decodeSegment(cut).payload.length, length - 24);
  }
});

Deno.test("another magic is no segment", () => {
  for (let i = 0; i < 4; i++) {
    const other = ROW_4.slice();
    other[i]! ^= 0x20;
    assertThrows(() => decodeSegment(other), DecodeError);
    assertEquals(isPtcp(other), false);
  }
});

Deno.test("any header and body survive a round trip", () => {
  const uint32 = fc.integer({ min: 0, max: 0xffffffff });
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(fc.property(
    fc.record({
      sequence: uint32,
      ack: uint32,
      control: byte,
      flags: byte,
      window: fc.integer({ min: 0, max: 0xffff }),
      timestamp: uint32,
      echo: uint32,
      payload: fc.uint8Array({ maxLength: 64 }),
    }),
    (segment) => assertEquals(decodeSegment(encodeSegment(segment)), segment),
  ));
});

for (
  const [name, decode, encode] of [
    ["segment", decodeSegment, encodeSegment],
    ["CONNECT", decodeConnect, undefined],
    ["NACK", decodeNack, encodeNack],
  ] as const
) {
  Deno.test(`any bytes are a ${name} or a DecodeError, nothing else`, () => {
    const heads = name === "segment" ? ["50544350", ""] : ["00", "0a00", "0a0008", ""];
    fc.assert(fc.property(
      fc.constantFrom(...heads),
      fc.uint8Array({ maxLength: 48 }),
      (head, tail) => {
        const bytes = fromHex(head + toHex(tail));
        try {
          const value = decode(bytes);
          if (encode) {
            assertEquals(toHex((encode as (v: unknown) => Uint8Array)(value)), toHex(bytes));
          }
        } catch (error) {
          assert(error instanceof DecodeError, String(error));
        }
      },
    ));
  });
}

Deno.test("CONNECT options: scale, padding, end, unknown kinds and truncation at every length", () => {
  const table: [string, number | undefined][] = [
    ["00", undefined],
    ["00030100", 0],
    ["00030107", 7],
    ["0003010f", 14],
    ["000301ff", 14],
    ["0001010103010501", 5],
    ["0002020514030105", 5],
    ["0000030105", undefined],
    ["00fe03aabbcc030106", 6],
    ["00030200050301", undefined],
    ["0003", undefined],
    ["000301", undefined],
    ["00030105fe", 5],
    ["00030105fe09", 5],
  ];
  for (const [hex, scale] of table) {
    assertEquals(decodeConnect(fromHex(hex)).windowScale, scale, hex);
  }
  for (const scale of [0, 1, 14]) {
    assertEquals(decodeConnect(encodeConnect({ windowScale: scale })).windowScale, scale);
  }
  assertEquals(toHex(encodeConnect({ windowScale: 0 })), "00030100");
  assertEquals(toHex(encodeConnect({})), "00");
  assertThrows(() => decodeConnect(new Uint8Array(0)), DecodeError);
  assertThrows(() => decodeConnect(fromHex("01030100")), DecodeError);
});

Deno.test("sequence numbers compare across the wrap", () => {
  assertEquals(seqAdd(0xffffffff, 1), 0);
  assertEquals(seqAdd(0, -1), 0xffffffff);
  assertEquals(seqDiff(3, 0xfffffffe), 5);
  assertEquals(seqDiff(0xfffffffe, 3), -5);
  assert(seqLess(0xfffffff0, 5));
  assert(!seqLess(5, 5));
  assert(seqWithin(2, 0xfffffffe, 5));
  assert(!seqWithin(3, 0xfffffffe, 5));
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.integer({ min: -0x7fffffff, max: 0x7fffffff }),
    (a, n) => assertEquals(seqDiff(seqAdd(a, n), a), n),
  ));
});

Deno.test("timestamps compare across the wraps at 2^31 and at 2^32", () => {
  assertEquals(timestampDiff(5, 0x7ffffffe), 7);
  assertEquals(timestampDiff(0x7ffffffe, 5), -7);
  assertEquals(timestampDiff(5, 0xfffffffe), 7);
});
