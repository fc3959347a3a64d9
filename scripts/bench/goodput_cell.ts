/**
 * One cell of the goodput bench: our transport with libnice, and libnice with itself, over the same
 * link with the same seeds, at the same time.
 *
 * @module
 */
import { type GoodputCell, median } from "../../tests/support/goodput_cells.ts";
import type { Libnice } from "../../tests/support/libnice.ts";
import { RealClock } from "../../tests/support/transfer_clock.ts";
import { LibniceEnd, OwnEnd } from "../../tests/support/transfer_end.ts";
import { runTransfers, Transfer } from "../../tests/support/transfer.ts";

/** Who sends and who receives. */
export const PAIRINGS = ["libnice to libnice", "us to libnice", "libnice to us"] as const;
/** One of them. */
export type Pairing = typeof PAIRINGS[number];

/** What the ends are told, and how often each pairing is measured. */
export interface GoodputSettings {
  readonly seeds: readonly number[];
  /** Longest delay of acks at libnice's ends. */
  readonly ackDelayMs: number;
}

/** Medians over the seeds, by pairing. */
export interface CellResult {
  readonly cell: GoodputCell;
  /** KB/s. */
  readonly goodput: Readonly<Record<Pairing, number>>;
  /** Resent bytes, as a share of those delivered. */
  readonly resent: Readonly<Record<Pairing, number>>;
}

/** Bytes a ms that one process moves without the machine being what is measured. */
const TOTAL_BYTES_PER_MS = 30_000;
const LIMIT_MS = 300_000;

/** Runs a cell; seeds go together as far as the machine bears it, pairings always. */
export function measureCell(
  cell: GoodputCell,
  nice: Libnice,
  settings: GoodputSettings,
): CellResult {
  const bytesPerMs = PAIRINGS.length * cell.bytesPerMs;
  const atOnce = Math.max(1, Math.floor(TOTAL_BYTES_PER_MS / bytesPerMs));
  const rates: Record<Pairing, number[]> = emptyLists();
  const resent: Record<Pairing, number[]> = emptyLists();
  for (let i = 0; i < settings.seeds.length; i += atOnce) {
    measureSeeds(cell, nice, { ...settings, seeds: settings.seeds.slice(i, i + atOnce) }, {
      rates,
      resent,
    });
  }
  return { cell, goodput: medians(rates), resent: medians(resent) };
}

function measureSeeds(
  cell: GoodputCell,
  nice: Libnice,
  { seeds, ackDelayMs }: GoodputSettings,
  { rates, resent }: Record<"rates" | "resent", Record<Pairing, number[]>>,
): void {
  const foreign: LibniceEnd[] = [];
  const libnice = (): LibniceEnd => {
    // The same receive buffer as ours by default.
    const end = new LibniceEnd(nice.socket({ ackDelayMs, receiveBufferBytes: 65_535 }));
    foreign.push(end);
    return end;
  };
  const runs = seeds.flatMap((seed) =>
    PAIRINGS.map((pairing) => {
      const sender = pairing === "us to libnice" ? new OwnEnd({ role: "active" }) : libnice();
      const receiver = pairing === "libnice to us" ? new OwnEnd({ role: "passive" }) : libnice();
      const transfer = new Transfer(
        `${pairing}, seed ${seed}`,
        seed,
        cell.link,
        { end: sender, sends: cell.bytes },
        { end: receiver, sends: 0 },
      );
      return { pairing, transfer };
    })
  );
  runTransfers(runs.map(({ transfer }) => transfer), new RealClock(() => nice.now()), LIMIT_MS);
  for (const { pairing, transfer } of runs) {
    const { bytes, elapsedMs, retransmittedBytes } = transfer.report("active");
    rates[pairing].push(bytes / elapsedMs);
    resent[pairing].push(retransmittedBytes / bytes);
  }
  for (const end of foreign) end[Symbol.dispose]();
}

function emptyLists(): Record<Pairing, number[]> {
  return { "libnice to libnice": [], "us to libnice": [], "libnice to us": [] };
}

function medians(lists: Record<Pairing, number[]>): Record<Pairing, number> {
  return {
    "libnice to libnice": median(lists["libnice to libnice"]),
    "us to libnice": median(lists["us to libnice"]),
    "libnice to us": median(lists["libnice to us"]),
  };
}
