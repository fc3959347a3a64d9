/**
 * Whole machines as targets: each input is one thing that happens to a machine, the first byte says
 * which. Segments and answers can be made to fit what the machine has just sent, so that they reach
 * deeper than a source check.
 *
 * @module
 */
import { concatBytes, decodeLatin1, utf8, writeUint32 } from "../../lib/core/bytes.ts";
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import { Signaling, type SocketRole } from "../../lib/core/cloud/signaling.ts";
import { StateError } from "../../lib/core/errors.ts";
import { PtcpConnection } from "../../lib/core/ptcp/connection.ts";
import {
  ackOf,
  HEADER_BYTES,
  isPtcp,
  PTCP_MAGIC,
  sequenceOf,
} from "../../lib/core/ptcp/segment.ts";
import { ConnectivityChecks } from "../../lib/core/punch/checks.ts";
import { seededRandom } from "../../lib/core/random.ts";
import { Multiplexer, type RealmId } from "../../lib/core/realm/multiplexer.ts";
import { encodeFrame } from "../../lib/core/realm/frame_codec.ts";
import { RtspClient } from "../../lib/core/rtsp/client.ts";
import type { Deadline, Endpoint, Environment } from "../../lib/core/types.ts";
import { LinkWorld } from "../support/link_world.ts";
import { memoDeriveKey } from "../support/memo_derive_key.ts";
import {
  ANSWERS,
  BODIES,
  CLOUD_WORDS,
  FRAMES,
  RTSP,
  RTSP_WORDS,
  SDP,
  STUN_REQUEST,
  SYN,
} from "./decoders.ts";
import { must, type Target } from "./target.ts";

const OPTIONS_OK = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE\r\n\r\n";
const UNAUTHORIZED = RTSP[4]!;
const DESCRIBED = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\n" +
  `Content-Length: ${SDP.length}\r\n\r\n${SDP}`;
const SETUP_OK = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: 7;timeout=60\r\n" +
  "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n";
const PLAY_OK = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: 7\r\n\r\n";
/** An RTP packet with a key frame of H.264. */
const MEDIA = "$\0\0\x0e\x80\xe0\0\x01\0\0\0\x01\xde\xad\xbe\xef\x65\x88";

/** Datagrams that one input may cause. */
const MAX_OUTPUT = 2_000;
/** First reading of the machines' clock. */
const START_MS = 100_000;

/** An input whose first byte is `kind`. */
function step(kind: number, bytes: Uint8Array = new Uint8Array()): Uint8Array {
  return concatBytes([Uint8Array.of(kind), bytes]);
}

/** Names of what was told, to know new behaviour by. */
class Said {
  readonly #words = new Set<string>();

  readonly trace = (
    { name, data }: { name: string; data: Readonly<Record<string, unknown>> },
  ): void => {
    this.add(`${name} ${data["reason"] ?? ""}`);
  };

  add(word: string): void {
    if (this.#words.size < 40) this.#words.add(word);
  }

  toString(): string {
    return [...this.#words].sort().join(";");
  }
}

function checkDeadline(deadline: Deadline | undefined): void {
  must(deadline === undefined || !Number.isNaN(deadline.at), `${deadline?.reason} is NaN`);
}

/** A segment that fits: magic, and the numbers the peer of `last` would use. */
function fitted(bytes: Uint8Array, last: Uint8Array | undefined, expected: number): Uint8Array {
  const segment = bytes.length < HEADER_BYTES ? new Uint8Array(HEADER_BYTES) : bytes.slice();
  if (bytes.length < HEADER_BYTES) segment.set(bytes);
  writeUint32(segment, 0, PTCP_MAGIC);
  writeUint32(segment, 4, expected);
  const acked = last === undefined ? 0 : sequenceOf(last) + last.length - HEADER_BYTES;
  writeUint32(segment, 8, acked >>> 0);
  segment[12] = 0;
  segment[13] = 0;
  return segment;
}

/** Data of the peer in a segment. */
function segmentOf(...frames: Uint8Array[]): Uint8Array {
  return concatBytes([new Uint8Array(HEADER_BYTES).fill(0xff, 14, 16), ...frames]);
}

function runPtcp(inputs: readonly Uint8Array[]): string {
  const said = new Said();
  const isPassive = (inputs[0]?.[0] ?? 0) > 127;
  const connection = new PtcpConnection({
    role: isPassive ? "passive" : "active",
    initialSequence: 0xffff_ff00,
    initialPeerSequence: 0,
    receiveBufferBytes: 16_384,
    trace: said.trace,
    atFrameBoundary: () => (inputs[0]?.[1] ?? 0) % 2 === 0,
  });
  let now = START_MS;
  let last: Uint8Array | undefined;
  let expected = 0;
  if (!isPassive) connection.open(now);
  for (const input of [...inputs, step(5)]) {
    const rest = input.subarray(1);
    switch ((input[0] ?? 0) % 8) {
      case 0:
      case 1:
        connection.handleSegment(rest, now);
        break;
      case 2:
      case 3:
        connection.handleSegment(fitted(rest, last, expected), now);
        break;
      case 4:
        connection.handleSegment(SYN, now);
        break;
      case 5:
        now += (rest[0] ?? 0) * (1 + (rest[1] ?? 0));
        connection.handleTimeout(now);
        break;
      case 6:
        if (connection.state === "open") {
          connection.write(
            rest.slice(0, 1292).fill(1, 0, 0).length > 0 ? rest.slice(0, 1292) : Uint8Array.of(1),
            now,
          );
        }
        break;
      case 7:
        if (rest[0] === 77) connection.abort(now);
        while (connection.read() !== undefined);
    }
    for (let sent = 0, data = connection.pollTransmit(); data; data = connection.pollTransmit()) {
      must(++sent < MAX_OUTPUT, "segments without end");
      must(isPtcp(data) && data.length <= 1_316, "no segment");
      last = data.slice();
      expected = ackOf(data);
    }
    for (let e = connection.pollEvent(); e; e = connection.pollEvent()) said.add(e.type);
    checkDeadline(connection.pollDeadline());
    must(connection.readableBytes <= 16_384, "more than the receive buffer");
  }
  return `${connection.state} ${said}`;
}

function runMultiplexer(inputs: readonly Uint8Array[]): string {
  const said = new Said();
  const random = seededRandom(1);
  const connection = new PtcpConnection({ role: "active" });
  const mux = new Multiplexer(connection, {
    random,
    maxRealms: 4,
    realmBufferBytes: 4_096,
    trace: said.trace,
  });
  let now = START_MS;
  let last: Uint8Array | undefined;
  let expected = 0;
  const realms: RealmId[] = [];
  connection.open(now);
  mux.handleSegment(SYN, now);
  for (const input of inputs) {
    const rest = input.subarray(1);
    const realm = realms[(rest[0] ?? 0) % Math.max(1, realms.length)] ?? 0;
    try {
      switch ((input[0] ?? 0) % 9) {
        case 0:
          mux.handleSegment(rest, now);
          break;
        case 1:
        case 2: {
          // The realm that a frame names is one there is, as often as not.
          const segment = fitted(segmentOf(rest), last, expected);
          if (rest.length >= 8 && rest[0]! % 2 === 0) writeUint32(segment, HEADER_BYTES + 4, realm);
          mux.handleSegment(segment.subarray(0, 1_316), now);
          break;
        }
        case 3:
          now += (rest[0] ?? 0) * (1 + (rest[1] ?? 0));
          mux.handleTimeout(now);
          break;
        case 4:
          realms.push(mux.bind(80 + (rest[0] ?? 0), now));
          break;
        case 5:
          mux.write(realm, rest, now);
          break;
        case 6:
          mux.readMany(realm, 1 + (rest[1] ?? 0), now);
          break;
        case 7:
          mux.finish(realm, now);
          break;
        case 8:
          if ((rest[1] ?? 0) % 2 === 0) mux.close(realm, now);
          else mux.requestSign(now);
      }
    } catch (error) {
      // The limits of an owner, who is us here.
      if (!(error instanceof StateError)) throw error;
    }
    for (let sent = 0, data = mux.pollTransmit(); data; data = mux.pollTransmit()) {
      must(++sent < MAX_OUTPUT, "segments without end");
      last = data.slice();
      expected = ackOf(data);
    }
    for (let e = mux.pollEvent(); e; e = mux.pollEvent()) said.add(e.type);
    checkDeadline(mux.pollDeadline());
    must(mux.realmCount <= 4, "more realms than there may be");
  }
  return said.toString();
}

const MAIN: Endpoint = { ip: "192.0.2.80", port: 8800 };
const SOCKETS: readonly SocketRole[] = ["main", "us", "device"];

function environment(said: Said): Environment {
  return {
    random: seededRandom(2),
    unixTimeMs: () => 1_717_727_510_000,
    deriveKey: memoDeriveKey,
    trace: said.trace,
  };
}

function runSignaling(inputs: readonly Uint8Array[]): string {
  const said = new Said();
  const hasAccount = (inputs[0]?.[0] ?? 0) > 127;
  const signaling = new Signaling({
    serial: "EXAMPLE0SERIAL0",
    path: (["auto", "direct", "relay"] as const)[(inputs[0]?.[1] ?? 0) % 3]!,
    authType: "auto",
    credentials: hasAccount ? { username: "admin", password: "admin123" } : undefined,
    dialect: SMARTPSS,
    servers: [MAIN, { ...MAIN, ip: "192.0.2.81" }],
    localPort: 40_000,
    identify: new Uint8Array(8),
    environment: environment(said),
  });
  let now = START_MS;
  const sent: { socket: SocketRole; to: Endpoint; cseq: string }[] = [];
  signaling.start(now);
  const drain = (): void => {
    for (let i = 0, t = signaling.pollTransmit(); t; t = signaling.pollTransmit()) {
      must(++i < 100, "requests without end");
      const cseq = /CSeq: (-?\d+)/.exec(decodeLatin1(t.data))?.[1] ?? "0";
      sent.push({ socket: t.socket, to: t.to, cseq });
      if (sent.length > 40) sent.shift();
    }
    for (let e = signaling.pollEvent(); e; e = signaling.pollEvent()) {
      said.add(e.type === "failed" ? `failed ${e.failure.reason}` : e.type);
    }
    checkDeadline(signaling.pollDeadline());
  };
  drain();
  for (const input of inputs) {
    const rest = input.subarray(1);
    const request = sent[sent.length - 1 - (rest[0] ?? 0) % Math.max(1, sent.length)];
    switch ((input[0] ?? 0) % 4) {
      case 0: {
        const socket = SOCKETS[(rest[0] ?? 0) % 3]!;
        signaling.handleDatagram({ socket, from: request?.to ?? MAIN, data: rest }, now);
        break;
      }
      case 1:
        now += (rest[0] ?? 0) * (1 + (rest[1] ?? 0));
        signaling.handleTimeout(now);
        break;
      default: {
        if (request === undefined) break;
        const status = [200, 200, 200, 100, 401, 403, 404, 500][(rest[1] ?? 0) % 8]!;
        const body = rest.subarray(2);
        const head = `HTTP/1.1 ${status} X\r\nCSeq: ${request.cseq}\r\n\r\n`;
        const data = concatBytes([utf8(head), body]);
        signaling.handleDatagram({ socket: request.socket, from: request.to, data }, now);
      }
    }
    drain();
  }
  return said.toString();
}

function runChecks(inputs: readonly Uint8Array[]): string {
  const said = new Said();
  const checks = new ConnectivityChecks({
    identify: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    random: seededRandom(3),
    trace: said.trace,
  });
  let now = START_MS;
  const candidates = [MAIN, { ip: "192.0.2.9", port: 9 }];
  const sent: { to: Endpoint; data: Uint8Array }[] = [];
  for (const input of inputs) {
    const rest = input.subarray(1);
    const request = sent[sent.length - 1 - (rest[0] ?? 0) % Math.max(1, sent.length)];
    switch ((input[0] ?? 0) % 6) {
      case 0:
        checks.handleDatagram({ socket: "device", from: MAIN, data: rest }, now);
        break;
      case 1:
      case 2: {
        const data = rest.slice();
        if (request && data.length >= 20) data.set(request.data.subarray(8, 20), 8);
        checks.handleDatagram({ socket: "device", from: request?.to ?? MAIN, data }, now);
        break;
      }
      case 3:
        now += (rest[0] ?? 0) * (1 + (rest[1] ?? 0));
        checks.handleTimeout(now);
        break;
      case 4:
        if ((rest[0] ?? 0) % 4 === 0) checks.repunch(now);
        else checks.start(candidates, now, new Uint8Array(8));
        break;
      case 5:
        if (rest[0] === 0) checks.stop();
    }
    for (let i = 0, t = checks.pollTransmit(); t; t = checks.pollTransmit()) {
      must(++i < 200, "datagrams without end");
      must(t.data.length <= 60, "a long datagram");
      sent.push(t);
      if (sent.length > 20) sent.shift();
    }
    for (let e = checks.pollEvent(); e; e = checks.pollEvent()) said.add(e.type);
    checkDeadline(checks.pollDeadline());
  }
  return said.toString();
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function runRtspClient(inputs: readonly Uint8Array[]): string {
  const said = new Said();
  const client = new RtspClient(
    {
      goal: "media",
      streams: [{ channel: 1, url: "rtsp://127.0.0.1/1" }],
      credentials: { username: "admin", password: "admin123" },
      account: "unproven",
      path: "direct",
      random: seededRandom(4),
      trace: said.trace,
    } as ConstructorParameters<typeof RtspClient>[0],
  );
  let now = START_MS;
  client.start(now);
  let isOver = false;
  let cseq = "1";
  for (const input of inputs) {
    const rest = input.subarray(1);
    if ((input[0] ?? 0) % 4 === 0) {
      now += (rest[0] ?? 0) * (1 + (rest[1] ?? 0));
      client.handleTimeout(now);
    } else if (!isOver) {
      // An answer to the request there is, as often as not.
      const answer = (input[0] ?? 0) % 4 === 1
        ? rest
        : latin1(decodeLatin1(rest).replaceAll(/CSeq: \d+/g, `CSeq: ${cseq}`));
      client.receive(answer, now);
    }
    for (let i = 0, t = client.pollTransmit(); t; t = client.pollTransmit()) {
      must(++i < 100, "requests without end");
      cseq = /CSeq: (\d+)/.exec(decodeLatin1(t))?.[1] ?? cseq;
    }
    for (let e = client.pollEvent(); e; e = client.pollEvent()) {
      said.add(e.type);
      isOver ||= e.type === "done" || e.type === "failed";
    }
    checkDeadline(client.pollDeadline());
  }
  return said.toString();
}

/** Datagrams of a whole honest session, to the client. */
export function honestSession(): readonly Uint8Array[] {
  const seen: Uint8Array[] = [];
  const w = new LinkWorld({
    services: new Map([[80, { greeting: new Uint8Array(3_000) }]]),
    network: {
      onDatagram: (s) => {
        if (s.to.ip === "203.0.113.10" && s.fate === "delivered") seen.push(s.data);
      },
    },
  });
  w.handshake();
  w.connect(80);
  w.runFor(2_000);
  return seen;
}

/** A link within its world, to which things happen besides. */
function runLink(inputs: readonly Uint8Array[]): string {
  let last: Uint8Array | undefined;
  const w = new LinkWorld({
    device: { sign: "required" },
    services: new Map([[80, { greeting: new Uint8Array(3_000) }]]),
    network: {
      onDatagram: (s) => {
        if (s.to.ip === "203.0.113.10" && isPtcp(s.data)) last = s.data;
      },
    },
  });
  const sources: readonly Endpoint[] = [
    MAIN,
    { ...MAIN, port: 8803 },
    { ip: "192.0.2.7", port: 8900 },
    { ip: "192.0.2.11", port: 31_407 },
    { ip: "198.51.100.20", port: 23_730 },
    { ip: "198.18.0.1", port: 1 },
  ];
  for (const input of inputs) {
    const [kind = 0, choice = 0] = input;
    const data = input.subarray(2);
    if (kind % 4 === 0) w.runFor(choice * (1 + choice % 7));
    else if (kind % 32 === 1 && w.link.state === "ready") {
      w.client.act((now) => w.link.bind(1 + choice, now));
    } else if (kind % 32 === 5) w.client.act((now) => w.link.stop(now));
    else {
      const follows = kind % 4 === 2 && last !== undefined;
      const next = follows ? sequenceOf(last!) + last!.length - HEADER_BYTES : 0;
      const bytes = follows ? fitted(data, undefined, next >>> 0) : data;
      if (follows) bytes.set(last!.subarray(8, 12), 8);
      w.client.deliver({
        socket: SOCKETS[choice % 3]!,
        from: sources[Math.floor(choice / 3) % sources.length]!,
        data: bytes.slice(),
      });
    }
  }
  // Whatever it was, it comes to an end.
  w.runUntil(() => w.link.state === "ready" || w.link.state === "closed", 120_000);
  w.client.act((now) => w.link.stop(now));
  w.runFor(6_000);
  must(w.link.state === "closed", `the link is still ${w.link.state}`);
  must(w.link.pollDeadline() === undefined, "a closed link has a deadline");
  const names = new Set(
    w.events.map((e) => e.type === "closed" ? e.failure?.reason ?? "" : e.type),
  );
  return [...names, ...new Set(w.traces.map(({ name }) => name))].join(";");
}

/** All machines. */
export function machines(session: readonly Uint8Array[]): readonly Target[] {
  const frames = FRAMES.map(encodeFrame);
  const segments = session.filter(isPtcp);
  const waits = [step(5, Uint8Array.of(20, 0)), step(5, Uint8Array.of(255, 20))];
  return [
    {
      name: "ptcp",
      corpus: [
        [step(4), ...frames.map((frame) => step(2, segmentOf(frame))), ...waits],
        [step(4), step(6, frames[0]), step(6, frames[0]), waits[0]!, step(2, segmentOf())],
        [step(132, SYN), step(2, segmentOf(frames[0]!)), step(7), ...waits],
        segments.slice(0, 10).map((segment) => step(0, segment)),
      ],
      maxInputs: 40,
      run: runPtcp,
    },
    {
      name: "multiplexer",
      corpus: [
        [step(4), step(1, frames[2]), ...frames.map((frame) => step(1, frame)), step(6), step(7)],
        [step(4), step(4), step(1, frames[2]), step(5, frames[0]), step(3, Uint8Array.of(99, 9))],
        [step(8, Uint8Array.of(0, 1)), step(1, frames[7]), step(3, Uint8Array.of(255, 255))],
      ],
      maxInputs: 40,
      run: runMultiplexer,
    },
    {
      name: "signaling",
      corpus: [0, 200].map((first) => [
        step(first, Uint8Array.of(0, 0)),
        ...[0, 1, 2, 3, 4, 5].flatMap((back) =>
          BODIES.slice(0, 7).map((body) =>
            step(2, concatBytes([Uint8Array.of(back, 0), utf8(body)]))
          )
        ),
        step(1, Uint8Array.of(100, 10)),
      ]),
      words: CLOUD_WORDS,
      maxInputs: 60,
      run: runSignaling,
    },
    {
      name: "checks",
      corpus: [
        [step(4, Uint8Array.of(1)), step(0, STUN_REQUEST), step(1, STUN_REQUEST), step(4)],
        [
          step(4, Uint8Array.of(1)),
          step(1, concatBytes([Uint8Array.of(0xfe, 0xfe), STUN_REQUEST.subarray(2)])),
          step(3, Uint8Array.of(255, 9)),
        ],
      ],
      maxInputs: 30,
      run: runChecks,
    },
    {
      name: "rtsp-client",
      corpus: [
        RTSP.map((text) => step(1, utf8(text))),
        [step(1, utf8(RTSP[4]!)), step(0)],
        [OPTIONS_OK, UNAUTHORIZED, DESCRIBED, SETUP_OK, PLAY_OK, MEDIA, MEDIA].map((text) =>
          step(2, latin1(text))
        ),
      ],
      words: RTSP_WORDS,
      maxInputs: 20,
      run: runRtspClient,
    },
    {
      name: "link",
      corpus: [
        [...session.slice(0, 40).map((data, i) => step(3, concatBytes([Uint8Array.of(i), data])))],
        [
          step(0, Uint8Array.of(90)),
          ...ANSWERS.map((data) => step(3, concatBytes([Uint8Array.of(0), data]))),
        ],
        [
          step(0, Uint8Array.of(200)),
          step(1, Uint8Array.of(79)),
          step(0, Uint8Array.of(20)),
          ...segments.slice(-6).map((data) => step(2, concatBytes([Uint8Array.of(14), data]))),
        ],
      ],
      words: CLOUD_WORDS,
      maxInputs: 40,
      run: runLink,
    },
  ];
}
