/**
 * What a capture holds: the datagrams that sockets carried and the events between them.
 *
 * @module
 */
import type { Endpoint } from "../types.ts";

/** Which way a datagram went, seen from the machine that captured it. */
export type Direction = "in" | "out";

/** One UDP datagram of a capture. */
export interface CapturedDatagram {
  readonly type: "datagram";
  /** Unix time in ms; the fraction carries microseconds. */
  readonly unixTimeMs: number;
  /** Name of the socket or interface, when the capture names it. */
  readonly socket?: string | undefined;
  /** Absent when the capture does not say. */
  readonly direction?: Direction | undefined;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly data: Uint8Array;
  /** A remark for whoever reads the capture. */
  readonly comment?: string | undefined;
}

/** Something that happened beside the datagrams: a path chosen, a link lost. */
export interface CapturedEvent {
  readonly type: "event";
  /** Unix time in ms; the fraction carries microseconds. */
  readonly unixTimeMs: number;
  /** One line without secrets. */
  readonly text: string;
}

/** One entry of a capture. */
export type Captured = CapturedDatagram | CapturedEvent;

/** Interface name under which events are filed in a capture of ours. */
export const EVENT_INTERFACE = "event";
