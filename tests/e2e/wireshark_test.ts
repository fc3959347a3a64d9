/** Wireshark, as tshark, reads our captures with our dissector. */
import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { concatBytes, fromHex, utf8, writeUint16, writeUint32 } from "../../lib/core/bytes.ts";
import type { Direction } from "../../lib/core/capture/captured.ts";
import { CaptureWriter, type SocketDatagram } from "../../lib/core/capture/capture_writer.ts";
import { LINK_TYPE } from "../../lib/core/capture/ipv4.ts";
import {
  encodeInterfaceBlock,
  encodePacketBlock,
  encodeSectionBlock,
} from "../../lib/core/capture/pcapng.ts";
import { encodeSegment } from "../../lib/core/ptcp/segment.ts";
import { encodeFrame } from "../../lib/core/realm/frame.ts";
import {
  AGENT,
  DEVICE,
  LOCAL,
  MAIN,
  PtcpScript,
  rtspDialogue,
  START_MS,
} from "../support/capture_session.ts";

const SCRIPT = new URL("../../scripts/wireshark/dahua-p2p.lua", import.meta.url).pathname;
const RECORDED = new URL("../../fixtures/recorded/", import.meta.url);
const REALM = 0x11223344;

async function tshark(args: readonly string[]): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("tshark", {
      // A report must be asked for first.
      args: args[0] === "-G"
        ? [...args, "-X", `lua_script:${SCRIPT}`]
        : ["-X", `lua_script:${SCRIPT}`, ...args],
      // A plugin of whoever runs the tests must not take part.
      env: { WIRESHARK_CONFIG_DIR: await Deno.makeTempDir() },
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("tshark is missing: install Debian's package tshark (4.0 or newer)");
  }
  const errors = new TextDecoder().decode(output.stderr)
    .split("\n").filter((line) => line !== "" && !line.startsWith("Running as user"));
  assertEquals(errors, []);
  assert(output.success, `tshark ended with code ${output.code}`);
  return new TextDecoder().decode(output.stdout);
}

/** One record per packet; a field that occurs more than once is joined by commas. */
async function fields(
  file: Uint8Array,
  names: readonly string[],
  filter = "",
): Promise<string[][]> {
  const path = await Deno.makeTempFile({ suffix: ".pcapng" });
  try {
    await Deno.writeFile(path, file);
    const text = await tshark([
      ...["-r", path, "-T", "fields", "-E", "separator=/t"],
      ...(filter === "" ? [] : ["-Y", filter]),
      ...names.flatMap((name) => ["-e", name]),
    ]);
    return text.split("\n").slice(0, -1).map((line) => line.split("\t"));
  } finally {
    await Deno.remove(path);
  }
}

function capture(
  datagrams: readonly SocketDatagram[],
  secrets: "blank" | "keep" = "keep",
): Uint8Array {
  const writer = new CaptureWriter({ secrets });
  return concatBytes([
    ...datagrams.map((datagram) => writer.datagram(datagram)),
    writer.finish(),
  ]);
}

function opened(): { script: PtcpScript; opening: SocketDatagram[] } {
  const script = new PtcpScript();
  return { script, opening: [...script.connect(), ...script.bind(REALM, 554)] };
}

function data(bytes: Uint8Array, realm = REALM): Uint8Array {
  return encodeFrame({ type: "data", realm, data: bytes });
}

interface LogRow {
  readonly peer: "agent" | "device";
  readonly dir: Direction;
  readonly seq: number;
  readonly ack: number;
  readonly control_flags_window: string;
  readonly ts: number;
  readonly ts_echo: number;
  readonly length: number;
  readonly body_head?: string;
}

async function recordedLog(): Promise<{ rows: LogRow[]; datagrams: SocketDatagram[] }> {
  const text = await Deno.readTextFile(new URL("ptcp-direct-2024.jsonl", RECORDED));
  const rows = text.trim().split("\n").map((line): LogRow => JSON.parse(line))
    .filter((row) => row.seq !== undefined);
  const datagrams = rows.map((row, index): SocketDatagram => {
    const payload = new Uint8Array(row.length);
    payload.set(fromHex(row.body_head ?? ""));
    const bytes = fromHex(row.control_flags_window);
    const segment = {
      sequence: row.seq,
      ack: row.ack,
      control: bytes[0]!,
      flags: bytes[1]!,
      window: (bytes[2]! << 8) | bytes[3]!,
      timestamp: row.ts,
      echo: row.ts_echo,
      payload,
    };
    return {
      socket: row.peer === "agent" ? "main" : "device",
      direction: row.dir,
      local: LOCAL,
      remote: row.peer === "agent" ? AGENT : DEVICE,
      data: encodeSegment(segment),
      unixTimeMs: START_MS + 20 * index,
    };
  });
  return { rows, datagrams };
}

Deno.test("every row of the recorded log has its header fields and its frame", async () => {
  const { rows, datagrams } = await recordedLog();
  assertEquals(rows.length, 93);
  const names = ["seq", "ack", "control", "flags", "window_value", "timestamp", "echo", "len"];
  const found = await fields(capture(datagrams), [
    ...names.map((name) => `ptcp.${name}`),
    "tou.type",
    "ptcp.connect",
  ]);
  assertEquals(
    found,
    rows.map((row) => {
      const head = row.body_head ?? "";
      const bytes = fromHex(row.control_flags_window);
      const isConnect = bytes[1] === 2;
      // The second copy of row 83 brings no new frame.
      const isRepeated = row.seq === 10_615 && row === rows[84];
      return [
        String(row.seq),
        String(row.ack),
        `0x${row.control_flags_window.slice(0, 2)}`,
        `0x${row.control_flags_window.slice(2, 4)}`,
        String((bytes[2]! << 8) | bytes[3]!),
        String(row.ts),
        String(row.ts_echo),
        String(row.length),
        isConnect || head === "" || isRepeated ? "" : `0x${head.slice(0, 2)}`,
        isConnect ? "1" : "",
      ];
    }),
  );
});

Deno.test("the recorded duplicate is found, and every ack that counted it twice", async () => {
  const { datagrams } = await recordedLog();
  const file = capture(datagrams);
  const analysis = await fields(
    file,
    [
      "frame.number",
      "ptcp.analysis.retransmission",
      "ptcp.analysis.duplicate_segment",
      "ptcp.analysis.retransmission_of",
      "ptcp.analysis.ack_beyond",
    ],
    "ptcp.analysis.retransmission || ptcp.analysis.ack_beyond || ptcp.analysis.lost_segment " +
      "|| ptcp.analysis.out_of_order || ptcp.analysis.duplicate_ack",
  );
  assertEquals(analysis, [
    ["85", "1", "1", "83", ""],
    ["86", "", "", "", "1"],
    ["88", "", "", "", "1"],
    ["90", "", "", "", "1"],
    ["92", "", "", "", "1"],
  ]);
  const streams = await fields(file, ["ptcp.stream"], "ptcp.connect");
  assertEquals(streams, [["0"], ["0"], ["1"], ["1"]]);
});

Deno.test("realms have their port, and a status tells how long the BIND took", async () => {
  const { datagrams } = await recordedLog();
  const [status] = await fields(
    capture(datagrams),
    ["tou.status", "tou.realm", "tou.realm_port", "tou.bind_in", "tou.time"],
    "tou.status",
  );
  assertEquals(status, ["CONN", "0x11223344", "554", "13", "0.040000000"]);
});

Deno.test("the recorded dialogue has its fields, and answers find their requests", async () => {
  const text = await Deno.readTextFile(new URL("cloud/dialogue_2024_type0.json", RECORDED));
  const dialogue: {
    rows: {
      socket: string;
      peer: string;
      request: string;
      responses: { from: string; text: string }[];
    }[];
  } = JSON.parse(text);
  const endpoint = (value: string): { ip: string; port: number } => {
    const [ip, port] = value.split(":");
    return { ip: ip!, port: Number(port) };
  };
  const datagrams: SocketDatagram[] = [];
  for (const row of dialogue.rows) {
    const add = (direction: Direction, remote: string, message: string): void => {
      datagrams.push({
        socket: row.socket,
        direction,
        local: { ip: "0.0.0.0", port: { main: 59_472, us: 59_473, device: 59_474 }[row.socket]! },
        remote: endpoint(remote),
        data: utf8(message),
        unixTimeMs: START_MS + 100 * datagrams.length,
      });
    };
    add("out", row.peer, row.request);
    for (const response of row.responses) add("in", response.from, response.text);
  }
  const found = await fields(capture(datagrams), [
    "dhhttp.method",
    "dhhttp.path",
    "dhhttp.status",
    "dhhttp.cseq",
    "dhhttp.request_in",
  ]);
  let requests = 0;
  let lastRequest = "";
  for (const [index, [method, path, status, cseq, requestIn]] of found.entries()) {
    if (method !== "") {
      requests++;
      lastRequest = String(index + 1);
      assertEquals(
        method,
        path!.endsWith("-channel") || path!.startsWith("/relay/start") ? "DHPOST" : "DHGET",
      );
      assertEquals([status, requestIn], ["", ""]);
    } else {
      assert(status === "200" || status === "100");
      assertEquals(requestIn, lastRequest, `packet ${index + 1}`);
    }
    assertEquals(cseq, String(requests));
  }
  assertEquals(requests, 8);
  const [channel] = await fields(
    capture(datagrams),
    ["dhhttp.body.identify", "dhhttp.body.pubaddr", "dhhttp.body.policy", "xml.tag"],
    'dhhttp.body.pubaddr == "198.51.100.20:23730"',
  );
  assertEquals(channel!.slice(0, 3), [
    "a0 b1 c2 d3 e4 f5 a6 17",
    "198.51.100.20:23730",
    "p2p,udprelay",
  ]);
  assertStringIncludes(channel![3]!, "<Identify>");
});

Deno.test("a repeated request is a retransmission, the first answer answers the first sending", async () => {
  const script = new PtcpScript({ remote: MAIN, socket: "main" });
  const request = utf8("DHGET /probe/p2psrv HTTP/1.1\r\nCSeq: -7\r\nX-Version: 6.7.15\r\n\r\n");
  const answer = utf8("HTTP/1.1 200 OK\r\nCSeq: -7\r\nDate: 2024-06-07T02:31:52Z\r\n\r\n");
  const found = await fields(
    capture([
      script.datagram("out", request),
      script.datagram("out", request),
      script.datagram("in", answer),
    ]),
    [
      "dhhttp.retransmission_of",
      "dhhttp.request_in",
      "dhhttp.time",
      "dhhttp.date",
      "dhhttp.x_version",
    ],
  );
  assertEquals(found, [
    ["", "", "", "", "6.7.15"],
    ["1", "", "", "", "6.7.15"],
    ["", "1", "0.020000000", "2024-06-07T02:31:52Z", ""],
  ]);
});

Deno.test("the recorded STUN exchange is inverted and matched", async () => {
  const text = await Deno.readTextFile(new URL("stun-direct-2024.jsonl", RECORDED));
  const rows = text.trim().split("\n").map((line) => JSON.parse(line)).filter((row) => row.hex);
  assert(rows.length >= 4);
  const script = new PtcpScript();
  const found = await fields(
    capture(
      rows.map((row) => script.datagram(row.from === "client" ? "out" : "in", fromHex(row.hex))),
    ),
    [
      "dhstun.type",
      "dhstun.cookie",
      "dhstun.id",
      "dhstun.identify",
      "dhstun.address",
      "dhstun.port",
      "dhstun.confirmation",
    ],
  );
  for (const [index, row] of rows.entries()) {
    const [ip, port] = (row.address ?? ":").split(":");
    const isConfirmation = row.type === "confirmation";
    assertEquals(found[index], [
      row.type === "request" ? "0x0001" : "0x0101",
      `0x${row.cookie}`,
      row.transactionId,
      row.identify,
      ip,
      port,
      isConfirmation ? "1" : "",
    ]);
  }
  const [answer] = await fields(
    capture(
      rows.map((row) => script.datagram(row.from === "client" ? "out" : "in", fromHex(row.hex))),
    ),
    ["dhstun.request_in", "dhstun.time"],
    "dhstun.request_in",
  );
  assertEquals(answer, ["1", "0.010000000"]);
});

Deno.test("frames are found in the stream, however segments cut and join them", async () => {
  const { script, opening } = opened();
  const stream = concatBytes([
    encodeFrame({ type: "heartbeat" }),
    encodeFrame({ type: "bind", realm: 7, port: 80, ip: "127.0.0.1" }),
    data(new Uint8Array(300), 7),
    encodeFrame({ type: "status", realm: 7, status: "DISC" }),
    encodeFrame({ type: "sign", value: fromHex("d1d2d3d4") }),
    fromHex("1d000003 00000000 00000000 aabbcc"),
    encodeFrame({ type: "heartbeat" }),
  ]);
  const cuts = [0, 5, 14, 100, 101, 340, stream.length];
  const datagrams = cuts.slice(1).map((end, i) =>
    script.segment("out", stream.subarray(cuts[i]!, end))
  );
  const found = await fields(
    capture([...opening, ...datagrams]),
    [
      "tou.type",
      "tou.segment_count",
      "ptcp.partial",
      "tou.port",
      "tou.status",
      "tou.sign",
      "tou.body",
    ],
    "frame.number > 4",
  );
  assertEquals(found, [
    ["", "", "5", "", "", "", ""],
    ["0x13", "2", "2", "", "", "", ""],
    ["0x11", "2", "68", "80", "", "", ""],
    ["", "", "69", "", "", "", ""],
    ["", "", "308", "", "", "", ""],
    ["0x10,0x12,0x18,0x1d,0x13", "4", "", "", "DISC", "d1d2d3d4", "aabbcc"],
  ]);
});

Deno.test("a segment that overtook another is out of order, and the frames come when the gap is filled", async () => {
  const { script, opening } = opened();
  const frame = data(utf8("x".repeat(40)));
  const first = script.segment("in", frame, { timestamp: 500 });
  const second = script.segment("in", frame, { timestamp: 510 });
  const third = script.segment("in", frame, { timestamp: 510 });
  const ack = script.raw("out", { ack: 20 });
  const found = await fields(
    capture([...opening, second, ack, ack, ack, ack, third, first]),
    [
      "ptcp.analysis.lost_segment",
      "ptcp.analysis.duplicate_ack_num",
      "ptcp.analysis.out_of_order",
      "ptcp.analysis.retransmission",
      "ptcp.pending",
      "tou.type",
    ],
    "frame.number > 4",
  );
  assertEquals(found, [
    ["1", "", "", "", "52", ""],
    ["", "", "", "", "", ""],
    ["", "1", "", "", "", ""],
    ["", "2", "", "", "", ""],
    ["", "3", "", "", "", ""],
    ["", "", "", "", "52", ""],
    ["", "", "1", "", "", "0x10,0x10,0x10"],
  ]);
});

Deno.test("a segment sent again after a loss is a retransmission, after three duplicate acks a fast one", async () => {
  const { script, opening } = opened();
  const frame = data(utf8("x".repeat(40)));
  script.segment("in", frame, { timestamp: 500 });
  const second = script.segment("in", frame, { timestamp: 510 });
  const ack = script.raw("out", { ack: 20 });
  const again = script.raw("in", { sequence: 20, payload: frame, timestamp: 760 });
  const repeat = script.raw("in", { sequence: 20, payload: frame, timestamp: 1260 });
  const found = await fields(
    capture([...opening, second, ack, ack, ack, ack, again, repeat]),
    [
      "ptcp.analysis.retransmission",
      "ptcp.analysis.fast_retransmission",
      "ptcp.analysis.out_of_order",
      "ptcp.analysis.duplicate_segment",
      "ptcp.analysis.retransmission_of",
      "tou.type",
    ],
    "frame.number > 9",
  );
  assertEquals(found, [
    ["1", "1", "", "", "", "0x10,0x10"],
    ["1", "", "", "", "10", ""],
  ]);
});

Deno.test("zero windows, probes, updates, full windows and resets are named", async () => {
  const { script, opening } = opened();
  const found = await fields(
    capture([
      ...opening,
      script.raw("out", { window: 100 }),
      script.segment("in", data(new Uint8Array(88))),
      script.raw("out", { window: 0 }),
      script.raw("in", { sequence: 119 }),
      script.raw("out", { window: 0 }),
      script.raw("out", { window: 65_000 }),
      script.raw("in", { flags: 4 }),
    ]),
    [
      "ptcp.window",
      "ptcp.analysis.window_full",
      "ptcp.analysis.zero_window",
      "ptcp.analysis.window_probe",
      "ptcp.analysis.window_update",
      "ptcp.flags.rst",
      "ptcp.analysis.bytes_in_flight",
    ],
    "frame.number > 5",
  );
  assertEquals(found, [
    ["65535", "1", "", "", "", "0", "100"],
    ["0", "", "1", "", "", "0", ""],
    ["65535", "", "", "1", "", "0", ""],
    ["0", "", "1", "", "", "0", ""],
    ["65000", "", "", "", "1", "0", ""],
    ["65535", "", "", "", "", "1", ""],
  ]);
});

Deno.test("a scaled window is calculated from the scale that the CONNECT announced", async () => {
  const script = new PtcpScript();
  const found = await fields(
    capture([
      script.segment("out", fromHex("00030104"), { flags: 2, ack: 0, window: 4096 }),
      script.segment("in", fromHex("00020205dc030100"), { flags: 2 }),
      script.segment("out", encodeFrame({ type: "heartbeat" }), { window: 4096 }),
    ]),
    ["ptcp.window_value", "ptcp.window", "ptcp.window_scale"],
  );
  assertEquals(found, [["4096", "65536", "4"], ["65535", "65535", "0"], ["4096", "65536", ""]]);
});

Deno.test("the NACK takes no sequence space, with and without its control byte", async () => {
  for (const control of [1, 0]) {
    const { script, opening } = opened();
    const nack = script.raw("in", { control, payload: fromHex("0a 0008 53000000 0000 3a00") });
    const after = script.segment("in", encodeFrame({ type: "heartbeat" }));
    const found = await fields(
      capture([...opening, nack, nack, after]),
      [
        "ptcp.nack",
        "ptcp.nack.seq",
        "ptcp.nack.span",
        "ptcp.nxtseq",
        "ptcp.analysis.retransmission",
        "tou.type",
      ],
      "frame.number > 4",
    );
    assertEquals(found, [
      ["1", "83", "58", "20", "", ""],
      ["1", "83", "58", "20", "", ""],
      ["", "", "", "32", "", "0x13"],
    ]);
  }
});

/** The RTSP dialogue in frames of `frameBytes`, each a segment. */
function rtspSession(frameBytes: number): SocketDatagram[] {
  const { script, opening } = opened();
  const datagrams = [...opening];
  for (const { direction, bytes } of rtspDialogue()) {
    for (let at = 0; at < bytes.length; at += frameBytes) {
      datagrams.push(script.segment(direction, data(bytes.subarray(at, at + frameBytes))));
    }
  }
  return datagrams;
}

const RTSP_FIELDS = ["rtsp.method", "rtsp.status", "sdp.media", "rtp.seq", "rtp.ssrc"];

Deno.test("realm bytes of port 554 are RTSP to Wireshark, whole and over many frames", async () => {
  for (const frameBytes of [1280, 100, 33]) {
    const found = await fields(capture(rtspSession(frameBytes)), RTSP_FIELDS, "rtsp || rtp");
    assertEquals(
      found.map((row) => row.filter((value) => value !== "").join(" ")),
      [
        "OPTIONS",
        "401",
        "DESCRIBE",
        "200 video 0 RTP/AVP 96",
        "SETUP",
        "200",
        "PLAY",
        "200",
        "7 0x11223344",
      ],
      `${frameBytes} bytes a frame`,
    );
  }
});

Deno.test("a blanked capture dissects like the one with secrets", async () => {
  const session = rtspSession(61);
  const names = ["ptcp.seq", "ptcp.len", "tou.type", "tou.realm", "tou.length", ...RTSP_FIELDS];
  const kept = await fields(capture(session), names);
  assertEquals(await fields(capture(session, "blank"), names), kept);
  const text = await fields(capture(session, "blank"), ["rtsp.url", "rtsp.session"]);
  const all = text.flat().join(" ");
  assertStringIncludes(all, "/cam/realmonitor?channel=1&subtype=0");
  assertFalse(/operator7|Sw0rdfish|1234567890123|e966c932/.test(all));
});

Deno.test("a realm of another port is no RTSP", async () => {
  const script = new PtcpScript();
  const found = await fields(
    capture([
      ...script.connect(),
      ...script.bind(REALM, 80),
      script.segment("out", data(utf8("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"))),
    ]),
    ["tou.realm_port", "rtsp.method"],
    "tou.type == 0x10",
  );
  assertEquals(found, [["80", ""]]);
});

/** A TCP packet in IPv4, without checksums: tshark does not check them by default. */
function tcpPacket(
  from: typeof DEVICE,
  to: typeof DEVICE,
  sequence: number,
  ack: number,
  flags: number,
  payload: Uint8Array,
): Uint8Array {
  const packet = new Uint8Array(40 + payload.length);
  packet[0] = 0x45;
  writeUint16(packet, 2, packet.length);
  packet[8] = 64;
  packet[9] = 6;
  packet.set(from.ip.split(".").map(Number), 12);
  packet.set(to.ip.split(".").map(Number), 16);
  writeUint16(packet, 20, from.port);
  writeUint16(packet, 22, to.port);
  writeUint32(packet, 24, sequence);
  writeUint32(packet, 28, ack);
  packet[32] = 0x50;
  packet[33] = flags;
  writeUint16(packet, 34, 0xffff);
  packet.set(payload, 40);
  return packet;
}

Deno.test("frames on a TCP relay are found, whole and cut, behind client-bind or without it", async () => {
  const bind = utf8(
    'POST /tcprelay/client-bind HTTP/1.1\r\nContent-Length: 13\r\n\r\n{"Token":"t"}',
  );
  const answer = utf8("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const toDevice = concatBytes([
    encodeFrame({ type: "bind", realm: REALM, port: 554, ip: "127.0.0.1" }),
    data(utf8("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")),
    encodeFrame({ type: "heartbeat" }),
  ]);
  for (const start of ["with", "without"]) {
    const client = { ip: "10.0.0.2", port: 40_000 };
    const blocks = [encodeSectionBlock("test"), encodeInterfaceBlock(LINK_TYPE.ipv4, "tcp", "tcp")];
    const next = { out: 1, in: 1 };
    let time = START_MS;
    const send = (direction: Direction, payload: Uint8Array, flags = 0x18): void => {
      const [from, to] = direction === "out" ? [client, AGENT] : [AGENT, client];
      const packet = tcpPacket(
        from,
        to,
        next[direction],
        next[direction === "out" ? "in" : "out"],
        flags,
        payload,
      );
      next[direction] += payload.length + (flags & 2 ? 1 : 0);
      blocks.push(encodePacketBlock({ interfaceId: 0, unixTimeMs: time += 10, packet }));
    };
    send("out", new Uint8Array(0), 0x02);
    send("in", new Uint8Array(0), 0x12);
    if (start === "with") {
      send("out", bind);
      send("in", answer);
    }
    send("out", toDevice.subarray(0, 25));
    send("out", toDevice.subarray(25));
    send("in", encodeFrame({ type: "status", realm: REALM, status: "CONN" }));
    const found = await fields(
      concatBytes(blocks),
      ["tou.type", "tou.port", "tou.status", "rtsp.method"],
      "tou",
    );
    assertEquals(found, [
      ["0x11", "554", "", ""],
      ["0x10,0x13", "", "", "OPTIONS"],
      ["0x12", "", "CONN", ""],
    ], start);
  }
});

Deno.test("interfaces, directions and events of a capture are Wireshark's own", async () => {
  const writer = new CaptureWriter();
  const script = new PtcpScript();
  const file = concatBytes([
    ...script.connect().map((datagram) => writer.datagram(datagram)),
    writer.event("path direct rtt=4ms", START_MS + 100.25),
    writer.finish(),
  ]);
  const found = await fields(file, [
    "frame.interface_name",
    "frame.packet_flags_direction",
    "frame.comment",
    "frame.time_relative",
    "ip.checksum.status",
  ]);
  assertEquals(found.map((row) => row.slice(0, 4)), [
    ["device", "0x00000002", "", "0.000000000"],
    ["device", "0x00000001", "", "0.010000000"],
    ["event", "", "path direct rtt=4ms", "0.090250000"],
  ]);
});

Deno.test("checksums of a capture are good", async () => {
  const path = await Deno.makeTempFile({ suffix: ".pcapng" });
  try {
    await Deno.writeFile(path, capture(rtspSession(333)));
    const text = await tshark([
      ...["-r", path, "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"],
      ...["-T", "fields", "-e", "ip.checksum.status", "-e", "udp.checksum.status"],
    ]);
    assertEquals(new Set(text.trim().split("\n")), new Set(["1\t1"]));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("every field of the dissector can be filtered", async () => {
  const source = await Deno.readTextFile(SCRIPT);
  const declared = [...source.matchAll(/ProtoField\.\w+\("([a-z0-9_.]+)"/g)].map((m) => m[1]!)
    .filter((name) => !name.endsWith("."));
  assert(declared.length > 90);
  const known = new Set(
    (await tshark(["-G", "fields"])).split("\n").filter((line) => line.startsWith("F\t"))
      .map((line) => line.split("\t")[2]!),
  );
  for (const name of declared) assert(known.has(name), name);
  for (const name of ["dhhttp.body.localaddr", "dhhttp.body.randsalt", "dhhttp.body.sid"]) {
    assert(known.has(name), name);
  }
});

Deno.test("no datagram makes the dissector fail", async () => {
  const { script, opening } = opened();
  const whole = rtspSession(100).map((datagram) => datagram.data);
  const heads = ["50544350", "fffeffe7", "fefefff3", "4448474554202f20485454502f312e310d0a"];
  const bytes = fc.oneof(
    fc.tuple(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 120 }))
      .map(([head, rest]) => concatBytes([fromHex(head), rest])),
    fc.tuple(fc.constantFrom(...whole), fc.nat(200), fc.integer({ min: 1, max: 255 }))
      .map(([segment, at, flip]) => {
        const damaged = segment.slice();
        if (at < damaged.length) damaged[at] = damaged[at]! ^ flip;
        return damaged;
      }),
    fc.tuple(fc.constantFrom(...whole), fc.nat(150)).map(([segment, n]) => segment.subarray(0, n)),
    fc.constantFrom(
      utf8("HTTP/1.1 200 OK\r\nCSeq: 99999999999999999999\r\n\r\n<body><a>\r\n"),
      utf8("HTTP/1.1 999 \r\ncseq:\r\n"),
      utf8("DHGET / HTTP/1.1"),
    ),
  );
  const seed = 20_260_906;
  const datagrams = fc.sample(bytes, { numRuns: 1500, seed });
  const file = capture([
    ...opening,
    ...datagrams.map((datagram, i) => script.datagram(i % 2 === 0 ? "in" : "out", datagram)),
  ]);
  const failed = await fields(file, ["frame.number", "_ws.lua.error"], "_ws.lua.error");
  assertEquals(failed, [], `seed ${seed}`);
});
