import { assertEquals, assertFalse, assertThrows } from "@std/assert";
import { concatBytes, utf8 } from "../../lib/core/bytes.ts";
import { CaptureWriter } from "../../lib/core/capture/capture_writer.ts";
import { DecodeError } from "../../lib/core/errors.ts";
import { fixtureLines } from "../../scripts/capture_to_fixture.ts";
import {
  dataFrames,
  LOGIN_SECRETS,
  MAIN,
  PtcpScript,
  rtspDialogue,
} from "../support/capture_session.ts";

function file(bytes: Uint8Array): { readSync(buffer: Uint8Array): number | null } {
  let at = 0;
  return {
    readSync(buffer): number | null {
      if (at >= bytes.length) return null;
      const part = bytes.subarray(at, at + Math.min(buffer.length, 1000));
      buffer.set(part);
      at += part.length;
      return part.length;
    },
  };
}

/** A capture with all its secrets in it. */
function capture(): Uint8Array {
  const writer = new CaptureWriter({ secrets: "keep" });
  const script = new PtcpScript();
  const main = new PtcpScript({ remote: MAIN, socket: "main" });
  const request = utf8("DHGET /online/p2psrv/EXAMPLE0SERIAL0 HTTP/1.1\r\nCSeq: 2\r\n\r\n");
  return concatBytes([
    writer.datagram(main.datagram("out", request)),
    ...[...script.connect(), ...script.bind(1, 554)].map((datagram) => writer.datagram(datagram)),
    ...rtspDialogue().map(({ direction, bytes }) =>
      writer.datagram(script.segment(direction, dataFrames(1, bytes)))
    ),
    writer.event("link closed", 1_717_727_600_000),
    writer.finish(),
  ]);
}

Deno.test("a capture with secrets becomes a fixture without them", () => {
  const lines = [...fixtureLines(file(capture()), "a synthetic session")];
  const rows = lines.map((line) => JSON.parse(line));
  assertEquals(rows[0], { provenance: "a synthetic session" });
  assertEquals(rows.length, 1 + 1 + 4 + rtspDialogue().length + 1);
  assertEquals(rows[1].kind, "signaling");
  assertEquals(rows.slice(2, 6).map((row) => row.length), [4, 4, 20, 16]);
  assertEquals(rows[7].payload, "rtsp response, first line: RTSP/1.0 401 Unauthorized");
  assertEquals(rows.at(-2).payload, "interleaved, channel 0, length 1512");
  assertEquals(rows.at(-1), {
    n: rows.length - 1,
    kind: "event",
    at_ms: 89_990,
    text: "link closed",
  });
  for (const secret of [...LOGIN_SECRETS, "EXAMPLE0SERIAL0"]) {
    assertFalse(lines.join("\n").includes(secret), secret);
  }
});

Deno.test("a broken capture gives its rows and then a DecodeError", () => {
  const whole = capture();
  const lines: string[] = [];
  assertThrows(() => {
    for (const line of fixtureLines(file(whole.subarray(0, whole.length - 1)))) lines.push(line);
  }, DecodeError);
  assertEquals(lines.length, 1 + 4 + rtspDialogue().length);
});
