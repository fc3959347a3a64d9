/**
 * Datagrams written as hex: dumps as Wireshark, tcpdump, xxd and hexdump print them, or one datagram
 * per line in plain hex.
 *
 * @module
 */
import { fromHex } from "../bytes.ts";
import { isPtcp } from "../ptcp/segment.ts";
import { isPlainStun, isStun } from "../punch/stun.ts";
import type { CapturedDatagram, Direction } from "./captured.ts";
import { decodeUdpPacket, LINK_TYPE, MAX_UDP_PAYLOAD_BYTES, type UdpPacket } from "./ipv4.ts";
import { isSignaling } from "./signaling_redaction.ts";

/** Most datagrams read from one text; a dump of more is a capture and should be one. */
const MAX_DATAGRAMS = 100_000;

const OUT = /^(?:out|>|-->|->|C->D|C→D|C->A|C→A)(?=[\s:])[\s:]*/i;
const IN = /^(?:in|<|<--|<-|D->C|D→C|A->C|A→C)(?=[\s:])[\s:]*/i;
const OFFSET = /^(0x)?([0-9a-fA-F]{4,8})(:?)\s+(\S.*)$/;

interface Dump {
  readonly direction: Direction | undefined;
  readonly bytes: number[];
}

/** What has neither endpoints nor time stands between these. */
const LOCAL = { ip: "127.0.0.1", port: 0 };
const REMOTE = { ip: "127.0.0.2", port: 0 };

/**
 * The datagrams in a text. Dumps of whole frames lose their Ethernet, IP and UDP headers. Lines that
 * hold no hex are passed over, as are empty ones and those that begin with `#`.
 *
 * @returns Datagrams one millisecond apart: the text has no times.
 */
export function readHexDump(text: string): CapturedDatagram[] {
  const dumps: Dump[] = [];
  let current: Dump | undefined;
  let direction: Direction | undefined;
  for (const raw of text.split("\n")) {
    if (dumps.length >= MAX_DATAGRAMS) break;
    let line = raw.trim();
    if (line === "" || line.startsWith("#")) {
      current = undefined;
      continue;
    }
    direction = OUT.test(line) ? "out" : IN.test(line) ? "in" : undefined;
    line = line.replace(direction === "out" ? OUT : IN, "");
    const row = dumpRow(line);
    const isNext = row !== undefined && current !== undefined &&
      row.offset === current.bytes.length;
    if (row !== undefined && (row.offset === 0 || isNext)) {
      if (!isNext || row.offset === 0) {
        current = { direction, bytes: [] };
        dumps.push(current);
      }
      if (current!.bytes.length < 70_000) current!.bytes.push(...row.bytes);
      continue;
    }
    current = undefined;
    const bytes = plainHex(line);
    if (bytes !== undefined) dumps.push({ direction, bytes });
  }
  return dumps.map((dump, index) => toDatagram(dump, index));
}

/** One row of a dump: an offset and up to sixteen bytes, perhaps with their characters behind. */
function dumpRow(line: string): { offset: number; bytes: number[] } | undefined {
  const match = OFFSET.exec(line.slice(0, 200));
  if (!match) return undefined;
  const [, prefix, offset, colon, rest] = match;
  // Groups of four digits (tcpdump, xxd) end two blanks before the characters, pairs three.
  const columns = rest!.split("|", 1)[0]!.split(prefix || colon ? /\s{2,}/ : /\s{3,}/, 1)[0]!;
  const bytes: number[] = [];
  for (const group of columns.trim().split(/\s+/)) {
    if (!/^(?:[0-9a-fA-F]{2}){1,2}$/.test(group) || bytes.length >= 16) break;
    if (!prefix && !colon && group.length !== 2) return undefined;
    bytes.push(...fromHex(group));
  }
  return bytes.length === 0 ? undefined : { offset: Number.parseInt(offset!, 16), bytes };
}

function plainHex(line: string): number[] | undefined {
  const digits = line.replace(/\s+|0x/g, "");
  const isHex = /^[0-9a-fA-F]+$/.test(digits) && digits.length % 2 === 0 && digits.length >= 8;
  return isHex && digits.length <= 2 * 65_535 ? [...fromHex(digits)] : undefined;
}

/** Whether the bytes are a datagram of this protocol and no frame around one. */
function isOurs(bytes: Uint8Array): boolean {
  return isPtcp(bytes) || isStun(bytes) || isPlainStun(bytes) || isSignaling(bytes);
}

/** The datagram inside a dumped frame, whatever link layer it has. */
function unwrap(bytes: Uint8Array): UdpPacket | undefined {
  for (
    const linkType of [
      LINK_TYPE.ethernet,
      LINK_TYPE.raw,
      LINK_TYPE.linuxCooked,
      LINK_TYPE.linuxCooked2,
      LINK_TYPE.null,
    ]
  ) {
    const udp = decodeUdpPacket(linkType, bytes);
    if (udp !== undefined) return udp;
  }
  return undefined;
}

function toDatagram(dump: Dump, index: number): CapturedDatagram {
  const bytes = Uint8Array.from(dump.bytes).subarray(0, MAX_UDP_PAYLOAD_BYTES);
  const udp = isOurs(bytes) ? undefined : unwrap(bytes);
  const isIn = dump.direction === "in";
  // Without a direction each stands for itself: which of them belong together is not known.
  const remote = dump.direction === undefined
    ? { ip: REMOTE.ip, port: 1 + index % 65_535 }
    : REMOTE;
  return {
    type: "datagram",
    unixTimeMs: index,
    direction: dump.direction,
    from: udp?.from ?? (isIn ? remote : LOCAL),
    to: udp?.to ?? (isIn ? LOCAL : remote),
    data: udp?.payload ?? bytes,
  };
}
