import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { concatBytes } from "../../../lib/core/bytes.ts";
import { ByteQueue } from "../../../lib/core/realm/byte_queue.ts";
import { FrameParser } from "../../../lib/core/realm/frame.ts";
import { FrameQueue } from "../../../lib/core/realm/frame_queue.ts";
import {
  newScheduleEntry,
  type ScheduleEntry,
  SendSchedule,
} from "../../../lib/core/realm/send_schedule.ts";

/** Lengths of pushes, and 0 for taking something out. */
const work = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3000 }), fc.nat(20)), {
  maxLength: 200,
});

function numbered(length: number, from: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => from + i);
}

Deno.test("a byte queue gives out what was put in, in order", () => {
  fc.assert(fc.property(work, (steps) => {
    const queue = new ByteQueue();
    let put = 0;
    let taken = 0;
    const take = (): void => {
      const chunk = queue.shift();
      if (chunk === undefined) return assertEquals(taken, put);
      assertEquals(chunk, numbered(chunk.length, taken));
      taken += chunk.length;
    };
    for (const length of steps) {
      if (length === 0) take();
      queue.push(numbered(length, put));
      put += length;
      assertEquals(queue.length, put - taken);
    }
    while (taken < put) take();
    assertEquals(queue.shift(), undefined);
    assertEquals(queue.length, 0);
  }));
});

Deno.test("a byte queue holds at most a small multiple of its bytes", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 1280 })), (lengths) => {
    const queue = new ByteQueue();
    for (const length of lengths) queue.push(new Uint8Array(1316).subarray(0, length));
    let held = 0;
    const bytes = queue.length;
    for (let c = queue.shift(); c !== undefined; c = queue.shift()) held += c.buffer.byteLength;
    assert(held <= 3 * bytes + 1316, `${held} bytes for ${bytes}`);
  }));
});

Deno.test("a byte queue whose reader lags keeps no buffer that it shares with others", () => {
  const queue = new ByteQueue();
  const bytes = 1_000_000;
  // One chunk in a hundred is for this reader: each is a view of a buffer full of others' bytes.
  for (let put = 0; put < bytes; put += 1250) {
    queue.push(new Uint8Array(131_072).subarray(put % 100_000, put % 100_000 + 1250));
  }
  const buffers = new Set<ArrayBufferLike>();
  let taken = 0;
  for (let c = queue.shift(); c !== undefined; c = queue.shift()) {
    taken += c.length;
    buffers.add(c.buffer);
  }
  let held = 0;
  for (const buffer of buffers) held += buffer.byteLength;
  assertEquals(taken, bytes);
  assert(held < 2 * bytes + 65_536 / 1250 * 131_072, `${held} bytes for ${bytes}`);
});

Deno.test("an emptied or cleared byte queue copies nothing that comes after", () => {
  const queue = new ByteQueue();
  queue.push(new Uint8Array(5));
  queue.push(new Uint8Array(5));
  queue.clear();
  assertEquals(queue.length, 0);
  assertEquals(queue.shift(), undefined);
  const chunk = new Uint8Array(9);
  queue.push(chunk);
  assert(queue.shift() === chunk);
});

Deno.test("a frame queue frames what was put in, in frames of 1 to 1280 bytes", () => {
  fc.assert(fc.property(work, (steps) => {
    const queue = new FrameQueue(7);
    const parser = new FrameParser();
    let put = 0;
    let taken = 0;
    const take = (): void => {
      const frame = queue.peek();
      assertEquals(queue.peek(), frame);
      if (frame === undefined) return assertEquals([taken, queue.isEmpty], [put, true]);
      queue.drop();
      parser.push(frame);
      const parsed = parser.next();
      assert(parsed?.type === "data" && parser.atBoundary);
      assertEquals(parsed.realm, 7);
      assert(parsed.data.length >= 1 && parsed.data.length <= 1280);
      assertEquals(parsed.data, numbered(parsed.data.length, taken));
      taken += parsed.data.length;
    };
    for (const length of steps) {
      if (length === 0) take();
      const bytes = numbered(length + 3, put);
      queue.push(bytes, length);
      bytes.fill(0);
      put += length;
      assertEquals(queue.dataBytes, put - taken);
    }
    while (taken < put) take();
    take();
  }));
});

Deno.test("a frame that was looked at is not changed by later writes", () => {
  const queue = new FrameQueue(7);
  queue.push(numbered(10, 0), 10);
  const frame = queue.peek()!;
  const copy = frame.slice();
  queue.push(numbered(10, 10), 10);
  assertEquals(frame, copy);
  assertEquals(queue.peek(), frame);
  queue.clear();
  assertEquals([queue.peek(), queue.dataBytes], [undefined, 0]);
});

interface Client {
  readonly schedule: ScheduleEntry;
  readonly name: string;
  /** Sizes of the frames it has. */
  readonly frames: number[];
}

function client(name: string, frames: number[]): Client {
  return { schedule: newScheduleEntry(), name, frames };
}

const isEmpty = (sender: Client): boolean => sender.frames.length === 0;

/** Who sends the next frames. */
function turns(schedule: SendSchedule<Client>, count: number): string[] {
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    const sender = schedule.next(isEmpty);
    if (sender === undefined) break;
    schedule.sent(sender, sender.frames.shift()!);
    names.push(sender.name);
  }
  return names;
}

Deno.test("senders with full frames take turns", () => {
  const schedule = new SendSchedule<Client>();
  for (const name of ["a", "b", "c"]) schedule.add(client(name, Array(5).fill(1292)));
  assertEquals(turns(schedule, 100).join(""), "abcabcabcabcabc");
  assertEquals(schedule.next(isEmpty), undefined);
});

Deno.test("a sender with small frames gets as many bytes as the others", () => {
  const schedule = new SendSchedule<Client>();
  schedule.add(client("a", Array(100).fill(1292)));
  schedule.add(client("b", Array(1000).fill(100)));
  const names = turns(schedule, 500);
  const a = names.filter((name) => name === "a").length * 1292;
  const b = names.filter((name) => name === "b").length * 100;
  assert(Math.abs(a - b) < 2 * 1292, `${a} and ${b}`);
});

Deno.test("a sender that had nothing goes before the round, once", () => {
  const schedule = new SendSchedule<Client>();
  for (const name of ["a", "b", "c"]) schedule.add(client(name, Array(9).fill(1292)));
  assertEquals(turns(schedule, 4).join(""), "abca");
  const late = client("x", [200]);
  schedule.add(late);
  assertEquals(turns(schedule, 2).join(""), "xb");
  // It ran dry: coming back at once gains nothing over the round.
  late.frames.push(200);
  schedule.add(late);
  assertEquals(turns(schedule, 4).join(""), "cxab");
});

Deno.test("a removed sender has no turn", () => {
  const schedule = new SendSchedule<Client>();
  const [a, b] = [client("a", [1, 1]), client("b", [1, 1])];
  schedule.add(a);
  schedule.add(b);
  schedule.remove(a);
  schedule.remove(a);
  assertEquals(turns(schedule, 9).join(""), "bb");
  schedule.add(a);
  schedule.add(a);
  assertEquals(turns(schedule, 9).join(""), "aa");
});

Deno.test("however senders come and go, all that they have is sent", () => {
  const step = fc.tuple(fc.nat(4), fc.integer({ min: 13, max: 1292 }), fc.nat(3));
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const schedule = new SendSchedule<Client>();
    const clients = [..."abcde"].map((name) => client(name, []));
    let put = 0;
    let taken = 0;
    for (const [who, size, sends] of steps) {
      clients[who]!.frames.push(size);
      schedule.add(clients[who]!);
      put++;
      taken += turns(schedule, sends).length;
    }
    taken += turns(schedule, 10_000).length;
    assertEquals(taken, put);
    assertEquals(concatBytes(clients.map((c) => Uint8Array.from(c.frames))).length, 0);
  }));
});
