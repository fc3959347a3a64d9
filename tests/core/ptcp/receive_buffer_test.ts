import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ReceiveBuffer } from "../../../lib/core/ptcp/receive_buffer.ts";
import { seqAdd } from "../../../lib/core/ptcp/sequence.ts";

const START = 0xffff_ffe0;

/** Byte `offset` of the stream. */
function byteAt(offset: number): number {
  return (offset * 7 + (offset >> 5)) & 0xff;
}

/** `length` bytes of the stream from `offset` on. */
function stream(offset: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => byteAt(offset + i));
}

Deno.test("whatever pieces arrive, every byte comes out once, in order, within the capacity", () => {
  const piece = fc.record({
    offset: fc.integer({ min: 0, max: 400 }),
    length: fc.integer({ min: 1, max: 60 }),
    reads: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(fc.property(
    fc.array(piece, { maxLength: 120 }),
    fc.integer({ min: 1, max: 200 }),
    (pieces, capacity) => {
      const buffer = new ReceiveBuffer(capacity, START);
      let read = 0;
      const take = (): boolean => {
        const chunk = buffer.read();
        if (chunk === undefined) return false;
        assertEquals([...chunk], [...stream(read, chunk.length)]);
        read += chunk.length;
        return true;
      };
      // The pieces in their order, then once more in ascending order, so that all can come out.
      const ascending = pieces.toSorted((a, b) => a.offset - b.offset);
      for (const { offset, length, reads } of [...pieces, ...ascending]) {
        const before = buffer.next;
        const payload = stream(offset, length);
        const arrival = buffer.insert(seqAdd(START, offset), payload, "keep");
        if (arrival === "duplicate" || arrival === "outside" || arrival === "out-of-order") {
          assertEquals(buffer.next, before);
        }
        assert(buffer.freeBytes >= 0 && buffer.unreadBytes <= capacity);
        for (let i = 0; i < reads; i++) take();
      }
      while (take());
      assertEquals(seqAdd(START, read), buffer.next);
    },
  ));
});

Deno.test("many small unread segments cost about their bytes", () => {
  const buffer = new ReceiveBuffer(65_535, START);
  for (let i = 0; i < 65_535; i++) buffer.insert(seqAdd(START, i), stream(i, 1), "keep");
  assertEquals(buffer.unreadBytes, 65_535);
  assertEquals(buffer.freeBytes, 0);
  let read = 0;
  let chunks = 0;
  for (let chunk; (chunk = buffer.read()) !== undefined; chunks++) {
    for (const byte of chunk) assertEquals(byte, byteAt(read++));
  }
  assertEquals(read, 65_535);
  assert(chunks < 100, `${chunks} chunks`);
});

Deno.test("chunks copied together are whole after the reader has taken the block in part", () => {
  const buffer = new ReceiveBuffer(65_535, START);
  let written = 0;
  let read = 0;
  const readOne = (): void => {
    const chunk = buffer.read();
    for (const byte of chunk ?? []) assertEquals(byte, byteAt(read++));
  };
  for (let i = 0; i < 3000; i++) {
    buffer.insert(seqAdd(START, written), stream(written, 5), "keep");
    written += 5;
    if (i % 40 === 39) { for (let j = 0; j < 30; j++) readOne(); }
  }
  while (buffer.unreadBytes > 0) readOne();
  assertEquals(read, written);
});

Deno.test("fragments beyond a hole are bounded in number", () => {
  const buffer = new ReceiveBuffer(65_535, START);
  let kept = 0;
  for (let i = 1; i < 30_000; i++) {
    if (buffer.insert(seqAdd(START, 2 * i), stream(0, 1), "keep") === "out-of-order") kept++;
  }
  assertEquals(kept, buffer.fragments);
  assertEquals(kept, 512);
});

Deno.test("data that ends beyond the buffer is cut, data that begins there refused", () => {
  const buffer = new ReceiveBuffer(100, START);
  assertEquals(buffer.insert(seqAdd(START, 90), stream(90, 50), "keep"), "out-of-order");
  assertEquals(buffer.insert(seqAdd(START, 100), stream(100, 5), "keep"), "outside");
  assertEquals(buffer.insert(START, stream(0, 90), "keep"), "gap-filled");
  assertEquals(buffer.unreadBytes, 100);
  assertEquals(buffer.insert(seqAdd(START, 100), stream(100, 5), "keep"), "outside");
  assertEquals(buffer.insert(seqAdd(START, 50), stream(50, 10), "keep"), "duplicate");
});
