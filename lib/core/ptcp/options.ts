/**
 * Options of a PTCP connection, each with its limit, default and reason.
 *
 * @module
 */
import type { Trace } from "../types.ts";
import { MAX_WINDOW_SCALE } from "./connect.ts";

/** How a connection repeats the NACK of a device. */
export interface NackQuirk {
  /** Time between two NACKs while the hole stands; about 10 ms on the device that was measured. */
  readonly intervalMs: number;
  /** NACKs for one hole, after which the device goes silent. */
  readonly limit: number;
  /** Byte 12 of the header: 1 in one capture, 0 in another. */
  readonly control: number;
}

/**
 * Behaviour in which ends of this protocol differ. The defaults are ours; {@linkcode DEVICE_QUIRKS}
 * are the device's, for the simulated one.
 *
 * Source: PROTOCOL.md sections 1.4, 2.3, 2.4 and 10, known deviations.
 */
export interface PtcpQuirks {
  /** Granularity of our timestamps. */
  readonly timestampStepMs: number;
  /** Longest delay of an acknowledgement of in-order data; 0 acknowledges every segment at once. */
  readonly ackDelayMs: number;
  /** Freed bytes before the announced window moves on; absent: at once, but no silly window. */
  readonly windowReopenBytes?: number | undefined;
  /** Lower bound of the retransmission timeout. */
  readonly minRtoMs: number;
  /** Asks for missing data by NACK instead of by duplicate acknowledgements. */
  readonly nack?: NackQuirk | undefined;
  /** What becomes of data after a hole. */
  readonly outOfOrder: "keep" | "drop";
}

/** Our own behaviour. */
export const STANDARD_QUIRKS: PtcpQuirks = {
  timestampStepMs: 1,
  ackDelayMs: 20,
  minRtoMs: 250,
  outOfOrder: "keep",
};

/** The device's, as recorded in 2024 and as measured: coarse clock, prompt acks, late window. */
export const DEVICE_QUIRKS: PtcpQuirks = {
  timestampStepMs: 10,
  ackDelayMs: 0,
  windowReopenBytes: 4096,
  minRtoMs: 250,
  nack: { intervalMs: 10, limit: 100, control: 1 },
  outOfOrder: "keep",
};

/** What a connection can be told. */
export interface PtcpOptions {
  /** Who sends the first CONNECT. */
  readonly role: "active" | "passive";
  /** Our first sequence number, default 0 as every known end; anything else is for tests. */
  readonly initialSequence?: number | undefined;
  /** The peer's first sequence number, default 0. */
  readonly initialPeerSequence?: number | undefined;
  /**
   * Largest payload of a segment, default 1292: a frame header of 12 and 1280 bytes, the largest
   * ever recorded; 1316 with the segment header.
   */
  readonly mssBytes?: number | undefined;
  /**
   * Bytes written but not acknowledged that the connection holds, default 65536: as much as a
   * peer without window scaling can have in flight.
   */
  readonly sendBufferBytes?: number | undefined;
  /** Bytes received but not read that it holds, in order or not; default 65535. */
  readonly receiveBufferBytes?: number | undefined;
  /**
   * Window scale to announce, 0 to 14, default 0: the byte-exact CONNECT that every real device
   * accepts. A receive buffer above 65535 bytes is of use only with a scale.
   */
  readonly windowScale?: number | undefined;
  /** Longest delay of an ack, default 20; the peer's retransmission timer and throughput bear it. */
  readonly ackDelayMs?: number | undefined;
  /**
   * Segments acknowledged one by one at the start and after a pause, and eight times as many after
   * a loss, default 128: a sender that counts acks needs about as many to fill 64 KiB. 0: none.
   */
  readonly quickAckSegments?: number | undefined;
  /**
   * Time without progress of data in flight after which the connection ends as `stalled`, default
   * 30000: a link is rebuilt by then. `Infinity` leaves it to the resend limit.
   */
  readonly giveUpMs?: number | undefined;
  /**
   * Upper bound of the retransmission timeout, default 60000, the reference's. A parent that gives
   * up within seconds sets less, or an outage outlasts it between two resends.
   */
  readonly maxRtoMs?: number | undefined;
  /** Resends of one segment by timeout, default 15, libjingle's. */
  readonly resendLimit?: number | undefined;
  /** Resends of the CONNECT, default 30, libjingle's. */
  readonly connectResendLimit?: number | undefined;
  /** First wait for the answer to a CONNECT, default 500; it doubles up to 3000. */
  readonly connectRtoMs?: number | undefined;
  /** Silence of a peer whose window is zero before the connection ends, default 15000, libjingle's. */
  readonly windowProbeTimeoutMs?: number | undefined;
  /** First reading of our timestamp clock, default 60000. Never 0: a zero echo is no sample. */
  readonly timestampOriginMs?: number | undefined;
  /** Deviations from {@linkcode STANDARD_QUIRKS}. */
  readonly quirks?: Partial<PtcpQuirks> | undefined;
  /**
   * Whether the reader of the stream stands between two frames, asked only when everything
   * received was read. Absent: never, so a NACK is recognised by its control byte alone.
   */
  readonly atFrameBoundary?: (() => boolean) | undefined;
  /** Where dropped segments and resends are told. */
  readonly trace?: Trace | undefined;
  /** Name in traces, default `ptcp`. */
  readonly name?: string | undefined;
}

/** Options with every default filled in. */
export type PtcpSettings =
  & {
    readonly [Name in Exclude<keyof PtcpOptions, "quirks" | "trace" | "ackDelayMs">]-?: NonNullable<
      PtcpOptions[Name]
    >;
  }
  & { readonly quirks: PtcpQuirks; readonly trace: Trace | undefined };

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} When a number is out of its range.
 */
export function settle(options: PtcpOptions): PtcpSettings {
  const quirks: PtcpQuirks = {
    ...STANDARD_QUIRKS,
    ...(options.ackDelayMs === undefined ? {} : { ackDelayMs: options.ackDelayMs }),
    ...options.quirks,
  };
  inRange("timestampStepMs", quirks.timestampStepMs, 1, 1000);
  inRange("ackDelayMs", quirks.ackDelayMs, 0, 500);
  inRange("minRtoMs", quirks.minRtoMs, 1, 60_000);
  return {
    role: options.role,
    initialSequence: inRange("initialSequence", options.initialSequence ?? 0, 0, 0xffffffff),
    initialPeerSequence: inRange(
      "initialPeerSequence",
      options.initialPeerSequence ?? 0,
      0,
      0xffffffff,
    ),
    mssBytes: inRange("mssBytes", options.mssBytes ?? 1292, 1, 65_483),
    sendBufferBytes: inRange("sendBufferBytes", options.sendBufferBytes ?? 65_536, 1, 2 ** 30),
    receiveBufferBytes: inRange(
      "receiveBufferBytes",
      options.receiveBufferBytes ?? 65_535,
      1,
      2 ** 30,
    ),
    windowScale: inRange("windowScale", options.windowScale ?? 0, 0, MAX_WINDOW_SCALE),
    quickAckSegments: inRange("quickAckSegments", options.quickAckSegments ?? 128, 0, 65_536),
    giveUpMs: inRange("giveUpMs", options.giveUpMs ?? 30_000, 1, Infinity),
    maxRtoMs: inRange("maxRtoMs", options.maxRtoMs ?? 60_000, quirks.minRtoMs, 600_000),
    resendLimit: inRange("resendLimit", options.resendLimit ?? 15, 0, Infinity),
    connectResendLimit: inRange(
      "connectResendLimit",
      options.connectResendLimit ?? 30,
      0,
      Infinity,
    ),
    connectRtoMs: inRange("connectRtoMs", options.connectRtoMs ?? 500, 1, 60_000),
    windowProbeTimeoutMs: inRange(
      "windowProbeTimeoutMs",
      options.windowProbeTimeoutMs ?? 15_000,
      1,
      Infinity,
    ),
    timestampOriginMs: inRange(
      "timestampOriginMs",
      options.timestampOriginMs ?? 60_000,
      1,
      0x7fffffff,
    ),
    quirks,
    atFrameBoundary: options.atFrameBoundary ?? (() => false),
    trace: options.trace,
    name: options.name ?? "ptcp",
  };
}

function inRange(name: string, value: number, low: number, high: number): number {
  if (!(value >= low && value <= high)) {
    throw new RangeError(`${name} must be ${low} to ${high}, not ${value}`);
  }
  return value;
}
