import { assert, assertEquals, assertFalse } from "@std/assert";
import fc from "fast-check";
import { concatBytes, fromHex, toHex, utf8 } from "../../../lib/core/bytes.ts";
import type { CapturedDatagram } from "../../../lib/core/capture/captured.ts";
import type { SocketDatagram } from "../../../lib/core/capture/capture_writer.ts";
import {
  type FixtureRow,
  FixtureWriter,
  type SegmentRow,
} from "../../../lib/core/capture/fixture.ts";
import { encodeFrame, type Frame, FrameParser } from "../../../lib/core/realm/frame.ts";
import type { Endpoint } from "../../../lib/core/types.ts";
import { MAIN, PtcpScript } from "../../support/capture_session.ts";

const REALM = 0x11223344;
const REAL_DEVICE: Endpoint = { ip: "8.8.4.4", port: 23_730 };
const REAL_CLOUD: Endpoint = { ip: "9.9.9.9", port: 8800 };

function captured(datagram: SocketDatagram, direction?: "unknown"): CapturedDatagram {
  const { local, remote } = datagram;
  const isOut = datagram.direction === "out";
  return {
    type: "datagram",
    unixTimeMs: datagram.unixTimeMs,
    direction: direction === "unknown" ? undefined : datagram.direction,
    from: isOut ? local : remote,
    to: isOut ? remote : local,
    data: datagram.data,
  };
}

function rows(datagrams: readonly SocketDatagram[]): FixtureRow[] {
  const writer = new FixtureWriter();
  return datagrams.map((datagram) => writer.row(captured(datagram)));
}

function isSegment(row: FixtureRow): row is SegmentRow {
  return !("kind" in row);
}

/** What a replay makes of a row: zeros with the recorded heads in their places. */
function replay(row: SegmentRow): Uint8Array {
  const body = new Uint8Array(row.length);
  if (row.body_head !== undefined) body.set(fromHex(row.body_head));
  for (const [offset, hex] of row.heads ?? []) body.set(fromHex(hex), offset);
  return body;
}

function frames(bodies: readonly Uint8Array[]): (Frame | string)[] {
  const parser = new FrameParser();
  const found: (Frame | string)[] = [];
  for (const body of bodies) {
    parser.push(body);
    for (let frame = parser.next(); frame; frame = parser.next()) {
      found.push(frame.type === "data" ? `data ${frame.data.length}` : frame);
    }
  }
  return found;
}

Deno.test("segments have the form of the recorded log", () => {
  const script = new PtcpScript();
  const data = encodeFrame({ type: "data", realm: REALM, data: utf8("OPTIONS rtsp://x RTSP/1.0") });
  const [connect, , bind, , request, ack] = rows([
    ...script.connect(),
    ...script.bind(REALM, 554),
    script.segment("out", data),
    script.raw("in"),
  ]);
  assertEquals(connect, {
    n: 1,
    peer: "device",
    dir: "out",
    seq: 0,
    ack: 0,
    control_flags_window: "0002ffff",
    ts: 10,
    ts_echo: 0,
    length: 4,
    body_head: "00030100",
    at_ms: 0,
  });
  assert(isSegment(bind!));
  assertEquals(bind.body_head, "1100000011223344000000000000022a7f000001");
  assert(isSegment(request!));
  assertEquals(request.body_head, "100000191122334400000000");
  assertEquals(request.payload, "rtsp request, OPTIONS");
  assert(isSegment(ack!));
  assertEquals(ack.length, 0);
  assertFalse("body_head" in ack);
});

Deno.test("a replay of the rows parses into the frames that were captured, however they were cut", () => {
  const frame = fc.oneof(
    fc.integer({ min: 0, max: 300 }).map((length): Frame => ({
      type: "data",
      realm: REALM,
      data: new Uint8Array(length).fill(0x55),
    })),
    fc.constant<Frame>({ type: "heartbeat" }),
    fc.constant<Frame>({ type: "status", realm: 7, status: "DISC" }),
    fc.constant<Frame>({ type: "bind", realm: 9, port: 554, ip: "127.0.0.1" }),
  );
  fc.assert(fc.property(
    fc.array(frame, { minLength: 1, maxLength: 10 }),
    fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 10 }),
    (sent, sizes) => {
      const bytes = concatBytes(sent.map(encodeFrame));
      const script = new PtcpScript();
      const datagrams = script.connect();
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length]!;
        datagrams.push(script.segment("in", bytes.subarray(at, at + size)));
        at += size;
      }
      const made = rows(datagrams).slice(2);
      assert(made.every(isSegment));
      const original = datagrams.slice(2).map((datagram) => datagram.data.subarray(24));
      assertEquals(frames(made.map(replay)), frames(original));
    },
  ));
});

Deno.test("our requests tell who is behind an endpoint", () => {
  const script = new PtcpScript({ remote: MAIN, socket: "main" });
  const agent = new PtcpScript({ remote: { ip: "192.0.2.11", port: 31_407 }, socket: "main" });
  const made = rows([
    script.datagram("out", utf8("DHGET /online/relay HTTP/1.1\r\n\r\n")),
    script.datagram("in", utf8("HTTP/1.1 200 OK\r\n\r\n")),
    agent.datagram("out", utf8("DHPOST /relay/start/*** HTTP/1.1\r\n\r\n")),
    agent.datagram("in", utf8("HTTP/1.1 200 Server Nat Info!\r\n\r\n")),
    ...agent.connect(),
  ]);
  assertEquals(
    made.map((row) => row.n > 0 && "peer" in row ? `${row.peer} ${row.dir}` : ""),
    ["main out", "main in", "agent out", "agent in", "agent out", "agent in"],
  );
});

Deno.test("public addresses become documentation addresses everywhere, and lengths true again", () => {
  const cloud = new PtcpScript({ remote: REAL_CLOUD, socket: "device" });
  const device = new PtcpScript({ remote: REAL_DEVICE });
  const body = "<body><LocalAddr>192.168.1.108:23730</LocalAddr><PubAddr>8.8.4.4:23730</PubAddr>" +
    "<Relay>1.1.1.1:8900</Relay></body>";
  const stun = fromHex(
    "fefeffe7 deed5bbd a1a2a3a4a5a6a7a8a9aaabac 7fd6fff7 5f4e3d2c1b0a59e8 fffbfff7 fffe 17ad f8f8f8f8",
  );
  const made = rows([
    cloud.datagram("in", utf8(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)),
    device.datagram("in", stun),
  ]);
  const text = JSON.stringify(made);
  for (const real of ["8.8.4.4", "1.1.1.1", "9.9.9.9", "f8f8f8f8"]) {
    assertFalse(text.includes(real));
  }
  const [answer, check] = made;
  assert(answer !== undefined && "kind" in answer && answer.kind === "signaling");
  const [head, shown] = answer.text.split("\r\n\r\n");
  assertEquals(head, `HTTP/1.1 200 OK\r\nContent-Length: ${shown!.length}`);
  assert(shown!.includes("<LocalAddr>192.168.1.108:23730</LocalAddr>"), "private ones stay");
  assert(shown!.includes("<PubAddr>198.51.100.1:23730</PubAddr>"));
  assert(shown!.includes("<Relay>192.0.2.1:8900</Relay>"));
  assert(check !== undefined && "kind" in check && check.kind === "stun");
  const ip = [...fromHex(check.hex).subarray(-4)].map((byte) => 255 - byte).join(".");
  assertEquals(ip, "203.0.113.1", "7.7.7.7 is how the device sees the client");
});

Deno.test("a capture without directions has one: the end that spoke first is ours", () => {
  const writer = new FixtureWriter();
  const script = new PtcpScript();
  const made = script.connect().map((datagram) => writer.row(captured(datagram, "unknown")));
  assertEquals(made.map((row) => "dir" in row ? row.dir : ""), ["out", "in"]);
});

Deno.test("any datagrams make rows that are JSON", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.uint8Array({ maxLength: 100 }).map((rest) => concatBytes([utf8("PTCP"), rest])),
  );
  fc.assert(fc.property(fc.array(bytes, { maxLength: 10 }), (datas) => {
    const script = new PtcpScript();
    for (const row of rows(datas.map((data) => script.datagram("in", data)))) {
      assertEquals(JSON.parse(JSON.stringify(row)).n, row.n);
      if (isSegment(row)) assertEquals(toHex(replay(row)).length, 2 * row.length);
    }
  }));
});
