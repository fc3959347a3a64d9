/**
 * Reading of captures: pcapng and pcap files, our own and those of tcpdump, dumpcap or Wireshark.
 *
 * @module
 */
import { decodeLatin1 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";
import { type Captured, type Direction, EVENT_INTERFACE } from "./captured.ts";
import { decodeUdpPacket } from "./ipv4.ts";
import { BLOCK_TYPE, BYTE_ORDER_MAGIC, OPTION } from "./pcapng.ts";

/** Limits of a {@linkcode CaptureReader}. */
export interface CaptureReaderOptions {
  /** Longest block or packet record taken; a longer one ends the reading. Default 1 MiB: a packet has at most 64 KiB. */
  readonly maxBlockBytes?: number | undefined;
  /** Most interfaces of one section. Default 1024: beyond it the file is not an honest capture. */
  readonly maxInterfaces?: number | undefined;
}

interface Interface {
  readonly linkType: number;
  readonly name?: string | undefined;
  readonly ticksPerMs: number;
  readonly offsetMs: number;
}

type Format =
  | { readonly kind: "unknown" }
  | { readonly kind: "pcapng" }
  | { readonly kind: "pcap"; readonly interface: Interface };

const textDecoder = new TextDecoder();

/** Interface names end in a zero byte with some writers. */
function optionText(bytes: Uint8Array): string {
  return textDecoder.decode(bytes).replace(/\0+$/, "");
}

/**
 * Takes a capture file in chunks and gives its UDP datagrams, whatever link layer they lie in.
 *
 * Memory is bounded by the longest block; time is linear in the bytes pushed.
 */
export class CaptureReader {
  readonly #maxBlockBytes: number;
  readonly #maxInterfaces: number;
  #buffer = new Uint8Array(65_536);
  #view = new DataView(this.#buffer.buffer);
  #start = 0;
  #end = 0;
  /** Bytes of the file before `#start`, for offsets in errors. */
  #consumed = 0;
  #format: Format = { kind: "unknown" };
  #littleEndian = true;
  #interfaces: Interface[] = [];
  #skipped = 0;

  constructor(options: CaptureReaderOptions = {}) {
    this.#maxBlockBytes = options.maxBlockBytes ?? 1_048_576;
    this.#maxInterfaces = options.maxInterfaces ?? 1024;
  }

  /** How many packets were passed over because they are not whole UDP over IPv4. */
  get skippedPackets(): number {
    return this.#skipped;
  }

  /** Adds the next bytes of the file; they are copied. */
  push(chunk: Uint8Array): void {
    const pending = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      // At most half full, the old buffer is compacted; else it grows: linear in the bytes pushed.
      const need = pending + chunk.length;
      const target = 2 * need <= this.#buffer.length ? this.#buffer : new Uint8Array(2 * need);
      target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = target;
      this.#view = new DataView(target.buffer);
      this.#start = 0;
      this.#end = pending;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The next entry, or nothing until more bytes are pushed.
   *
   * @throws {DecodeError} When the file is not a capture or its structure is broken; what follows
   * cannot be read then.
   */
  next(): Captured | undefined {
    for (;;) {
      if (this.#format.kind === "unknown" && !this.#readMagic()) return undefined;
      const length = this.#format.kind === "pcap" ? this.#recordLength() : this.#blockLength();
      if (length === undefined) return undefined;
      const start = this.#start;
      const captured = this.#format.kind === "pcap"
        ? this.#record(start, length, this.#format.interface)
        : this.#block(start, length);
      this.#start += length;
      this.#consumed += length;
      if (captured !== undefined) return captured;
    }
  }

  /**
   * Says that the file has ended.
   *
   * @throws {DecodeError} When it ended inside a block, or holds nothing.
   */
  finish(): void {
    if (this.#format.kind === "unknown") throw new DecodeError("not a capture file");
    if (this.#end > this.#start) throw this.#error("capture ends inside a block");
  }

  #error(what: string): DecodeError {
    return new DecodeError(what, this.#consumed);
  }

  #u32(offset: number): number {
    return this.#view.getUint32(offset, this.#littleEndian);
  }

  #u16(offset: number): number {
    return this.#view.getUint16(offset, this.#littleEndian);
  }

  #readMagic(): boolean {
    if (this.#end - this.#start < 4) return false;
    const magic = this.#view.getUint32(this.#start, true);
    if (magic === BLOCK_TYPE.section) {
      this.#format = { kind: "pcapng" };
      return true;
    }
    const nanoseconds = magic === 0xa1b23c4d || magic === 0x4d3cb2a1;
    const microseconds = magic === 0xa1b2c3d4 || magic === 0xd4c3b2a1;
    if (!nanoseconds && !microseconds) throw this.#error("neither a pcap nor a pcapng file");
    if (this.#end - this.#start < 24) return false;
    this.#littleEndian = magic === 0xa1b23c4d || magic === 0xa1b2c3d4;
    // The upper bits of the link type hold the length of a frame check sequence.
    const linkType = this.#u32(this.#start + 20) & 0xffff;
    const ticksPerMs = nanoseconds ? 1_000_000 : 1000;
    this.#format = { kind: "pcap", interface: { linkType, ticksPerMs, offsetMs: 0 } };
    this.#start += 24;
    this.#consumed += 24;
    return true;
  }

  /** Length of the next pcap record, or nothing while it is not complete. */
  #recordLength(): number | undefined {
    if (this.#end - this.#start < 16) return undefined;
    const length = 16 + this.#u32(this.#start + 8);
    if (length > this.#maxBlockBytes) throw this.#error("packet longer than the limit");
    return this.#end - this.#start < length ? undefined : length;
  }

  #record(start: number, length: number, source: Interface): Captured | undefined {
    const fraction = this.#u32(start + 4) / source.ticksPerMs;
    const unixTimeMs = this.#u32(start) * 1000 + fraction;
    return this.#packet(source, unixTimeMs, start + 16, length - 16, undefined, undefined);
  }

  /** Length of the next pcapng block, or nothing while it is not complete. */
  #blockLength(): number | undefined {
    const available = this.#end - this.#start;
    if (available < 12) return undefined;
    if (this.#view.getUint32(this.#start, true) === BLOCK_TYPE.section) {
      const magic = this.#view.getUint32(this.#start + 8, true);
      if (magic !== BYTE_ORDER_MAGIC && magic !== 0x4d3c2b1a) {
        throw this.#error("section without a byte-order magic");
      }
      this.#littleEndian = magic === BYTE_ORDER_MAGIC;
    }
    const length = this.#u32(this.#start + 4);
    if (length < 12 || length % 4 !== 0) throw this.#error("block of impossible length");
    if (length > this.#maxBlockBytes) throw this.#error("block longer than the limit");
    if (available < length) return undefined;
    if (this.#u32(this.#start + length - 4) !== length) {
      throw this.#error("block whose two lengths differ");
    }
    return length;
  }

  #block(start: number, length: number): Captured | undefined {
    const end = start + length - 4;
    switch (this.#u32(start)) {
      case BLOCK_TYPE.section:
        this.#interfaces = [];
        return undefined;
      case BLOCK_TYPE.interface:
        this.#addInterface(start, end);
        return undefined;
      case BLOCK_TYPE.enhancedPacket:
        if (length < 32) throw this.#error("packet block too short");
        return this.#enhancedPacket(start, end, this.#u32(start + 8));
      case BLOCK_TYPE.obsoletePacket:
        if (length < 32) throw this.#error("packet block too short");
        return this.#enhancedPacket(start, end, this.#u16(start + 8));
      case BLOCK_TYPE.simplePacket: {
        if (length < 16) throw this.#error("packet block too short");
        const source = this.#interfaces[0];
        if (source === undefined) throw this.#error("packet of an unknown interface");
        const captured = Math.min(this.#u32(start + 8), end - start - 12);
        return this.#packet(source, 0, start + 12, captured, undefined, undefined);
      }
      default:
        return undefined;
    }
  }

  #addInterface(start: number, end: number): void {
    if (end - start < 16) throw this.#error("interface block too short");
    if (this.#interfaces.length >= this.#maxInterfaces) throw this.#error("too many interfaces");
    let name: string | undefined;
    let ticksPerMs = 1000;
    let offsetMs = 0;
    this.#eachOption(start + 16, end, (code, value) => {
      if (code === OPTION.interfaceName) name = optionText(value);
      if (code === OPTION.interfaceTimeResolution && value.length >= 1) {
        const power = value[0]! & 0x7f;
        ticksPerMs = ((value[0]! & 0x80) === 0 ? 10 ** power : 2 ** power) / 1000;
      }
      if (code === OPTION.interfaceTimeOffset && value.length >= 8) {
        const view = new DataView(value.buffer, value.byteOffset, 8);
        offsetMs = Number(view.getBigInt64(0, this.#littleEndian)) * 1000;
      }
    });
    this.#interfaces.push({ linkType: this.#u16(start + 8), name, ticksPerMs, offsetMs });
  }

  #enhancedPacket(start: number, end: number, interfaceId: number): Captured | undefined {
    const source = this.#interfaces[interfaceId];
    if (source === undefined) throw this.#error("packet of an unknown interface");
    const captured = this.#u32(start + 20);
    if (captured > end - start - 28) throw this.#error("packet longer than its block");
    const ticks = this.#u32(start + 12) * 0x1_0000_0000 + this.#u32(start + 16);
    const comments: string[] = [];
    let direction: Direction | undefined;
    this.#eachOption(start + 28 + ((captured + 3) & ~3), end, (code, value) => {
      if (code === OPTION.comment) comments.push(optionText(value));
      if (code === OPTION.packetFlags && value.length >= 4) {
        const flags = new DataView(value.buffer, value.byteOffset, 4).getUint32(
          0,
          this.#littleEndian,
        );
        if ((flags & 3) === 1) direction = "in";
        if ((flags & 3) === 2) direction = "out";
      }
    });
    const comment = comments.length > 0 ? comments.join("\n") : undefined;
    const unixTimeMs = ticks / source.ticksPerMs + source.offsetMs;
    return this.#packet(source, unixTimeMs, start + 28, captured, direction, comment);
  }

  #eachOption(start: number, end: number, take: (code: number, value: Uint8Array) => void): void {
    let offset = start;
    while (offset + 4 <= end) {
      const code = this.#u16(offset);
      const length = this.#u16(offset + 2);
      if (code === OPTION.end || offset + 4 + length > end) return;
      take(code, this.#buffer.subarray(offset + 4, offset + 4 + length));
      offset += 4 + ((length + 3) & ~3);
    }
  }

  #packet(
    source: Interface,
    unixTimeMs: number,
    offset: number,
    length: number,
    direction: Direction | undefined,
    comment: string | undefined,
  ): Captured | undefined {
    // The buffer is used again, so what leaves it is a copy.
    const packet = this.#buffer.slice(offset, offset + length);
    const udp = decodeUdpPacket(source.linkType, packet);
    if (udp === undefined) {
      this.#skipped++;
      return undefined;
    }
    if (source.name === EVENT_INTERFACE && udp.to.port === 9 && udp.to.ip === "127.0.0.1") {
      return { type: "event", unixTimeMs, text: comment ?? decodeLatin1(udp.payload) };
    }
    const way = direction ??
      (udp.outgoing === undefined ? undefined : udp.outgoing ? "out" : "in");
    return {
      type: "datagram",
      unixTimeMs,
      socket: source.name,
      direction: way,
      from: udp.from,
      to: udp.to,
      data: udp.payload,
      comment,
    };
  }
}
