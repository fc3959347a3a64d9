import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EMPTY, utf8 } from "../../../lib/core/bytes.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  header,
  isResponse,
  MAX_HEADERS,
  MAX_MESSAGE_BYTES,
} from "../../../lib/core/cloud/message.ts";
import { decodeBody } from "../../../lib/core/cloud/xml.ts";
import dialogue from "../../../fixtures/recorded/cloud/dialogue_2024_type0.json" with {
  type: "json",
};
import others from "../../../fixtures/recorded/cloud/responses.json" with { type: "json" };

const decoder = new TextDecoder();

Deno.test("every recorded request re-encodes byte for byte", () => {
  for (const row of dialogue.rows) {
    const bytes = utf8(row.request);
    assertEquals(decoder.decode(encodeRequest(decodeRequest(bytes))), row.request);
  }
});

Deno.test("every recorded response re-encodes byte for byte", () => {
  const texts = [
    ...dialogue.rows.flatMap((row) => row.responses.map((response) => response.text)),
    ...others.responses.map((response) => response.text),
  ];
  for (const text of texts) {
    assert(isResponse(utf8(text)));
    assertEquals(decoder.decode(encodeResponse(decodeResponse(utf8(text)))), text);
  }
});

Deno.test("every other recorded response has its status and its tags", () => {
  for (const { text, status, tags } of others.responses) {
    const response = decodeResponse(utf8(text));
    assertEquals(response.status, status);
    assertEquals([...decodeBody(response.body)], tags as [string, string][]);
  }
});

Deno.test("a head cut anywhere is refused, a cut body is what there is", () => {
  for (const row of dialogue.rows) {
    for (
      const [text, decode] of [[row.request, decodeRequest], [
        row.responses[0]!.text,
        decodeResponse,
      ]] as const
    ) {
      const bytes = utf8(text);
      const headBytes = text.indexOf("\r\n\r\n") + 4;
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.subarray(0, length);
        if (length < headBytes) assertThrows(() => decode(cut), DecodeError);
        else assertEquals(decode(cut).body.length, length - headBytes);
      }
    }
  }
});

Deno.test("CRLF CRLF inside the body stays in the body", () => {
  const text = dialogue.rows[5]!.responses[0]!.text;
  const response = decodeResponse(utf8(text));
  assert(text.endsWith("\r\n\r\n"));
  assert(decoder.decode(response.body).endsWith("</body>\r\n\r\n"));
  assertEquals(decodeBody(response.body).get("Agent"), "192.0.2.11:31407");
});

Deno.test("an empty header value is an empty text and a missing header is undefined", () => {
  const response = decodeResponse(utf8("HTTP/1.1 200 OK\r\nContent-Type: \r\nCSeq:7\r\n\r\n"));
  assertEquals(header(response, "content-type"), "");
  assertEquals(header(response, "cseq"), "7");
  assertEquals(header(response, "Date"), undefined);
});

Deno.test("a value keeps its colons and the first of two headers counts", () => {
  const response = decodeResponse(utf8("HTTP/1.1 200 OK\r\nA: b: c\r\na: d\r\n\r\n"));
  assertEquals(header(response, "A"), "b: c");
  assertEquals(response.headers, [["A", "b: c"], ["a", "d"]]);
});

Deno.test("the status text may have several words or none", () => {
  assertEquals(
    decodeResponse(utf8("HTTP/1.1 200 Server Nat Info!\r\n\r\n")).statusText,
    "Server Nat Info!",
  );
  assertEquals(decodeResponse(utf8("HTTP/1.1 200\r\n\r\n")).statusText, "");
  assertEquals(
    decoder.decode(
      encodeResponse({ status: 404, statusText: "", headers: [], body: EMPTY }),
    ),
    "HTTP/1.1 404\r\n\r\n",
  );
});

Deno.test("a Content-Length shorter, longer, missing or empty decides as documented", () => {
  const body = (lengthLine: string): string =>
    decoder.decode(decodeResponse(utf8(`HTTP/1.1 200 OK\r\n${lengthLine}\r\nabcdef`)).body);
  assertEquals(body("Content-Length: 3\r\n"), "abc");
  assertEquals(body("content-length: 0\r\n"), "");
  assertEquals(body("Content-Length: 99\r\n"), "abcdef");
  assertEquals(body("Content-Length: \r\n"), "abcdef");
  assertEquals(body(""), "abcdef");
});

Deno.test("what is no message is refused", () => {
  const texts = [
    "",
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\n\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 99 Low\r\n\r\n",
    "HTTP/1.1 600 High\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 abc OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
    `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(MAX_HEADERS + 1)}\r\n`,
    `HTTP/1.1 200 OK\r\n\r\n${"a".repeat(MAX_MESSAGE_BYTES)}`,
  ];
  for (const text of texts) assertThrows(() => decodeResponse(utf8(text)), DecodeError);
  const requests = ["GET\r\n\r\n", "GET x HTTP/1.1\r\n\r\n", "get / HTTP/1.1\r\n\r\n"];
  for (const text of requests) assertThrows(() => decodeRequest(utf8(text)), DecodeError);
});

Deno.test("exactly the largest number of headers and bytes is accepted", () => {
  decodeResponse(utf8(`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(MAX_HEADERS)}\r\n`));
  const head = "HTTP/1.1 200 OK\r\n\r\n";
  decodeResponse(utf8(head + "a".repeat(MAX_MESSAGE_BYTES - head.length)));
});

const token = fc.stringMatching(/^[A-Za-z-]{1,12}$/).filter((name) =>
  name.toLowerCase() !== "content-length"
);
const value = fc.stringMatching(/^([!-~]([ -~]{0,20}[!-~])?)?$/);

Deno.test("what was encoded decodes to the same", () => {
  fc.assert(fc.property(
    fc.constantFrom("DHGET", "NFPOST"),
    fc.stringMatching(/^\/[!-~]{0,30}$/),
    fc.array(fc.tuple(token, value), { maxLength: 12 }),
    fc.uint8Array({ maxLength: 200 }),
    (method, path, headers, body) => {
      const request = { method, path, headers, body };
      assertEquals(decodeRequest(encodeRequest(request)), request);
      const response = { status: 200, statusText: "OK", headers, body };
      assertEquals(decodeResponse(encodeResponse(response)), response);
    },
  ));
});

Deno.test("any bytes give a message or a DecodeError", () => {
  const heads = fc.constantFrom("", "HTTP/1.1 200 OK\r\n", "DHGET / HTTP/1.1\r\n", "\r\n\r\n");
  fc.assert(
    fc.property(heads, fc.uint8Array({ maxLength: 400 }), (head, tail) => {
      const bytes = new Uint8Array([...utf8(head), ...tail]);
      for (const decode of [decodeRequest, decodeResponse]) {
        try {
          decodeBody(decode(bytes).body);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
      }
    }),
    { numRuns: 500 },
  );
});
