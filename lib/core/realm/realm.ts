/**
 * One realm: a local client's connection to a port of the device, as the multiplexer keeps it.
 *
 * @module
 */
import { ByteQueue } from "./byte_queue.ts";
import { FrameQueue } from "./frame_queue.ts";
import { newScheduleEntry, type ScheduleEntry } from "./send_schedule.ts";

/** Names a realm on its connection: a random unsigned 32-bit number, never 0. */
export type RealmId = number;

/** Why a realm ended without being told to. */
export type RealmCloseReason =
  /** The device said DISC. */
  | "device"
  /** The device did not answer the BIND in time. */
  | "bind-timeout"
  /** Its client did not read while others needed the connection. */
  | "slow-client"
  /** After the local end of file the device sent nothing for too long. */
  | "idle"
  /** After the local end of file everything was sent, and for this port nothing more is due. */
  | "finished"
  /** The connection beneath it ended. */
  | "connection";

/**
 * | phase     | on                             | then      |
 * |-----------|--------------------------------|-----------|
 * | queued    | its BIND is written            | binding   |
 * | binding   | CONN                           | connected |
 * | binding   | DISC, no answer                | closed    |
 * | connected | DISC, slow client, end of file | closed    |
 * | any       | the owner closes it            | closed    |
 *
 * A closed realm is remembered only while bytes wait to be read from it.
 */
export type RealmPhase =
  | { readonly name: "queued" }
  | { readonly name: "binding"; readonly sentAt: number }
  | { readonly name: "connected" }
  | { readonly name: "closed" };

/**
 * What became of the local end of file: `flushing` while frames wait to be sent, `flushed` when all
 * are in the stream and what the device still says is delivered.
 */
export type LocalEnd = "open" | "flushing" | "flushed";

/** State of one realm; the multiplexer alone writes to it. */
export class Realm {
  readonly id: RealmId;
  /** Port of the device. */
  readonly port: number;
  phase: RealmPhase = { name: "queued" };
  localEnd: LocalEnd = "open";
  readonly schedule: ScheduleEntry = newScheduleEntry();
  /** From the local client. */
  readonly outgoing: FrameQueue;
  /** From the device. */
  readonly incoming = new ByteQueue();
  /** Since when bytes wait and the client has read nothing; of use only while bytes wait. */
  unreadSince = 0;
  /** When the last byte passed in either direction; kept only after the local end of file. */
  lastByteAt = 0;
  /** Whether its reader was told of the waiting bytes. */
  readableTold = false;
  /** Whether its writer was turned away and waits to hear of room. */
  writerWaits = false;

  constructor(id: RealmId, port: number, headroomBytes: number) {
    this.id = id;
    this.port = port;
    this.outgoing = new FrameQueue(id, headroomBytes);
  }
}
