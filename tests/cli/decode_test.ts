import { assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { concatBytes, toHex, utf8 } from "../../lib/core/bytes.ts";
import { CaptureWriter } from "../../lib/core/capture/capture_writer.ts";
import { FailureError } from "../../lib/core/failure.ts";
import { runDecode } from "../../lib/cli/decode.ts";
import { MAIN, PtcpScript } from "../support/capture_session.ts";
import { fakeHost } from "./fake_host.ts";

function capture(): Uint8Array {
  const writer = new CaptureWriter({ secrets: "keep" });
  const main = new PtcpScript({ remote: MAIN, socket: "main" });
  const request = utf8("DHGET /online/p2psrv/EXAMPLE0SERIAL0 HTTP/1.1\r\nCSeq: 2\r\n\r\n");
  return concatBytes([
    writer.datagram(main.datagram("out", request)),
    ...new PtcpScript().connect().map((datagram) => writer.datagram(datagram)),
    writer.finish(),
  ]);
}

Deno.test("a capture is printed line by line with its secrets blanked", () => {
  const host = fakeHost({ files: { "a.pcapng": capture() } });
  assertEquals(runDecode(host, { path: "a.pcapng", secrets: "blank" }), 0);
  const lines = host.out().trimEnd().split("\n");
  assertEquals(lines.length, 3);
  assertStringIncludes(lines[0]!, "DH-HTTP DHGET /online/p2psrv/EXA*********AL0 CSeq=2");
  assertStringIncludes(lines[2]!, "PTCP seq=0 ack=4");
  assertEquals(host.err(), "");
});

Deno.test("secrets are shown to whoever asks for them", () => {
  const host = fakeHost({ files: { "a.pcapng": capture() } });
  runDecode(host, { path: "a.pcapng", secrets: "keep" });
  assertStringIncludes(host.out(), "/online/p2psrv/EXAMPLE0SERIAL0");
});

Deno.test("hex text is read from a file or from standard input", () => {
  const text = `out ${toHex(new PtcpScript().connect()[0]!.data)}\n`;
  const file = fakeHost({ files: { "a.txt": text } });
  runDecode(file, { path: "a.txt", secrets: "blank" });
  assertStringIncludes(file.out(), "+0.000000 out 127.0.0.1:0 > 127.0.0.2:0 PTCP seq=0");
  const piped = fakeHost({ input: [text.slice(0, 2), text.slice(2)] });
  runDecode(piped, { path: "-", secrets: "blank" });
  assertEquals(piped.out(), file.out());
});

Deno.test("a capture that breaks off is printed as far as it goes", () => {
  const whole = capture();
  const host = fakeHost({ files: { "a.pcapng": whole.subarray(0, whole.length - 3) } });
  const error = assertThrows(
    () => runDecode(host, { path: "a.pcapng", secrets: "blank" }),
    FailureError,
  );
  assertEquals(error.reason, "protocol");
  assertEquals(host.out().trimEnd().split("\n").length, 2);
});

Deno.test("what is no capture and no dump is a failure, and so is a missing file", () => {
  const host = fakeHost({ files: { "a.txt": "hello\n", "empty": "" } });
  for (const path of ["a.txt", "empty"]) {
    const error = assertThrows(() => runDecode(host, { path, secrets: "blank" }), FailureError);
    assertEquals(error.reason, "protocol");
  }
  const missing = assertThrows(
    () => runDecode(host, { path: "nowhere", secrets: "blank" }),
    FailureError,
  );
  assertEquals(missing.reason, "usage");
  assertFalse(host.out().length > 0);
});
