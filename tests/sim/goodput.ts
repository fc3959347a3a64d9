/**
 * Goodput of our transport in virtual time: what a transfer gets through links of every kind, and
 * what a larger receive window is worth.
 *
 * @module
 */
import { DEVICE_QUIRKS, type PtcpOptions } from "../../lib/core/ptcp/connection.ts";
import {
  goodputCell,
  goodputCells,
  LOSSES,
  lossName,
  median,
  ROUND_TRIPS_MS,
  roundTripName,
} from "../support/goodput_cells.ts";
import { VirtualClock } from "../support/transfer_clock.ts";
import { OwnEnd } from "../support/transfer_end.ts";
import { runTransfers, Transfer, type TransferLink } from "../support/transfer.ts";

/** KB/s by row and column. */
export type Table = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Everything that is kept as a snapshot, in KB/s. */
export interface Goodput {
  readonly "us to us": Table;
  readonly "us to a device": Table;
  readonly "a device to us": Table;
  /** Rows: our receive window; columns: the send buffer of the device; round trip 80 ms. */
  readonly "by receive window": Table;
}

/** Receive windows and the scale each needs, as an option would choose it. */
export const WINDOWS: readonly { readonly bytes: number; readonly scale: number }[] = [
  { bytes: 32_768, scale: 0 },
  { bytes: 65_535, scale: 0 },
  { bytes: 131_072, scale: 2 },
  { bytes: 262_144, scale: 3 },
  { bytes: 524_288, scale: 4 },
];
/** Send buffers of the device. */
export const PEER_BUFFERS: readonly number[] = [65_536, 262_144, 1_048_576];
/** Round trip of the rows by receive window. */
export const WINDOW_RTT_MS = 80;

const SEEDS = [1, 2, 3];
const SECONDS = 8;
/** Enough for a table that is measured at each run. */
const MAX_BYTES = 3_000_000;
const LIMIT_MS = 3_600_000;

type EndOptions = Omit<PtcpOptions, "role">;

const US: EndOptions = {};
const DEVICE: EndOptions = { quirks: DEVICE_QUIRKS };

/** How long `bytes` take from `sender` to `receiver`. */
function elapsedMs(
  seed: number,
  link: TransferLink,
  bytes: number,
  sender: PtcpOptions,
  receiver: PtcpOptions,
): number {
  const from = sender.role === "active" ? "active" : "passive";
  const sending = { end: new OwnEnd(sender), sends: bytes };
  const receiving = { end: new OwnEnd(receiver), sends: 0 };
  const [active, passive] = from === "active" ? [sending, receiving] : [receiving, sending];
  const transfer = new Transfer(`seed ${seed}`, seed, link, active, passive);
  runTransfers([transfer], new VirtualClock(), LIMIT_MS);
  return transfer.report(from).elapsedMs;
}

function lossTable(sender: PtcpOptions, receiver: PtcpOptions): Table {
  const table: Record<string, Record<string, number>> = {};
  for (const loss of LOSSES) {
    const row: Record<string, number> = {};
    for (const rttMs of ROUND_TRIPS_MS) {
      const cell = goodputCell(loss, rttMs, SECONDS);
      const { link } = cell;
      const bytes = Math.min(cell.bytes, MAX_BYTES);
      const times = SEEDS.map((seed) => elapsedMs(seed, link, bytes, sender, receiver));
      row[roundTripName(rttMs)] = Math.round(bytes / median(times));
    }
    table[lossName(loss)] = row;
  }
  return table;
}

/** The rate of the second half of a transfer: the first finds the window. */
function windowTable(): Table {
  const link = { ...goodputCells(1)[0]!.link, rttMs: WINDOW_RTT_MS };
  const bytes = 4_000_000;
  const table: Record<string, Record<string, number>> = {};
  for (const { bytes: receiveBufferBytes, scale: windowScale } of WINDOWS) {
    const row: Record<string, number> = {};
    for (const sendBufferBytes of PEER_BUFFERS) {
      const receiver: PtcpOptions = { role: "active", receiveBufferBytes, windowScale };
      const sender: PtcpOptions = { role: "passive", ...DEVICE, sendBufferBytes };
      const [half, whole] = [bytes, 2 * bytes].map((size) =>
        elapsedMs(1, link, size, sender, receiver)
      );
      row[`buffer ${sendBufferBytes}`] = Math.round(bytes / (whole! - half!));
    }
    table[`window ${receiveBufferBytes}`] = row;
  }
  return table;
}

/** Measures everything; the same code gives the same numbers on every machine. */
export function measureGoodput(): Goodput {
  return {
    "us to us": lossTable({ role: "active", ...US }, { role: "passive", ...US }),
    "us to a device": lossTable({ role: "active", ...US }, { role: "passive", ...DEVICE }),
    "a device to us": lossTable({ role: "passive", ...DEVICE }, { role: "active", ...US }),
    "by receive window": windowTable(),
  };
}
