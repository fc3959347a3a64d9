/**
 * A capture as text: one line per datagram with its protocol fields.
 *
 * @module
 */
import { decodeLatin1, formatEndpoint, toHex } from "../bytes.ts";
import { decodeBody } from "../cloud/xml.ts";
import { decodeConnect } from "../ptcp/connect.ts";
import { decodeNack } from "../ptcp/nack.ts";
import { decodeSegment, FLAG_CTL, FLAG_RST, isPtcp, type Segment } from "../ptcp/segment.ts";
import { decodeStun, isStun } from "../punch/stun.ts";
import type { Captured, CapturedDatagram } from "./captured.ts";
import type { FramePart } from "./frame_walker.ts";
import type { Side } from "./frame_redaction.ts";
import { PtcpTrail, type TrailStep } from "./ptcp_trail.ts";
import { isSignaling } from "./signaling_redaction.ts";

/** Connections followed at a time; the oldest is forgotten. */
const MAX_FLOWS = 64;
/** Unknown bytes shown as hex. */
const MAX_HEX_BYTES = 64;
/** Characters of text shown of one value. */
const MAX_TEXT_CHARS = 120;
/** Frames named in one line. A segment of DVRIP keepalives could hold a hundred. */
const MAX_FRAMES_SHOWN = 16;

const FRAME_NAMES: ReadonlyMap<number, string> = new Map([
  [0x10, "DATA"],
  [0x11, "BIND"],
  [0x12, "STATUS"],
  [0x13, "HEARTBEAT"],
  [0x14, "SERVICE"],
  [0x17, "SIGN-REQUEST"],
  [0x18, "SIGN"],
  [0x19, "SIGN-PRESENT"],
  [0x1a, "SIGN-ANSWER"],
  [0x1b, "SIGN-CONFIRM"],
]);

/** Printable ASCII stays, anything else becomes `\xNN`, so that no terminal obeys a capture. */
export function printable(bytes: Uint8Array, maxChars = MAX_TEXT_CHARS): string {
  let text = "";
  for (const byte of bytes) {
    if (text.length >= maxChars) return text + "…";
    text += byte >= 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : "\\x" + byte.toString(16).padStart(2, "0");
  }
  return text;
}

function printableText(text: string): string {
  return printable(new TextEncoder().encode(text));
}

/** Bytes as hex, cut with their number when there are many. */
export function shortHex(bytes: Uint8Array, maxBytes = MAX_HEX_BYTES): string {
  if (bytes.length <= maxBytes) return toHex(bytes);
  return `${toHex(bytes.subarray(0, maxBytes))}… (${bytes.length} bytes)`;
}

/** What the data of a realm begins with, in the words of the recorded log; it is known to be RTSP. */
export function describeRtsp(data: Uint8Array): string | undefined {
  if (data.length === 0) return undefined;
  if (data[0] === 0x24 && data.length >= 4) {
    return `interleaved, channel ${data[1]}, length ${(data[2]! << 8) | data[3]!}`;
  }
  const head = decodeLatin1(data.subarray(0, 200));
  const line = head.split(/\r?\n/, 1)[0]!;
  if (line.startsWith("RTSP/1.0 ")) {
    return `rtsp response, first line: ${printableText(line)}`;
  }
  const request = /^([A-Z_]{4,14}) (?:rtsp|\*)/.exec(line);
  return request ? `rtsp request, ${request[1]}` : "continuation";
}

/**
 * Turns the entries of a capture into lines. Give it blanked entries (see `Redactor`) when the text
 * is to be shown to others: it prints what it is given.
 */
export class CaptureDescription {
  readonly #flows = new Map<string, { trail: PtcpTrail; ports: Map<number, number> }>();
  #firstMs: number | undefined;

  /** One line for one entry; never throws. */
  describe(captured: Captured): string {
    this.#firstMs ??= captured.unixTimeMs;
    const seconds = (captured.unixTimeMs - this.#firstMs) / 1000;
    const time = `${seconds < 0 ? "-" : "+"}${Math.abs(seconds).toFixed(6)}`;
    if (captured.type === "event") return `${time} event ${printableText(captured.text)}`;
    const socket = captured.socket === undefined ? "" : ` ${printableText(captured.socket)}`;
    const way = captured.direction === undefined ? "" : ` ${captured.direction}`;
    const ends = `${formatEndpoint(captured.from)} > ${formatEndpoint(captured.to)}`;
    const comment = captured.comment === undefined ? "" : ` # ${printableText(captured.comment)}`;
    return `${time}${way}${socket} ${ends} ${this.#content(captured)}${comment}`;
  }

  #content(datagram: CapturedDatagram): string {
    const { data } = datagram;
    if (isPtcp(data)) return this.#ptcp(datagram);
    if (isStun(data)) return describeStun(data);
    if (isSignaling(data)) return describeSignaling(data);
    return data.length === 0 ? "empty" : `unknown ${shortHex(data)}`;
  }

  #ptcp(datagram: CapturedDatagram): string {
    const segment = decodeSegment(datagram.data);
    const from = formatEndpoint(datagram.from);
    const to = formatEndpoint(datagram.to);
    const side: Side = from < to ? 0 : 1;
    const key = side === 0 ? `${from} ${to}` : `${to} ${from}`;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      if (this.#flows.size >= MAX_FLOWS) {
        for (const oldest of this.#flows.keys()) {
          this.#flows.delete(oldest);
          break;
        }
      }
      flow = { trail: new PtcpTrail(), ports: new Map() };
      this.#flows.set(key, flow);
    }
    const step = flow.trail.add(side, datagram.data);
    return `PTCP ${describeHeader(segment)}${describeStep(segment, step, flow.ports)}`;
  }
}

function describeHeader(segment: Segment): string {
  const control = segment.control === 0 ? "" : ` control=0x${segment.control.toString(16)}`;
  let flags = "";
  if ((segment.flags & FLAG_CTL) !== 0) flags += " CTL";
  if ((segment.flags & FLAG_RST) !== 0) flags += " RST";
  const other = segment.flags & ~(FLAG_CTL | FLAG_RST);
  if (other !== 0) flags += ` flags=0x${other.toString(16)}`;
  return `seq=${segment.sequence} ack=${segment.ack} win=${segment.window} ts=${segment.timestamp}` +
    ` echo=${segment.echo} len=${segment.payload.length}${control}${flags}`;
}

function describeStep(segment: Segment, step: TrailStep, ports: Map<number, number>): string {
  switch (step.standing) {
    case "empty":
      return "";
    case "control":
      return describeControl(segment.payload);
    case "nack":
      return describeNack(segment.payload);
    case "repeated":
      return " [repeated]";
    case "early":
      return ` [early, ${segment.payload.length} bytes wait]${describeParts(step.parts, ports)}`;
    case "in-order": {
      const lost = step.isLost ? ` [boundary lost] ${shortHex(segment.payload)}` : "";
      const waited = step.waited > 0 ? " [fills a gap]" : "";
      return `${waited}${describeParts(step.parts, ports)}${lost}`;
    }
  }
}

function describeControl(body: Uint8Array): string {
  try {
    const { windowScale } = decodeConnect(body);
    return ` CONNECT${windowScale === undefined ? "" : ` scale=${windowScale}`}`;
  } catch {
    return ` control ${shortHex(body)}`;
  }
}

function describeNack(body: Uint8Array): string {
  try {
    const { blocks, rest } = decodeNack(body);
    const ranges = blocks.slice(0, MAX_FRAMES_SHOWN).map((block) =>
      ` missing=${block.sequence}..${(block.sequence + block.span) >>> 0}`
    );
    return ` NACK${ranges.join("")}${rest.length > 0 ? ` rest=${shortHex(rest)}` : ""}`;
  } catch {
    return ` control ${shortHex(body)}`;
  }
}

function describeParts(parts: readonly FramePart[], ports: Map<number, number>): string {
  let text = "";
  for (const part of parts) notePort(part, ports);
  for (const part of parts.slice(0, MAX_FRAMES_SHOWN)) text += ` | ${describePart(part, ports)}`;
  if (parts.length > MAX_FRAMES_SHOWN) text += ` | … (${parts.length} frames)`;
  return text;
}

/** Remembers the port of a realm from its BIND. */
function notePort(part: FramePart, ports: Map<number, number>): void {
  if (part.kind !== 0x11 || part.value === undefined) return;
  // Realms are few; a hostile capture must not make them many.
  if (ports.size >= 1024) ports.clear();
  ports.set(part.realm, new DataView(part.value.buffer, part.value.byteOffset).getUint32(0));
}

function describePart(part: FramePart, ports: ReadonlyMap<number, number>): string {
  const name = FRAME_NAMES.get(part.kind) ?? `kind=0x${part.kind.toString(16)}`;
  if (part.bodyBytes === undefined) return `${name} (header continues)`;
  const realm = part.realm === 0 ? "" : ` ${part.realm.toString(16).padStart(8, "0")}`;
  switch (part.kind) {
    case 0x10: {
      const isRtsp = ports.get(part.realm) === 554;
      const end = part.bodyOffset + part.body.length;
      const isWhole = part.body.length === part.bodyBytes;
      const range = isWhole ? "" : ` (${part.bodyOffset}..${end} of ${part.bodyBytes})`;
      const what = isRtsp && part.bodyOffset === 0 ? describeRtsp(part.body) : undefined;
      return `${name}${realm} ${part.body.length} bytes${range}${what ? ` ${what}` : ""}`;
    }
    case 0x11: {
      const ip = part.value === undefined ? undefined : part.value.subarray(4).join(".");
      return `${name}${realm}${ip === undefined ? "" : ` ${ip}:${ports.get(part.realm)}`}`;
    }
    case 0x12:
      return `${name}${realm}${part.value === undefined ? "" : ` ${printable(part.value)}`}`;
    default:
      return `${name}${realm}${part.body.length > 0 ? ` ${shortHex(part.body, 16)}` : ""}`;
  }
}

function describeStun(data: Uint8Array): string {
  try {
    const message = decodeStun(data);
    const address = message.address === undefined ? "" : ` ${formatEndpoint(message.address)}`;
    const identify = message.identify === undefined
      ? ""
      : ` ${message.role} identify=${toHex(message.identify)}`;
    const cookie = message.cookie.toString(16).padStart(8, "0");
    return `STUN ${message.type}${address} id=${toHex(message.transactionId)}` +
      ` cookie=${cookie}${identify}`;
  } catch {
    return `STUN? ${shortHex(data)}`;
  }
}

function describeSignaling(data: Uint8Array): string {
  const text = decodeLatin1(data);
  const first = text.slice(0, 512).split(/\r?\n/, 1)[0]!;
  const headEnd = text.indexOf("\r\n\r\n");
  const head = headEnd < 0 ? text : text.slice(0, headEnd);
  const cseq = /\ncseq:[ \t]{0,8}(-?[0-9]{1,10})/i.exec(head)?.[1];
  let line = `DH-HTTP ${printableText(first.replace(/ HTTP\/1\.[01]$/, ""))}`;
  if (cseq !== undefined) line += ` CSeq=${cseq}`;
  const body = headEnd < 0 ? data.subarray(data.length) : data.subarray(headEnd + 4);
  if (body.length === 0) return line;
  try {
    for (const [name, value] of decodeBody(body)) {
      line += ` ${printableText(name)}=${printableText(value)}`;
    }
    return line;
  } catch {
    return `${line} body=${printable(body)}`;
  }
}
