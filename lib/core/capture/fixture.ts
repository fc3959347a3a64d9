/**
 * A capture as rows of a fixture: what a test needs to replay it, and nothing that names anybody.
 *
 * PTCP rows have the form of the recorded log of 2024: complete headers, of the body its length and
 * the bytes that give it structure. Filling the rest with zeros gives a body that parses the same.
 *
 * @module
 */
import { decodeLatin1, formatEndpoint, readUint32, toHex } from "../bytes.ts";
import { HEADER_BYTES, isPtcp } from "../ptcp/segment.ts";
import { isPlainStun, isStun } from "../punch/stun.ts";
import type { Captured, CapturedDatagram, Direction } from "./captured.ts";
import { describeRtsp, shortHex } from "./description.ts";
import { beginsFrame, type FramePart, FrameWalker } from "./frame_walker.ts";
import type { Side } from "./frame_redaction.ts";
import { Pseudonyms } from "./pseudonyms.ts";
import { PtcpTrail, type TrailStep } from "./ptcp_trail.ts";
import { isSignaling } from "./signaling_redaction.ts";

/** Who the other end of a datagram is. */
export type FixturePeer = "main" | "us" | "relay" | "agent" | "device";

/** What every row has. */
interface Row {
  /** 1 for the first. */
  readonly n: number;
  /** ms since the first entry. */
  readonly at_ms: number;
}

interface DatagramRow extends Row {
  readonly peer: FixturePeer;
  readonly dir: Direction;
}

/** A PTCP segment; the only rows without `kind`, as in the recorded log. */
export interface SegmentRow extends DatagramRow {
  readonly seq: number;
  readonly ack: number;
  /** Bytes 12 to 15 as hex. */
  readonly control_flags_window: string;
  readonly ts: number;
  readonly ts_echo: number;
  /** Payload bytes. */
  readonly length: number;
  /** What the payload begins with: the header of its first frame, or a whole short body. */
  readonly body_head?: string;
  /** Further bytes that give structure: offset in the payload, and hex. */
  readonly heads?: readonly (readonly [offset: number, hex: string])[];
  /** What the payload is, in words. */
  readonly payload?: string;
}

/** A DH-HTTP message, blanked. */
export interface SignalingRow extends DatagramRow {
  readonly kind: "signaling";
  readonly socket?: string;
  readonly text: string;
}

/** An inverted STUN message. */
export interface StunRow extends DatagramRow {
  readonly kind: "stun";
  readonly hex: string;
}

/** A datagram of a kind we do not know, blanked but for its first bytes. */
export interface UnknownRow extends DatagramRow {
  readonly kind: "unknown";
  readonly length: number;
  readonly head: string;
}

/** An event of the session. */
export interface EventRow extends Row {
  readonly kind: "event";
  readonly text: string;
}

/** One row of a fixture. */
export type FixtureRow = SegmentRow | SignalingRow | StunRow | UnknownRow | EventRow;

/** Longest control or NACK body written whole. */
const MAX_WHOLE_BYTES = 264;
/** Connections and peers followed; beyond it the capture is no session of ours. */
const MAX_FLOWS = 256;

/** Turns the entries of a blanked capture (see `Redactor`) into rows. */
export class FixtureWriter {
  readonly #pseudonyms = new Pseudonyms();
  readonly #peers = new Map<string, FixturePeer>();
  readonly #flows = new Map<string, { trail: PtcpTrail; ports: Map<number, number> }>();
  readonly #localIps = new Set<string>();
  #count = 0;
  #firstMs: number | undefined;

  /** The row of one entry; never throws. */
  row(captured: Captured): FixtureRow {
    this.#firstMs ??= captured.unixTimeMs;
    const at_ms = Math.round((captured.unixTimeMs - this.#firstMs) * 1000) / 1000;
    const row = { n: ++this.#count, at_ms };
    if (captured.type === "event") {
      return { ...row, kind: "event", text: this.#pseudonyms.text(captured.text) };
    }
    const dir = this.#direction(captured);
    const remote = dir === "out" ? captured.to : captured.from;
    const key = formatEndpoint(remote);
    const { data } = captured;
    if (isSignaling(data)) {
      const peer = this.#signalingPeer(key, dir, data);
      const text = this.#pseudonyms.message(data);
      const socket = captured.socket === undefined ? {} : { socket: captured.socket };
      return { n: row.n, kind: "signaling", peer, dir, at_ms, ...socket, text };
    }
    const peer = this.#peers.get(key) ?? "device";
    const base = { n: row.n, peer, dir };
    if (isPtcp(data)) return { ...base, ...this.#segment(captured), at_ms };
    if (isStun(data) || isPlainStun(data)) {
      const shown = isStun(data) ? this.#pseudonyms.stun(data, dir) : data;
      return { ...base, kind: "stun", at_ms, hex: toHex(shown) };
    }
    return { ...base, kind: "unknown", at_ms, length: data.length, head: shortHex(data, 4) };
  }

  /** Which way it went; without a word of the capture the end that spoke first is ours. */
  #direction(datagram: CapturedDatagram): Direction {
    if (datagram.direction !== undefined) return datagram.direction;
    if (this.#localIps.has(datagram.from.ip)) return "out";
    if (this.#localIps.has(datagram.to.ip)) return "in";
    if (this.#localIps.size < MAX_FLOWS) this.#localIps.add(datagram.from.ip);
    return "out";
  }

  /** Our requests tell who is behind an endpoint. */
  #signalingPeer(key: string, dir: Direction, data: Uint8Array): FixturePeer {
    const known = this.#peers.get(key);
    if (dir === "in") return known ?? "main";
    const path = decodeLatin1(data.subarray(0, 64)).split(" ", 2)[1] ?? "";
    const peer = path.startsWith("/relay/start") || path.startsWith("/tcprelay")
      ? "agent"
      : path.startsWith("/relay/")
      ? "relay"
      : path.startsWith("/probe/device") || path.startsWith("/info/device")
      ? "us"
      : "main";
    if (known === undefined && this.#peers.size < MAX_FLOWS) this.#peers.set(key, peer);
    return known ?? peer;
  }

  #segment(datagram: CapturedDatagram): Omit<SegmentRow, "n" | "at_ms" | "peer" | "dir"> {
    const { data } = datagram;
    const body = data.subarray(HEADER_BYTES);
    const row = {
      seq: readUint32(data, 4),
      ack: readUint32(data, 8),
      control_flags_window: toHex(data.subarray(12, 16)),
      ts: readUint32(data, 16),
      ts_echo: readUint32(data, 20),
      length: body.length,
    };
    if (body.length === 0) return row;
    const { step, ports } = this.#follow(datagram);
    if (step.standing === "control" || step.standing === "nack") {
      return { ...row, body_head: toHex(body.subarray(0, MAX_WHOLE_BYTES)) };
    }
    const parts = ownParts(step, body);
    const [first, ...others] = structure(parts, body);
    const payload = describePayload(parts, ports);
    const isAtStart = first?.[0] === 0;
    const heads = isAtStart || first === undefined ? others : [first, ...others];
    return {
      ...row,
      ...(isAtStart ? { body_head: first[1] } : {}),
      ...(heads.length > 0 ? { heads } : {}),
      ...(payload === undefined ? {} : { payload }),
    };
  }

  #follow(datagram: CapturedDatagram): { step: TrailStep; ports: Map<number, number> } {
    const from = formatEndpoint(datagram.from);
    const to = formatEndpoint(datagram.to);
    const side: Side = from < to ? 0 : 1;
    const key = side === 0 ? `${from} ${to}` : `${to} ${from}`;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      flow = { trail: new PtcpTrail(), ports: new Map() };
      if (this.#flows.size >= MAX_FLOWS) this.#flows.clear();
      this.#flows.set(key, flow);
    }
    const step = flow.trail.add(side, datagram.data);
    for (const part of step.parts) {
      if (part.kind === 0x11 && part.value !== undefined && flow.ports.size < 1024) {
        flow.ports.set(part.realm, readUint32(part.value, 0));
      }
    }
    return { step, ports: flow.ports };
  }
}

/** The frames in this very segment; of one out of order what can be seen without the others. */
function ownParts(step: TrailStep, body: Uint8Array): readonly FramePart[] {
  if (step.standing === "in-order") return step.parts.slice(0, step.parts.length - step.waited);
  return beginsFrame(body) ? new FrameWalker().walk(body) : [];
}

/** The stretches of a payload that are frame headers or short bodies. */
function structure(parts: readonly FramePart[], body: Uint8Array): [number, string][] {
  const stretches: [number, string][] = [];
  for (const part of parts) {
    const isShort = part.kind !== 0x10 && part.bodyBytes !== undefined && part.bodyBytes <= 8;
    const start = Math.max(0, part.offset);
    const end = Math.min(body.length, part.offset + 12 + (isShort ? part.bodyBytes : 0));
    if (end > start) stretches.push([start, toHex(body.subarray(start, end))]);
  }
  return stretches;
}

function describePayload(
  parts: readonly FramePart[],
  ports: ReadonlyMap<number, number>,
): string | undefined {
  const data = parts.find((part) => part.kind === 0x10 && part.body.length > 0);
  if (data === undefined || ports.get(data.realm) !== 554) return undefined;
  return data.bodyOffset === 0 ? describeRtsp(data.body) : "continuation";
}
