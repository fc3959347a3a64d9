import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../../lib/core/bytes.ts";
import { StateError } from "../../../lib/core/errors.ts";
import { MessageFramer } from "../../../lib/core/rtsp/framer.ts";

const packet = (channel: number, body: Uint8Array): Uint8Array =>
  concatBytes([
    new Uint8Array([0x24, channel, body.length >> 8, body.length & 0xff]),
    body,
  ]);

/** Walks a chunk and returns the state after each step with the bytes it took. */
function walk(framer: MessageFramer, chunk: Uint8Array): [string, number][] {
  const steps: [string, number][] = [];
  for (let at = 0; at < chunk.length;) {
    const to = framer.advance(chunk, at);
    steps.push([framer.state, to - at]);
    at = to;
  }
  return steps;
}

Deno.test("a response with a body, a packet and a request are told apart", () => {
  const head = utf8("RTSP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n");
  const request = utf8("OPTIONS * RTSP/1.0\r\n\r\n");
  const chunk = concatBytes([head, utf8("$$$"), packet(0, new Uint8Array(70)), request]);
  assertEquals(walk(new MessageFramer(), chunk), [
    ["body", head.length],
    ["boundary", 3],
    ["boundary", 74],
    ["boundary", request.length],
  ]);
});

Deno.test("an empty packet and empty lines between messages are boundaries", () => {
  const chunk = concatBytes([utf8("\r\n"), packet(1, new Uint8Array(0)), utf8("\r\n")]);
  assertEquals(walk(new MessageFramer(), chunk).at(-1), ["boundary", 1]);
});

Deno.test("the framing does not depend on where the stream is cut", () => {
  const stream = concatBytes([
    utf8("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 11\r\n\r\nv=0\r\n$\r\n\r\n."),
    packet(0, new Uint8Array(300)),
    packet(1, new Uint8Array(0)),
    utf8("\r\nGET_PARAMETER * RTSP/1.0\nCSeq: 9\n\n"),
    packet(2, new Uint8Array(5)),
  ]);
  const heads = (cuts: number[]): unknown[] => {
    const framer = new MessageFramer();
    const found: unknown[] = [];
    const edges = [0, ...[...cuts].sort((a, b) => a - b), stream.length];
    for (let i = 1; i < edges.length; i++) {
      const chunk = stream.subarray(edges[i - 1]!, edges[i]!);
      for (let at = 0; at < chunk.length;) {
        at = framer.advance(chunk, at);
        if (framer.head) found.push([framer.head, framer.headBytes()]);
      }
    }
    assertEquals(framer.state, "boundary");
    return found;
  };
  const whole = heads([]);
  assertEquals(whole.length, 2);
  assertEquals(heads(Array.from({ length: stream.length - 1 }, (_, i) => i + 1)), whole);
  const cuts = fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 });
  fc.assert(fc.property(cuts, (at) => assertEquals(heads(at), whole)));
});

Deno.test("what is no RTSP loses the framing for good and all bytes pass", () => {
  for (
    const text of [
      "\x16\x03\x01\x02\x00\x01",
      "GET /x HTTP/1.0\r\n\r\n",
      "OPTIONS * RTSP/1.0\r\nContent-Length: many\r\n\r\n",
      "OPT\x00IONS",
      "OPTIONS * RTSP/1.0\r\nwithout a colon\r\n\r\n",
      " leading space",
    ]
  ) {
    const framer = new MessageFramer();
    const chunk = utf8(text + "rest");
    assertEquals(walk(framer, chunk).at(-1)?.[0], "lost", text);
    assertEquals(framer.advance(utf8("OPTIONS * RTSP/1.0\r\n\r\n"), 3), 22);
    assertEquals([framer.state, framer.head], ["lost", undefined]);
  }
});

Deno.test("a head may be as long as the limit and not one byte longer", () => {
  const head = utf8("OPTIONS * RTSP/1.0\r\nX: 0123456789\r\n\r\n");
  const fits = new MessageFramer({ maxHeadBytes: head.length });
  fits.advance(head, 0);
  assertEquals(fits.state, "boundary");
  const short = new MessageFramer({ maxHeadBytes: head.length - 1 });
  short.advance(head, 0);
  assertEquals(short.state, "lost");
});

Deno.test("any bytes in any pieces make progress and never throw", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
    const framer = new MessageFramer({ maxHeadBytes: 64 });
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        const to = framer.advance(chunk, at);
        if (to <= at || to > chunk.length) throw new Error(`from ${at} to ${to}`);
        at = to;
      }
    }
  }));
});

Deno.test("advancing over nothing is the caller's fault", () => {
  assertThrows(() => new MessageFramer().advance(new Uint8Array(2), 2), StateError);
});
