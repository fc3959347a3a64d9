import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concatBytes, decodeLatin1, EMPTY, utf8 } from "../../../lib/core/bytes.ts";
import { SMARTPSS } from "../../../lib/core/cloud/dialect.ts";
import { decodeRequest, header } from "../../../lib/core/cloud/message.ts";
import { passwordDigest } from "../../../lib/core/cloud/wsse.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import { encodeFrame } from "../../../lib/core/realm/frame.ts";
import {
  BindAnswer,
  type BindOutcome,
  CLIENT_BIND_PATH,
  composeRelayBind,
  MAX_BIND_ANSWER_BYTES,
} from "../../../lib/core/relay/relay_bind.ts";

const HEARTBEAT = encodeFrame({ type: "heartbeat" });
const OK = utf8("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

/** What comes of a stream that arrives in pieces. */
function pushAll(pieces: readonly Uint8Array[]): BindOutcome {
  const answer = new BindAnswer();
  const rest: Uint8Array[] = [];
  let outcome: BindOutcome = { type: "waiting" };
  for (const piece of pieces) {
    if (outcome.type === "waiting") outcome = answer.push(piece);
    else rest.push(piece);
  }
  return outcome.type === "accepted"
    ? { type: "accepted", rest: concatBytes([outcome.rest, ...rest]) }
    : outcome;
}

Deno.test("client-bind is a POST with WSSE and the token in JSON", () => {
  const createdAt = Date.UTC(2024, 5, 7, 2, 31, 50);
  const agent = { ip: "192.0.2.12", port: 31500 };
  const bytes = composeRelayBind(SMARTPSS, {
    path: CLIENT_BIND_PATH,
    agent,
    token: 't"1',
    nonce: "123456789",
    createdAt,
  });
  const request = decodeRequest(bytes);
  assertEquals([request.method, request.path], ["POST", "/tcprelay/client-bind"]);
  assertEquals(JSON.parse(decodeLatin1(request.body)), { Token: 't"1' });
  assertEquals(header(request, "Content-Length"), String(request.body.length));
  assertEquals(header(request, "Host"), "192.0.2.12:31500");
  assertEquals(header(request, "Authorization"), 'WSSE profile="UsernameToken"');
  const { user, key } = SMARTPSS.account;
  const digest = passwordDigest(user, key, "123456789", "2024-06-07T02:31:50Z");
  assert(header(request, "X-WSSE")!.includes(`PasswordDigest="${digest}"`));
});

Deno.test("an answer is found however the stream is cut, and what follows belongs to the frames", () => {
  const answers = [
    OK,
    utf8("HTTP/1.1 200 OK\r\n\r\n"),
    utf8('HTTP/1.1 201 Created\r\nContent-Type: \r\nContent-Length: 9\r\n\r\n{"a":"b"}'),
    utf8("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    EMPTY,
  ];
  for (const answer of answers) {
    const stream = concatBytes([answer, HEARTBEAT, HEARTBEAT]);
    const expected = concatBytes([HEARTBEAT, HEARTBEAT]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const outcome = pushAll([stream.subarray(0, cut), stream.subarray(cut)]);
      assertEquals(outcome, { type: "accepted", rest: expected }, `${cut}`);
    }
    const single = Array.from(stream, (byte) => Uint8Array.of(byte));
    assertEquals(pushAll(single), { type: "accepted", rest: expected });
  }
});

Deno.test("every prefix of an answer is waited for", () => {
  for (let length = 0; length < OK.length; length++) {
    assertEquals(pushAll([OK.subarray(0, length)]), { type: "waiting" }, `${length}`);
  }
});

Deno.test("a status from 300 on is a refusal, without waiting for its body", () => {
  for (const status of [301, 403, 404, 503]) {
    const text = `HTTP/1.1 ${status} No\r\nContent-Length: 500\r\n\r\n<html>`;
    assertEquals(pushAll([utf8(text)]), { type: "refused", status });
  }
});

Deno.test("what is neither answer nor frame, or has no end, is refused", () => {
  const bad = [
    utf8("SSH-2.0-OpenSSH_9.2\r\n"),
    utf8("HTTQ"),
    Uint8Array.of(0x20),
    Uint8Array.of(0x00),
    utf8("HTTP/9.9 what\r\n\r\n"),
    utf8("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
    utf8("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"),
    utf8("HTTP/1.1 200 OK\r\nX: " + "y".repeat(MAX_BIND_ANSWER_BYTES)),
    utf8("HTTP/1.1 100 Continue\r\n\r\nnonsense"),
  ];
  for (const bytes of bad) {
    assertThrows(() => pushAll([bytes]), DecodeError, undefined, decodeLatin1(bytes.slice(0, 30)));
    assertThrows(() => pushAll(Array.from(bytes, (byte) => Uint8Array.of(byte))), DecodeError);
  }
});

Deno.test("any bytes are an outcome or a DecodeError", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(OK, HEARTBEAT, utf8("HTTP/1.1 200"), utf8("\r\n\r\n"), utf8("HTTP/1.1 1")),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
    try {
      const outcome = pushAll(pieces);
      assert(["waiting", "accepted", "refused"].includes(outcome.type));
    } catch (error) {
      assert(error instanceof DecodeError, String(error));
    }
  }));
});
