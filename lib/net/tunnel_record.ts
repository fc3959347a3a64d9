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

/** What the record says of the device: part of what the status page tells. */
export interface RecordedDevice {
  /** `up` while data can pass. */
  readonly state: string;
  readonly path?: string | undefined;
  readonly rttMs?: number | undefined;
  readonly handshakeMs?: number | undefined;
  readonly upMs?: number | undefined;
  /** Of the last failure. */
  readonly reason?: Reason | undefined;
  readonly message?: string | undefined;
  readonly version?: string | undefined;
  readonly retransmits?: number | undefined;
  readonly ports: readonly {
    /** `127.0.0.1:1554`. */
    readonly port: string;
    readonly remote: number;
    readonly granted: boolean;
  }[];
}

/** One record. */
export interface TunnelRecord {
  readonly pid: number;
  /** Of the device's serial. */
  readonly serialHash: string;
  /** Unix ms. */
  readonly writtenAt: number;
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
