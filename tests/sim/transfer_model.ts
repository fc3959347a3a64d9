/**
 * What must come out of a realm: bytes that each client and each service know from a salt, and the
 * record of what was sent and received.
 *
 * A client begins with 16 bytes: its salt, the lengths of its upload and of the download it wants,
 * and the pause of the service between reads. Everything after is decided by salt and offset, so
 * that a byte of another realm, lost, doubled or out of place, is seen at once.
 *
 * @module
 */
import { readUint32, writeUint32 } from "../../lib/core/bytes.ts";
import type { SimConnection } from "./sim_world.ts";

/** Length of what a client says first. */
export const PREAMBLE_BYTES = 16;

/** What one transfer did so far; both ends write to it. */
export interface TransferRecord {
  readonly salt: number;
  /** After the preamble. */
  readonly uploadBytes: number;
  readonly downloadBytes: number;
  /** Whether the service waits for the client to close. */
  readonly isLingering: boolean;
  /** Accepted by the link, the preamble included. */
  accepted: number;
  /** Received by the service, the preamble included. */
  arrived: number;
  /** Taken from the service by the device. */
  served: number;
  /** Received by the client. */
  received: number;
  /** The service has closed after it had everything and sent everything. */
  isServed: boolean;
  /** The service was told that the client is gone. */
  isHungUp: boolean;
  /** Times the service was dialled; more than one means that a BIND was acted on twice. */
  dials: number;
}

/** A byte of a stream. */
export function byteAt(salt: number, direction: "up" | "down", offset: number): number {
  const mixed = Math.imul(offset ^ salt, 0x9e37_79b1) ^ (direction === "up" ? 0x5bd1_e995 : 0);
  return (mixed ^ (mixed >>> 13)) >>> 11 & 0xff;
}

/** Bytes of the upload from `offset` on, the preamble included. */
export function uploadChunk(
  record: TransferRecord,
  pauseMs: number,
  offset: number,
  length: number,
): Uint8Array {
  const preamble = new Uint8Array(PREAMBLE_BYTES);
  writeUint32(preamble, 0, record.salt);
  writeUint32(preamble, 4, record.uploadBytes);
  writeUint32(preamble, 8, record.downloadBytes);
  writeUint32(preamble, 12, pauseMs);
  const count = Math.min(length, PREAMBLE_BYTES + record.uploadBytes - offset);
  return Uint8Array.from({ length: count }, (_, i) => {
    const at = offset + i;
    return at < PREAMBLE_BYTES ? preamble[at]! : byteAt(record.salt, "up", at - PREAMBLE_BYTES);
  });
}

/** Checks bytes of the download and counts them. @throws {Error} On a wrong byte. */
export function checkDownload(record: TransferRecord, bytes: Uint8Array): void {
  if (record.received + bytes.length > record.served) {
    throw new Error(
      `client ${record.salt} got ${record.received + bytes.length} of ${record.served} bytes`,
    );
  }
  for (const byte of bytes) {
    if (byte !== byteAt(record.salt, "down", record.received)) {
      throw new Error(`client ${record.salt} got a wrong byte at ${record.received}`);
    }
    record.received++;
  }
}

/** Pauses that a service makes in one transfer at the most. */
const MAX_PAUSES = 5;
/** Bytes a service reads between two pauses. */
const PAUSE_EVERY_BYTES = 8192;

/** The service that every such client talks to. `find` knows the transfers by their salt. */
export class TransferService implements SimConnection {
  readonly #find: (salt: number) => TransferRecord | undefined;
  readonly #now: () => number;
  readonly #preamble: number[] = [];
  #record: TransferRecord | undefined;
  #pauseMs = 0;
  #pauses = 0;
  #hangUpEarly = false;
  pausedUntil: number | undefined;

  constructor(find: (salt: number) => TransferRecord | undefined, now: () => number) {
    this.#find = find;
    this.#now = now;
  }

  get isDone(): boolean {
    const record = this.#record;
    if (record === undefined) return false;
    const isDone = !record.isLingering && record.served === record.downloadBytes &&
      record.arrived === PREAMBLE_BYTES + record.uploadBytes;
    if (isDone) record.isServed = true;
    return isDone;
  }

  receive(bytes: Uint8Array): void {
    let offset = 0;
    while (this.#preamble.length < PREAMBLE_BYTES && offset < bytes.length) {
      this.#preamble.push(bytes[offset++]!);
      if (this.#preamble.length === PREAMBLE_BYTES) this.#begin();
    }
    const record = this.#record;
    if (record === undefined) return;
    const before = record.arrived;
    for (; offset < bytes.length; offset++) {
      const at = record.arrived - PREAMBLE_BYTES;
      if (at >= record.uploadBytes || bytes[offset] !== byteAt(record.salt, "up", at)) {
        throw new Error(`the service of client ${record.salt} got a wrong byte at ${at}`);
      }
      record.arrived++;
    }
    if (record.arrived > record.accepted) {
      throw new Error(`client ${record.salt} sent ${record.accepted}, ${record.arrived} arrived`);
    }
    const step = (count: number): number => Math.floor(count / PAUSE_EVERY_BYTES);
    if (this.#pauseMs > 0 && this.#pauses < MAX_PAUSES && step(record.arrived) > step(before)) {
      this.#pauses++;
      this.pausedUntil = this.#now() + this.#pauseMs;
    }
  }

  produce(maxBytes: number): Uint8Array | undefined {
    const record = this.#record;
    if (record === undefined || this.#hangUpEarly) return undefined;
    // At most one chunk ahead of what the device took: `served` counts what it may deliver.
    const length = Math.min(maxBytes, 16_384, record.downloadBytes - record.served);
    if (length === 0) return undefined;
    const { salt, served } = record;
    record.served += length;
    return Uint8Array.from({ length }, (_, i) => byteAt(salt, "down", served + i));
  }

  hangUp(): void {
    this.#hangUpEarly = true;
    if (this.#record) this.#record.isHungUp = true;
  }

  #begin(): void {
    const bytes = Uint8Array.from(this.#preamble);
    const record = this.#find(readUint32(bytes, 0));
    if (record === undefined) throw new Error("a service got a preamble that nobody sent");
    if (
      readUint32(bytes, 4) !== record.uploadBytes || readUint32(bytes, 8) !== record.downloadBytes
    ) {
      throw new Error(`the preamble of client ${record.salt} was damaged`);
    }
    this.#pauseMs = readUint32(bytes, 12);
    this.#record = record;
    record.arrived = PREAMBLE_BYTES;
    record.dials++;
  }
}
