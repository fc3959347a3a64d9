/**
 * The cells of the goodput tables, virtual and real: which links, and how much goes over each.
 *
 * @module
 */
import type { TransferLink } from "./transfer.ts";

/** Loss in each direction: the rows. */
export const LOSSES: readonly number[] = [0, 0.001, 0.01, 0.03];
/** Round trips in ms: the columns. */
export const ROUND_TRIPS_MS: readonly number[] = [5, 50, 200];

/** 100 Mbit/s with a buffer of 256 KiB, so that a burst takes its time and nothing else is lost. */
const LINE = { bytesPerSecond: 12_500_000, queueBytes: 262_144 };
const SEGMENT_BYTES = 1292;
const WINDOW_BYTES = 65_535;
/** Below it a lossy transfer is what chance makes of it. */
const MIN_BYTES = 500_000;
const MAX_BYTES = 8_000_000;

/** One cell. */
export interface GoodputCell {
  readonly loss: number;
  readonly link: TransferLink & { readonly rttMs: number };
  /** What goes through, roughly. */
  readonly bytesPerMs: number;
  /** Bytes of one transfer: about as many as go through in the given time. */
  readonly bytes: number;
}

/**
 * The cell of a row and a column.
 *
 * @param seconds How long a transfer takes, roughly, but for the bounds of its size.
 */
export function goodputCell(loss: number, rttMs: number, seconds: number): GoodputCell {
  // What Mathis, Semke, Mahdavi and Ott (1997) say of loss, and what the window allows.
  const lossBound = loss === 0 ? Infinity : SEGMENT_BYTES / rttMs / Math.sqrt(loss);
  const bytesPerMs = Math.min(lossBound, WINDOW_BYTES / rttMs, LINE.bytesPerSecond / 1000);
  const bytes = Math.min(Math.max(bytesPerMs * 1000 * seconds, MIN_BYTES), MAX_BYTES);
  return {
    loss,
    link: { rttMs, loss, ...LINE },
    bytesPerMs,
    bytes: Math.round(bytes / 1000) * 1000,
  };
}

/** Every cell, row by row. */
export function goodputCells(seconds: number): GoodputCell[] {
  return LOSSES.flatMap((loss) => ROUND_TRIPS_MS.map((rttMs) => goodputCell(loss, rttMs, seconds)));
}

/** How a row is called. */
export function lossName(loss: number): string {
  return `loss ${loss * 100} %`;
}

/** How a column is called. */
export function roundTripName(rttMs: number): string {
  return `RTT ${rttMs} ms`;
}

/** The middle value, or the mean of the two in the middle. @throws {RangeError} Of no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  if (low === undefined || high === undefined) throw new RangeError("no values have no median");
  return (low + high) / 2;
}
