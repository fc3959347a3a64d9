/**
 * What the multiplexer needs of the connection beneath it. {@linkcode PtcpConnection} is one.
 *
 * @module
 */
import type { PtcpStats } from "../ptcp/stats.ts";
import type { Deadline } from "../types.ts";

/** What such a connection reports. */
export type TransportEvent =
  | { readonly type: "open" | "readable" | "writable" }
  | { readonly type: "closed"; readonly reason: string };

/** A reliable byte stream over datagrams, driven from outside. */
export interface FrameTransport {
  /** Where it stands. */
  readonly state: "idle" | "listening" | "connecting" | "open" | "closed";
  /** Bytes written and not acknowledged, sent or not. */
  readonly unacknowledgedBytes: number;
  /** Among its counters: bytes sent for the first time since the connection was made. */
  readonly stats: { readonly bytesOut: number };
  /** What the peer can take beyond its last acknowledgement. */
  readonly peerWindowBytes: number;
  /** Bytes in order that were not read. */
  readonly readableBytes: number;
  /** Takes what came from the peer; never throws. */
  handleSegment(bytes: Uint8Array, now: number): void;
  /** Runs every timer that is due. */
  handleTimeout(now: number): void;
  /** The next bytes to send, or nothing. */
  pollTransmit(): Uint8Array | undefined;
  /** The next thing that happened, or nothing. */
  pollEvent(): TransportEvent | undefined;
  /** When a timer is due next, or nothing. */
  pollDeadline(): Deadline | undefined;
  /** Free bytes that {@linkcode FrameTransport.writeOwned} wants before a frame. */
  readonly headroomBytes: number;
  /** All or nothing: false when there is no room for the frame. */
  write(frame: Uint8Array, now: number): boolean;
  /** The same without a copy: `datagram` is given away if it is taken, its frame behind headroom. */
  writeOwned(datagram: Uint8Array, now: number): boolean;
  /** The next bytes in order, given away; opens the window. */
  read(now: number): Uint8Array | undefined;
  /** Ends the connection with a reset. */
  abort(now: number): void;
}

/** What a link needs beyond that, to open a session and to judge whether it lives. */
export interface SessionTransport extends FrameTransport {
  /** Its counters; they never decrease. */
  readonly stats: Readonly<PtcpStats>;
  /** SRTT in ms, once measured; never where the transport does not tell. */
  readonly smoothedRttMs: number | undefined;
  /** Whether an acknowledgement must not wait for more input. */
  readonly isAckUrgent: boolean;
  /** When the oldest byte in flight was first sent. */
  readonly oldestUnackedAt: number | undefined;
  /** When anything last came from the peer. */
  readonly lastReceiveAt: number | undefined;
  /** When an acknowledgement last advanced. */
  readonly lastProgressAt: number;
  /** Begins the session. */
  open(now: number): void;
}
