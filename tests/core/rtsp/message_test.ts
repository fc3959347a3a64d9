import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { utf8 } from "../../../lib/core/bytes.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import {
  bodyLength,
  encodeHead,
  headerValue,
  headerValues,
  parseHead,
  type RtspHead,
} from "../../../lib/core/rtsp/message.ts";

const parse = (text: string): RtspHead => parseHead(utf8(text));

Deno.test("a request head is parsed with its headers in order", () => {
  assertEquals(
    parse("SETUP rtsp://h/a?b=1&c=2 RTSP/1.0\r\nCSeq: 4\r\nTransport:RTP/AVP\r\n\r\n"),
    {
      type: "request",
      method: "SETUP",
      uri: "rtsp://h/a?b=1&c=2",
      version: "1.0",
      headers: [["CSeq", "4"], ["Transport", "RTP/AVP"]],
    },
  );
});

Deno.test("a response head keeps a reason of several words, and none at all", () => {
  const head = parse("RTSP/1.0 461 Unsupported Transport\r\n\r\n");
  assertEquals(head.type === "response" && [head.status, head.reason], [
    461,
    "Unsupported Transport",
  ]);
  const bare = parse("RTSP/1.0 200\r\n\r\n");
  assertEquals(bare.type === "response" && bare.reason, "");
});

Deno.test("lines may end in LF alone, values may be empty or continued", () => {
  const head = parse("OPTIONS * RTSP/1.0\nContent-Type:\nX: a,\n\tb\n c\n\n");
  assertEquals(head.headers, [["Content-Type", ""], ["X", "a, b c"]]);
});

Deno.test("header names compare without case, and the first value counts", () => {
  const head = parse("RTSP/1.0 401 No\r\nWWW-Authenticate: A\r\nwww-authenticate: B\r\n\r\n");
  assertEquals(headerValue(head, "Www-Authenticate"), "A");
  assertEquals(headerValues(head, "WWW-AUTHENTICATE"), ["A", "B"]);
  assertEquals(headerValue(head, "CSeq"), undefined);
});

Deno.test("what is no RTSP head is a DecodeError", () => {
  for (
    const text of [
      "",
      "\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "SETUP rtsp://h\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\n",
      "RTSP/1.0 99 Low\r\n\r\n",
      "OPTIONS * RTSP/1.0\r\nno colon here\r\n\r\n",
      "OPTIONS * RTSP/1.0\r\n: no name\r\n\r\n",
      " OPTIONS * RTSP/1.0\r\n\r\n",
    ]
  ) assertThrows(() => parse(text), DecodeError);
});

Deno.test("any bytes give a head or a DecodeError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      parseHead(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }));
});

Deno.test("a body is as long as Content-Length says, and nothing without it", () => {
  const length = (lines: string): number => bodyLength(parse(`RTSP/1.0 200 OK\r\n${lines}\r\n`));
  assertEquals(length(""), 0);
  assertEquals(length("content-length: 427\r\n"), 427);
  assertEquals(length("Content-Length: 5\r\nContent-Length: 5\r\n"), 5);
  for (
    const bad of ["-1", "1e3", "0x10", "", "9999999999999999", "5\r\nContent-Length: 6"]
  ) assertThrows(() => length(`Content-Length: ${bad}\r\n`), DecodeError);
});

Deno.test("an encoded head is parsed to the same", () => {
  const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
  const value = fc.stringMatching(/^([!-~\u00a1-\u00ff]([ -~]{0,20}[!-~])?)?$/);
  const headers = fc.array(fc.tuple(token, value), { maxLength: 6 });
  const request = fc.record({
    type: fc.constant("request" as const),
    method: token,
    uri: fc.stringMatching(/^[!-~]{1,20}$/),
    version: fc.constant("1.0"),
    headers,
  });
  const response = fc.record({
    type: fc.constant("response" as const),
    version: fc.constant("1.0"),
    status: fc.integer({ min: 100, max: 999 }),
    reason: value,
    headers,
  });
  fc.assert(
    fc.property(fc.oneof(request, response), (head) => {
      assertEquals(parseHead(encodeHead(head)), head);
    }),
  );
});

Deno.test("a line break or a character outside Latin-1 is the writer's fault", () => {
  const head = (value: string): RtspHead => ({
    type: "response",
    version: "1.0",
    status: 200,
    reason: "OK",
    headers: [["X", value]],
  });
  assertThrows(() => encodeHead(head("a\r\nInjected: b")), RangeError);
  assertThrows(() => encodeHead(head("a\nb")), RangeError);
  assertThrows(() => encodeHead(head("€")), RangeError);
});
