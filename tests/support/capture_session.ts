/** A synthetic session to capture: datagrams of both directions with true sequence numbers. */
import { concatBytes, utf8 } from "../../lib/core/bytes.ts";
import type { Direction } from "../../lib/core/capture/captured.ts";
import type { SocketDatagram } from "../../lib/core/capture/capture_writer.ts";
import { encodeSegment, type Segment } from "../../lib/core/ptcp/segment.ts";
import { seqAdd } from "../../lib/core/ptcp/sequence.ts";
import { encodeFrame } from "../../lib/core/realm/frame.ts";
import type { Endpoint } from "../../lib/core/types.ts";

export const START_MS = 1_717_727_510_000;
export const LOCAL: Endpoint = { ip: "0.0.0.0", port: 59_474 };
export const DEVICE: Endpoint = { ip: "198.51.100.20", port: 23_730 };
export const MAIN: Endpoint = { ip: "192.0.2.1", port: 8800 };
export const AGENT: Endpoint = { ip: "192.0.2.11", port: 31_407 };

/** Everything in {@linkcode rtspDialogue} that must not be shown to others. */
export const LOGIN_SECRETS = [
  "operator7",
  "Sw0rdfish",
  "b3BlcmF0b3I3OlN3MHJkZmlzaA==",
  "5daf91fc5cfc1be8e081cfb08f792726",
  "9f3c7a1177aa42cc8d1e0b6f5e4d3c2b",
  "e966c932a9242554e42c8ee200cec7f6",
  "1234567890123",
] as const;

/** Requests and answers of an RTSP session with digest and basic logins, SDP and media. */
export function rtspDialogue(): { direction: Direction; bytes: Uint8Array }[] {
  const url = "rtsp://127.0.0.1:554/cam/realmonitor?channel=1&subtype=0";
  const digest = 'Authorization: Digest username="operator7", ' +
    'realm="Login to 5daf91fc5cfc1be8e081cfb08f792726", ' +
    'nonce="9f3c7a1177aa42cc8d1e0b6f5e4d3c2b", uri="' + url +
    '", response="e966c932a9242554e42c8ee200cec7f6"\r\n';
  const sdp = "v=0\r\no=operator7 1 1 IN IP4 0.0.0.0\r\ns=Sw0rdfish\r\nc=IN IP4 0.0.0.0\r\n" +
    "t=0 0\r\nm=video 0 RTP/AVP 96\r\na=control:trackID=0\r\na=rtpmap:96 H264/90000\r\n" +
    "a=fmtp:96 packetization-mode=1\r\na=key-mgmt:mikey Sw0rdfish\r\n";
  const media = new Uint8Array(1500).map((_, i) => i & 0xff);
  const rtp = Uint8Array.of(0x80, 0x60, 0, 7, 0, 0, 0, 9, 0x11, 0x22, 0x33, 0x44);
  const packet = concatBytes([Uint8Array.of(0x24, 0, 0x05, 0xe8), rtp, media]);
  return [
    {
      direction: "out",
      bytes: utf8(
        "OPTIONS rtsp://operator7:Sw0rdfish@127.0.0.1:554/cam/realmonitor?channel=1&subtype=0 " +
          "RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: test\r\n\r\n",
      ),
    },
    {
      direction: "in",
      bytes: utf8(
        "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest " +
          'realm="Login to 5daf91fc5cfc1be8e081cfb08f792726", ' +
          'nonce="9f3c7a1177aa42cc8d1e0b6f5e4d3c2b"\r\n\r\n',
      ),
    },
    { direction: "out", bytes: utf8(`DESCRIBE ${url} RTSP/1.0\r\nCSeq: 2\r\n${digest}\r\n`) },
    {
      direction: "in",
      bytes: utf8(
        `RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Base: ${url}/\r\n` +
          `Content-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`,
      ),
    },
    {
      direction: "out",
      bytes: utf8(
        `SETUP ${url}/trackID=0 RTSP/1.0\r\nCSeq: 3\r\n${digest}` +
          "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
      ),
    },
    {
      direction: "in",
      bytes: utf8(
        "RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 1234567890123;timeout=60\r\n" +
          "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=11223344\r\n\r\n",
      ),
    },
    {
      direction: "out",
      bytes: utf8(
        `PLAY ${url}/ RTSP/1.0\r\nCSeq: 4\r\nSession: 1234567890123\r\n` +
          "Authorization: Basic b3BlcmF0b3I3OlN3MHJkZmlzaA==\r\n\r\n",
      ),
    },
    {
      direction: "in",
      bytes: utf8(
        "RTSP/1.0 200 OK\r\nCSeq: 4\r\nSession: 1234567890123\r\n" +
          `RTP-Info: url=${url}/trackID=0;seq=7;rtptime=9\r\n\r\n`,
      ),
    },
    { direction: "in", bytes: packet },
  ];
}

/** Both ends of one PTCP connection, as the sockets of one end carry it. */
export class PtcpScript {
  readonly #remote: Endpoint;
  readonly #socket: string;
  readonly #next = { in: 0, out: 0 };
  #nowMs: number;

  constructor(
    options: { remote?: Endpoint; socket?: string; startMs?: number; initialSequence?: number } =
      {},
  ) {
    this.#remote = options.remote ?? DEVICE;
    this.#socket = options.socket ?? "device";
    this.#nowMs = options.startMs ?? START_MS;
    this.#next.in = this.#next.out = options.initialSequence ?? 0;
  }

  /** A datagram on this socket, 10 ms after the previous one. */
  datagram(direction: Direction, data: Uint8Array): SocketDatagram {
    this.#nowMs += 10;
    return {
      socket: this.#socket,
      direction,
      local: LOCAL,
      remote: this.#remote,
      data,
      unixTimeMs: this.#nowMs,
    };
  }

  /** A segment with the next bytes of a direction; `fields` replace what it would say. */
  segment(
    direction: Direction,
    payload: Uint8Array,
    fields: Partial<Segment> = {},
  ): SocketDatagram {
    const sequence = this.#next[direction];
    this.#next[direction] = seqAdd(sequence, payload.length);
    return this.raw(direction, { sequence, payload, ...fields });
  }

  /** A segment that moves no sequence number: acks, repetitions, NACKs. */
  raw(direction: Direction, fields: Partial<Segment> = {}): SocketDatagram {
    return this.datagram(
      direction,
      encodeSegment({
        sequence: this.#next[direction],
        ack: this.#next[direction === "in" ? "out" : "in"],
        control: 0,
        flags: 0,
        window: 0xffff,
        timestamp: Math.floor(this.#nowMs - START_MS) + 10,
        echo: 0,
        payload: new Uint8Array(0),
        ...fields,
      }),
    );
  }

  /** Both CONNECT segments and the answer to the second. */
  connect(): SocketDatagram[] {
    const body = Uint8Array.of(0, 3, 1, 0);
    return [
      this.segment("out", body, { flags: 2, ack: 0 }),
      this.segment("in", body, { flags: 2 }),
    ];
  }

  /** BIND and its answer. */
  bind(realm: number, port: number): SocketDatagram[] {
    return [
      this.segment("out", encodeFrame({ type: "bind", realm, port, ip: "127.0.0.1" })),
      this.segment("in", encodeFrame({ type: "status", realm, status: "CONN" })),
    ];
  }
}

/** DATA frames of at most `size` bytes each. */
export function dataFrames(realm: number, bytes: Uint8Array, size = 1280): Uint8Array {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    frames.push(encodeFrame({ type: "data", realm, data: bytes.subarray(at, at + size) }));
  }
  return concatBytes(frames);
}
