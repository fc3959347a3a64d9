/**
 * Writing of captures: what the sockets carried, as a pcapng file that Wireshark opens.
 *
 * @module
 */
import { concatBytes, EMPTY, isIpv4, utf8 } from "../bytes.ts";
import type { Endpoint } from "../types.ts";
import { type Captured, type Direction, EVENT_INTERFACE } from "./captured.ts";
import { encodeUdpPacket, LINK_TYPE, MAX_UDP_PAYLOAD_BYTES } from "./ipv4.ts";
import { encodeInterfaceBlock, encodePacketBlock, encodeSectionBlock } from "./pcapng.ts";
import { Redactor, type RedactorOptions } from "./redactor.ts";

/** Choices of a {@linkcode CaptureWriter}. */
export interface CaptureWriterOptions {
  /** `blank` (default) blanks credentials, digests, tokens, serials and logins; `keep` writes what was on the wire. */
  readonly secrets?: "blank" | "keep" | undefined;
  /** Program name and version in the section header. Default `dahua-p2p`. */
  readonly application?: string | undefined;
  /** Stands for the local address of sockets bound to every address. Default 127.0.0.1. */
  readonly localIp?: string | undefined;
  /** How secrets are found. */
  readonly redaction?: RedactorOptions | undefined;
}

/** A datagram as a socket carried it. */
export interface SocketDatagram {
  /** Name of the socket: it becomes the interface of the capture. */
  readonly socket: string;
  readonly direction: Direction;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Not changed by the writer, and not to be changed by the caller until the capture is finished. */
  readonly data: Uint8Array;
  /** Unix time in ms; the fraction carries microseconds. */
  readonly unixTimeMs: number;
  /** A remark, without secrets. */
  readonly comment?: string | undefined;
}

/** Where events are filed: the discard port of this machine, which carries nothing else. */
const EVENT_ENDPOINT: Endpoint = { ip: "127.0.0.1", port: 9 };

/** Longest text of an event; longer ones are cut. */
const MAX_EVENT_CHARS = 1024;

/**
 * Turns datagrams and events into the bytes of a pcapng file. It writes nothing itself: every call
 * returns what to append to the file, perhaps nothing yet.
 *
 * Datagrams get IPv4 and UDP headers with valid checksums; every socket is an interface of its own.
 * With secrets blanked a segment that overtook others is held back until they arrive, two seconds at
 * most, so call {@linkcode finish} before closing the file.
 */
export class CaptureWriter {
  readonly #redactor: Redactor | undefined;
  readonly #application: string;
  readonly #localIp: string;
  readonly #interfaces = new Map<string, number>();
  #identification = 0;
  #started = false;

  /** @throws {RangeError} When `localIp` is no IPv4 literal. */
  constructor(options: CaptureWriterOptions = {}) {
    this.#redactor = options.secrets === "keep" ? undefined : new Redactor(options.redaction);
    this.#application = options.application ?? "dahua-p2p";
    this.#localIp = options.localIp ?? "127.0.0.1";
    if (!isIpv4(this.#localIp)) throw new RangeError("localIp is not an IPv4 literal");
  }

  /** Adds a datagram; the bytes to append to the file. */
  datagram(datagram: SocketDatagram): Uint8Array {
    const local = datagram.local.ip === "0.0.0.0"
      ? { ip: this.#localIp, port: datagram.local.port }
      : datagram.local;
    const isOut = datagram.direction === "out";
    return this.#add({
      type: "datagram",
      unixTimeMs: datagram.unixTimeMs,
      socket: datagram.socket,
      direction: datagram.direction,
      from: isOut ? local : datagram.remote,
      to: isOut ? datagram.remote : local,
      data: datagram.data,
      comment: datagram.comment,
    });
  }

  /** Adds a remark between the datagrams: one line without secrets; the bytes to append to the file. */
  event(text: string, unixTimeMs: number): Uint8Array {
    return this.#add({ type: "event", unixTimeMs, text: text.slice(0, MAX_EVENT_CHARS) });
  }

  /** Ends the capture: whatever was held back. */
  finish(): Uint8Array {
    const blocks = this.#start();
    this.#redactor?.finish();
    this.#drain(blocks);
    return concatBytes(blocks);
  }

  #add(captured: Captured): Uint8Array {
    const blocks = this.#start();
    if (this.#redactor === undefined) this.#encode(captured, blocks);
    else {
      this.#redactor.push(captured);
      this.#drain(blocks);
    }
    return blocks.length === 0 ? EMPTY : concatBytes(blocks);
  }

  #start(): Uint8Array[] {
    if (this.#started) return [];
    this.#started = true;
    return [encodeSectionBlock(this.#application)];
  }

  #drain(blocks: Uint8Array[]): void {
    for (let entry = this.#redactor?.next(); entry; entry = this.#redactor?.next()) {
      this.#encode(entry, blocks);
    }
  }

  #encode(captured: Captured, blocks: Uint8Array[]): void {
    const isEvent = captured.type === "event";
    const interfaceId = this.#interface(
      isEvent ? EVENT_INTERFACE : captured.socket ?? "socket",
      blocks,
    );
    const from = isEvent ? EVENT_ENDPOINT : captured.from;
    const to = isEvent ? EVENT_ENDPOINT : captured.to;
    const payload = isEvent
      ? utf8(captured.text)
      : captured.data.subarray(0, MAX_UDP_PAYLOAD_BYTES);
    this.#identification = (this.#identification + 1) & 0xffff;
    const comment = isEvent ? captured.text : captured.comment;
    blocks.push(encodePacketBlock({
      interfaceId,
      unixTimeMs: captured.unixTimeMs,
      packet: encodeUdpPacket(from, to, payload, this.#identification),
      direction: isEvent ? undefined : captured.direction,
      comments: comment === undefined ? undefined : [comment],
    }));
  }

  #interface(name: string, blocks: Uint8Array[]): number {
    let id = this.#interfaces.get(name);
    if (id === undefined) {
      id = this.#interfaces.size;
      this.#interfaces.set(name, id);
      const what = name === EVENT_INTERFACE ? "events of the session" : `UDP socket ${name}`;
      blocks.push(encodeInterfaceBlock(LINK_TYPE.ipv4, name, what));
    }
    return id;
  }
}
