/**
 * What a running tunnel leaves in the state directory, so that a health check asks it instead of
 * opening a session of its own: devices have few.
 *
 * The record names no serial: who can read the file learns only the hash of one.
 *
 * @module
 */
import { DecodeError } from "../core/errors.ts";
import type { Reason } from "../core/failure.ts";

/** Folder of the records inside the state directory. */
export const TUNNELS_FOLDER = "tunnels";

/** Version of the record's form. */
const FORM = 1;

/** How often a tunnel renews its record. */
export const RECORD_INTERVAL_MS = 10_000;

/** A record older than this was left by a process that hangs. */
export const RECORD_LIFETIME_MS = 35_000;

/** One forwarded port. */
export interface RecordedPort {
  /** `127.0.0.1:1554`. */
  readonly port: string;
  /** Of the device. */
  readonly remote: number;
  /** Whether the device granted it in the last session. */
  readonly granted: boolean;
}

/** What the record says of the device: part of what the status page tells. */
export interface RecordedDevice {
  /** `up` while data can pass. */
  readonly state: string;
  /** How its bytes travel. */
  readonly path?: string | undefined;
  /** To the device and back. */
  readonly rttMs?: number | undefined;
  /** Of the last session. */
  readonly handshakeMs?: number | undefined;
  /** Since the last session was ready. */
  readonly upMs?: number | undefined;
  /** Of the last failure. */
  readonly reason?: Reason | undefined;
  /** Its sentence. */
  readonly message?: string | undefined;
  /** Firmware, as the device says. */
  readonly version?: string | undefined;
  /** Segments sent again. */
  readonly retransmits?: number | undefined;
  /** Local ports. */
  readonly ports: readonly RecordedPort[];
}

/** One record. */
export interface TunnelRecord {
  /** The process that runs the tunnel. */
  readonly pid: number;
  /** Of the device's serial. */
  readonly serialHash: string;
  /** Unix ms. */
  readonly writtenAt: number;
  /** How the tunnel is. */
  readonly device: RecordedDevice;
}

/** The text of a record. */
export function encodeTunnelRecord(record: TunnelRecord): string {
  return `${JSON.stringify({ form: FORM, ...record })}\n`;
}

/**
 * Reads a record.
 *
 * @throws {DecodeError} When it is none of this version, or was caught half-written.
 */
export function decodeTunnelRecord(text: string): TunnelRecord {
  let value: Partial<TunnelRecord> & { readonly form?: unknown };
  try {
    value = JSON.parse(text) ?? {};
  } catch {
    throw new DecodeError("no tunnel record");
  }
  const { form, pid, writtenAt, device } = value;
  const known = form === FORM && typeof pid === "number" && typeof writtenAt === "number" &&
    typeof value.serialHash === "string" && typeof device === "object" && device !== null &&
    typeof device.state === "string" && Array.isArray(device.ports);
  if (!known) throw new DecodeError("no tunnel record of this version");
  return { pid, serialHash: value.serialHash!, writtenAt, device };
}
