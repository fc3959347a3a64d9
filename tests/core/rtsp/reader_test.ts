import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../../lib/core/bytes.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import { type RtspItem, RtspReader } from "../../../lib/core/rtsp/reader.ts";

const STREAM = concatBytes([
  utf8("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\nv=0\r\n"),
  new Uint8Array([0x24, 0, 0, 3, 1, 2, 3, 0x24, 1, 0, 0]),
  utf8("\r\nOPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n"),
]);

function read(cuts: readonly number[]): RtspItem[] {
  const reader = new RtspReader();
  const items: RtspItem[] = [];
  const edges = [0, ...[...cuts].sort((a, b) => a - b), STREAM.length];
  for (let i = 1; i < edges.length; i++) {
    reader.push(STREAM.subarray(edges[i - 1]!, edges[i]!));
    for (let item = reader.next(); item; item = reader.next()) items.push(item);
  }
  return items;
}

Deno.test("messages with bodies, packets and requests come out whole", () => {
  const items = read([]);
  assertEquals(items.map(({ type }) => type), [
    "response",
    "interleaved",
    "interleaved",
    "request",
  ]);
  assertEquals(items[0]?.type === "response" && items[0].body, utf8("v=0\r\n"));
  assertEquals(items[1], { type: "interleaved", channel: 0, data: new Uint8Array([1, 2, 3]) });
  assertEquals(items[2], { type: "interleaved", channel: 1, data: new Uint8Array(0) });
});

Deno.test("what is read does not depend on where the stream is cut", () => {
  const whole = read([]);
  assertEquals(read(Array.from({ length: STREAM.length - 1 }, (_, i) => i + 1)), whole);
  const cuts = fc.array(fc.integer({ min: 0, max: STREAM.length }), { maxLength: 12 });
  fc.assert(fc.property(cuts, (at) => assertEquals(read(at), whole)));
});

Deno.test("bytes pushed before the last ones were read are not lost", () => {
  const reader = new RtspReader();
  reader.push(STREAM.subarray(0, 30));
  reader.push(STREAM.subarray(30));
  assertEquals(reader.next()?.type, "response");
  reader.push(utf8("OPTIONS * RTSP/1.0\r\n\r\n"));
  const rest: string[] = [];
  for (let item = reader.next(); item; item = reader.next()) rest.push(item.type);
  assertEquals(rest, ["interleaved", "interleaved", "request", "request"]);
});

Deno.test("no RTSP and too long a body are the peer's fault", () => {
  const noise = new RtspReader();
  noise.push(utf8("HTTP/1.1 200 OK\r\n\r\n"));
  assertThrows(() => noise.next(), DecodeError);
  const long = new RtspReader({ maxBodyBytes: 4 });
  long.push(utf8("RTSP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"));
  assertThrows(() => long.next(), DecodeError);
});
