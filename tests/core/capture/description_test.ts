import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { concatBytes, fromHex, toHex, utf8 } from "../../../lib/core/bytes.ts";
import type { CapturedDatagram } from "../../../lib/core/capture/captured.ts";
import type { SocketDatagram } from "../../../lib/core/capture/capture_writer.ts";
import { CaptureDescription } from "../../../lib/core/capture/description.ts";
import { readHexDump } from "../../../lib/core/capture/hex_dump.ts";
import { encodeUdpPacket } from "../../../lib/core/capture/ipv4.ts";
import { encodeFrame } from "../../../lib/core/realm/frame.ts";
import { DEVICE, MAIN, PtcpScript } from "../../support/capture_session.ts";

const REALM = 0x11223344;

function captured(datagram: SocketDatagram): CapturedDatagram {
  const { local, remote, direction } = datagram;
  return {
    type: "datagram",
    unixTimeMs: datagram.unixTimeMs,
    socket: datagram.socket,
    direction,
    from: direction === "out" ? local : remote,
    to: direction === "out" ? remote : local,
    data: datagram.data,
  };
}

function describe(datagrams: readonly SocketDatagram[]): string[] {
  const description = new CaptureDescription();
  return datagrams.map((datagram) => description.describe(captured(datagram)));
}

/** The part of a line behind the endpoints. */
function content(line: string): string {
  return line.replace(/^\S+ (?:in |out )?(?:\w+ )?\S+ > \S+ /, "");
}

Deno.test("a line has time, direction, socket, endpoints and the fields of the segment", () => {
  const script = new PtcpScript();
  const lines = describe([...script.connect(), ...script.bind(REALM, 554)]);
  assertEquals(lines, [
    "+0.000000 out device 0.0.0.0:59474 > 198.51.100.20:23730 PTCP seq=0 ack=0 win=65535 ts=10 " +
    "echo=0 len=4 CTL CONNECT scale=0",
    "+0.010000 in device 198.51.100.20:23730 > 0.0.0.0:59474 PTCP seq=0 ack=4 win=65535 ts=20 " +
    "echo=0 len=4 CTL CONNECT scale=0",
    "+0.020000 out device 0.0.0.0:59474 > 198.51.100.20:23730 PTCP seq=4 ack=4 win=65535 ts=30 " +
    "echo=0 len=20 | BIND 11223344 127.0.0.1:554",
    "+0.030000 in device 198.51.100.20:23730 > 0.0.0.0:59474 PTCP seq=4 ack=24 win=65535 ts=40 " +
    "echo=0 len=16 | STATUS 11223344 CONN",
  ]);
});

Deno.test("signaling shows its first line, CSeq and body", () => {
  const script = new PtcpScript({ remote: MAIN, socket: "main" });
  const lines = describe([
    script.datagram("out", utf8("DHGET /probe/p2psrv HTTP/1.1\r\nCSeq: 1\r\n\r\n")),
    script.datagram(
      "in",
      utf8("HTTP/1.1 200 OK\r\nCSeq: 2\r\n\r\n<body><DS>192.0.2.80:8802</DS></body>\r\n\r\n"),
    ),
    script.datagram("in", utf8("HTTP/1.1 200 \x1b[31mOK\r\nCSeq: -5\r\n\r\nno <xml")),
  ]);
  assertEquals(lines.map(content), [
    "DH-HTTP DHGET /probe/p2psrv CSeq=1",
    "DH-HTTP HTTP/1.1 200 OK CSeq=2 DS=192.0.2.80:8802",
    "DH-HTTP HTTP/1.1 200 \\x1b[31mOK CSeq=-5 body=no <xml",
  ]);
});

Deno.test("frames cut, joined, early, repeated and lost are told apart", () => {
  const script = new PtcpScript();
  const opening = [...script.connect(), ...script.bind(REALM, 554)];
  const data = (bytes: Uint8Array): Uint8Array =>
    encodeFrame({ type: "data", realm: REALM, data: bytes });
  const request = data(utf8("OPTIONS rtsp://x/ RTSP/1.0\r\n\r\n"));
  const joined = concatBytes([encodeFrame({ type: "heartbeat" }), request.subarray(0, 20)]);
  const first = script.segment("out", joined);
  const second = script.segment("out", request.subarray(20, 25));
  const third = script.segment("out", request.subarray(25));
  const lost = script.segment("out", utf8("no frame at all"));
  const lines = describe([...opening, first, third, second, second, lost]).map(content).slice(4);
  assertStringIncludes(lines[0]!, " | HEARTBEAT | DATA 11223344 8 bytes (0..8 of 30)");
  assertMatch(lines[1]!, / \[early, 17 bytes wait\]$/);
  assertStringIncludes(
    lines[2]!,
    " [fills a gap] | DATA 11223344 5 bytes (8..13 of 30) | DATA 11223344 17 bytes (13..30 of 30)",
  );
  assertMatch(lines[3]!, / \[repeated\]$/);
  assertStringIncludes(lines[4]!, ` [boundary lost] ${toHex(utf8("no frame at all"))}`);
});

Deno.test("the recorded NACK, STUN and unknown bytes are shown", () => {
  const script = new PtcpScript();
  const lines = describe([
    ...script.connect(),
    script.raw("in", { control: 1, payload: fromHex("0a 0008 53000000 0000 3a00") }),
    script.datagram(
      "in",
      fromHex(
        "fefeffe7 deed5bbd a1a2a3a4a5a6a7a8a9aaabac 7fd6fff7 5f4e3d2c1b0a59e8 fffbfff7 fffe 17ad 34ff8ef5",
      ),
    ),
    script.datagram("in", fromHex("00ff1b")),
    script.datagram("in", new Uint8Array(0)),
  ]).map(content).slice(2);
  assertStringIncludes(lines[0]!, " control=0x1 NACK missing=83..141");
  assertEquals(
    lines[1],
    "STUN success 203.0.113.10:59474 id=5e5d5c5b5a59585756555453 cookie=2112a442 controlled " +
      "identify=a0b1c2d3e4f5a617",
  );
  assertEquals(lines[2], "unknown 00ff1b");
  assertEquals(lines[3], "empty");
});

Deno.test("no bytes make a description throw, or put a control character into a line", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.tuple(
      fc.constantFrom("50544350", "fefeffe7", "485454502f312e3120323030200a0d0a", "44484745542f20"),
      fc.uint8Array({ maxLength: 120 }),
    ).map(([head, rest]) => concatBytes([fromHex(head), rest])),
    fc.tuple(fc.nat(30), fc.uint8Array({ maxLength: 80 })).map(([sequence, rest]) =>
      concatBytes([fromHex("50544350 000000"), Uint8Array.of(sequence), new Uint8Array(16), rest])
    ),
  );
  fc.assert(fc.property(fc.array(bytes, { maxLength: 12 }), (datas) => {
    const script = new PtcpScript();
    for (const line of describe(datas.map((data) => script.datagram("in", data)))) {
      // deno-lint-ignore no-control-regex -- they are what must not be there
      assert(!/[\u0000-\u001f\u007f-\u009f]/.test(line), line);
      assert(line.length < 6000);
    }
  }));
});

const FRAME = toHex(new PtcpScript().connect()[0]!.data);

Deno.test("plain hex is one datagram a line, with or without a direction", () => {
  const read = readHexDump(
    `# a comment\nout ${FRAME}\n< ${FRAME}\nC→D: 50544350 00000000 00000000 0002ffff 00000000 00000000` +
      ` 00030100\n\n${FRAME}\nnot hex at all\nabc\n`,
  );
  assertEquals(read.map((datagram) => datagram.direction), ["out", "in", "out", undefined]);
  for (const datagram of read) assertEquals(toHex(datagram.data).slice(0, 8), "50544350");
  assertEquals(read[1]!.to, read[0]!.from);
});

Deno.test("dumps of Wireshark, hexdump, xxd and tcpdump give the datagram, headers stripped", () => {
  const payload = fromHex(FRAME);
  const packet = encodeUdpPacket(DEVICE, { ip: "10.0.0.1", port: 7 }, payload);
  const ethernet = concatBytes([fromHex("00".repeat(12) + "0800"), packet]);
  const rows = (bytes: Uint8Array, row: (offset: number, pairs: string[]) => string): string => {
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += 16) {
      const pairs = Array.from(
        bytes.subarray(at, at + 16),
        (byte) => byte.toString(16).padStart(2, "0"),
      );
      lines.push(row(at, pairs));
    }
    return lines.join("\n");
  };
  const hex = (offset: number, width: number): string => offset.toString(16).padStart(width, "0");
  const words = (pairs: string[]): string => pairs.join("").match(/.{1,4}/g)!.join(" ");
  const texts = [
    rows(ethernet, (at, pairs) => `${hex(at, 4)}  ${pairs.join(" ")}`),
    rows(ethernet, (at, pairs) => `${hex(at, 4)}   ${pairs.join(" ").padEnd(48)}   ab cd ..PT`),
    rows(
      ethernet,
      (at, pairs) =>
        `${hex(at, 8)}  ${pairs.slice(0, 8).join(" ")}  ${pairs.slice(8).join(" ")}  |ab cd|`,
    ),
    rows(ethernet, (at, pairs) => `${hex(at, 8)}: ${words(pairs).padEnd(39)}  abcd PT`),
    rows(packet, (at, pairs) => `\t0x${hex(at, 4)}:  ${words(pairs).padEnd(39)}  abcd`),
  ];
  for (const text of texts) {
    const read = readHexDump(`${text}\n\n${text}`);
    assertEquals(read.length, 2, text);
    for (const datagram of read) {
      assertEquals(toHex(datagram.data), FRAME, text);
      assertEquals(datagram.from, DEVICE);
    }
  }
});

Deno.test("any text gives datagrams", () => {
  const line = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(..."0123456789abcdef :x|<>\n"), maxLength: 80 }),
  );
  fc.assert(fc.property(fc.array(line, { maxLength: 10 }), (lines) => {
    for (const datagram of readHexDump(lines.join("\n"))) assert(datagram.data.length < 70_000);
  }));
});
