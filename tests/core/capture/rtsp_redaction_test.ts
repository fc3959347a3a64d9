import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { concatBytes, decodeLatin1, utf8 } from "../../../lib/core/bytes.ts";
import { RtspRedaction } from "../../../lib/core/capture/rtsp_redaction.ts";
import { LOGIN_SECRETS, rtspDialogue } from "../../support/capture_session.ts";

/** Redacts one direction given in pieces; only the first piece begins a frame. */
function redact(pieces: readonly Uint8Array[], redaction = new RtspRedaction()): Uint8Array {
  return concatBytes(pieces.map((piece, index) => {
    const copy = piece.slice();
    redaction.redact(copy, 0, copy.length, index === 0);
    return copy;
  }));
}

function redactText(text: string): string {
  return decodeLatin1(redact([utf8(text)]));
}

function stream(direction: "in" | "out"): Uint8Array {
  return concatBytes(
    rtspDialogue().filter((part) => part.direction === direction).map((part) => part.bytes),
  );
}

function assertNoSecrets(bytes: Uint8Array): void {
  const text = decodeLatin1(bytes);
  for (const secret of LOGIN_SECRETS) assertFalse(text.includes(secret), secret);
}

Deno.test("a login loses every value and keeps its form", () => {
  assertEquals(
    redactText(
      "DESCRIBE rtsp://u:p@127.0.0.1:554/cam/realmonitor?channel=1&subtype=0 RTSP/1.0\r\n" +
        'CSeq: 2\r\nAuthorization: Digest username="ab", realm="Login to cd", nonce="ef", ' +
        'uri="rtsp://x/", response="01\\"2", qop=auth\r\nX-Pin: 1 2\r\n\r\n',
    ),
    "DESCRIBE rtsp://*****************/cam/realmonitor?channel=1&subtype=0 RTSP/1.0\r\n" +
      'CSeq: 2\r\nAuthorization: Digest username="**", realm="***********", nonce="**", ' +
      'uri="*********", response="*****", qop=****\r\nX-Pin: * *\r\n\r\n',
  );
  assertStringIncludes(
    redactText("OPTIONS * RTSP/1.0\r\nAuthorization: Basic Zm9v\r\n\r\n"),
    "OPTIONS * RTSP/1.0\r\nAuthorization: Basic ****\r\n",
  );
  assertStringIncludes(
    redactText("RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Bearer Zm9v\r\n\r\n"),
    "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: B**********\r\n",
  );
});

Deno.test("both directions of a session come out without secrets and with all that is harmless", () => {
  const toDevice = decodeLatin1(redact([stream("out")]));
  const fromDevice = decodeLatin1(redact([stream("in")]));
  assertNoSecrets(utf8(toDevice));
  assertNoSecrets(utf8(fromDevice));
  for (
    const kept of [
      "OPTIONS rtsp://",
      "/cam/realmonitor?channel=1&subtype=0 RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: test\r\n",
      "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
      "/trackID=0 RTSP/1.0",
      "PLAY rtsp://",
    ]
  ) assertStringIncludes(toDevice, kept);
  for (
    const kept of [
      "RTSP/1.0 401 Unauthorized\r\n",
      "m=video 0 RTP/AVP 96\r\na=control:trackID=0\r\na=rtpmap:96 H264/90000\r\n",
      ";timeout=60\r\n",
      "/trackID=0;seq=7;rtptime=9\r\n",
    ]
  ) assertStringIncludes(fromDevice, kept);
});

Deno.test("interleaved media passes unchanged", () => {
  const media = rtspDialogue().at(-1)!.bytes;
  assertEquals(redact([media]), media);
});

Deno.test("a cut at any byte changes nothing", () => {
  for (const direction of ["in", "out"] as const) {
    const bytes = stream(direction);
    const whole = redact([bytes]);
    for (let at = 1; at < bytes.length; at += at < 1200 ? 1 : 97) {
      assertEquals(redact([bytes.subarray(0, at), bytes.subarray(at)]), whole);
    }
    assertEquals(redact(Array.from(bytes, (byte) => Uint8Array.of(byte))), whole);
  }
});

Deno.test("after a gap everything is blank until a frame begins a message or a packet", () => {
  const redaction = new RtspRedaction();
  redaction.lose();
  const rest = utf8('sponse="hush"\r\nX: PLAY rtsp://hush/ RTSP/1.0\r\n\r\n');
  const blank = redact([rest], redaction);
  assert(blank.every((byte) => byte === 0x2a));
  const middle = utf8("PLAY * RTSP/1.0\r\n\r\n");
  const copy = middle.slice();
  redaction.redact(copy, 0, copy.length, false);
  assert(copy.every((byte) => byte === 0x2a), "a message that begins no frame is not believed");
  assertEquals(redact([middle], redaction), middle);
  redaction.lose();
  const packet = Uint8Array.of(0x24, 1, 0, 2, 7, 7);
  assertEquals(redact([packet], redaction), packet);
  redaction.lose();
  assertFalse(redact([utf8("$ecret password")], redaction).includes(0x65));
});

Deno.test("what is not RTSP is blanked from the first byte that shows it", () => {
  // The part shared with GET_PARAMETER has been let through.
  assertEquals(redactText("GET /login?pw=hush"), "GET" + "*".repeat(15));
  assertEquals(redactText("hush\r\nOPTIONS * RTSP/1.0\r\n"), "*".repeat(26));
});

Deno.test("bodies are blank unless they describe media, and long ones end the trust", () => {
  const text = "SET_PARAMETER * RTSP/1.0\r\nContent-Type: text/parameters\r\n" +
    "Content-Length: 8\r\n\r\npin: 123OPTIONS * RTSP/1.0\r\n\r\n";
  assertStringIncludes(redactText(text), "\r\n\r\n********OPTIONS * RTSP/1.0\r\n\r\n");
  const long = "OPTIONS * RTSP/1.0\r\nContent-Length: 99999999\r\n\r\nOPTIONS";
  assertStringIncludes(redactText(long), "\r\n\r\n*******");
});

Deno.test("a secret never survives, wherever and in however many pieces the stream is cut", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 });
  const losses = fc.array(fc.nat(29), { maxLength: 3 });
  fc.assert(fc.property(sizes, losses, fc.constantFrom("in" as const, "out" as const), (
    lengths,
    lost,
    direction,
  ) => {
    const bytes = stream(direction);
    const redaction = new RtspRedaction();
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (let index = 0; at < bytes.length; index++) {
      const length = lengths[index % lengths.length]!;
      const piece = bytes.slice(at, at + length);
      at += length;
      if (lost.includes(index)) {
        redaction.lose();
        continue;
      }
      redaction.redact(piece, 0, piece.length, true);
      pieces.push(piece);
    }
    assertNoSecrets(concatBytes(pieces));
  }));
});

Deno.test("any bytes are taken", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (pieces) => {
    const redacted = redact(pieces);
    assertEquals(redacted.length, pieces.reduce((sum, piece) => sum + piece.length, 0));
  }));
});
