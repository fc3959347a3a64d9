// deno-lint-ignore-file no-console -- what it prints is its result
/**
 * Goodput of our transport beside libnice's, as sender and as receiver, in real time over links in
 * memory.
 *
 * ```text
 * deno task bench:goodput [--seeds N] [--first-seed N] [--seconds S] [--ack-delay MS]
 * ```
 *
 * Seeds is how many a cell, 20 by default, and seconds the rough length of a transfer, 6 by default:
 * with less, luck decides the lossy cells. It takes some five minutes. libnice's ends delay acks as
 * ours do, by at most 20 ms, unless told otherwise: its own default of 100 would make the
 * comparison easier for us. The exit code is 1 when a ratio is below its target.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { goodputCells, lossName, roundTripName } from "../../tests/support/goodput_cells.ts";
import { Libnice } from "../../tests/support/libnice.ts";
import { type CellResult, measureCell } from "./goodput_cell.ts";

/** Least ratio of a cell, and of the geometric mean of all. */
const CELL_TARGET = 0.95;
const MEAN_TARGET = 1;

const HEADINGS = [
  ["loss", 11],
  ["RTT", 11],
  ["libnice", 9],
  ["we send", 9],
  ["ratio", 7],
  ["we receive", 12],
  ["ratio", 7],
  ["resent by libnice", 19],
  ["by us", 7],
] as const;

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function sendRatio({ goodput }: CellResult): number {
  return goodput["us to libnice"] / goodput["libnice to libnice"];
}

function receiveRatio({ goodput }: CellResult): number {
  return goodput["libnice to us"] / goodput["libnice to libnice"];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function line(result: CellResult): string {
  const { cell, goodput, resent } = result;
  const fields = [
    lossName(cell.loss),
    roundTripName(cell.link.rttMs),
    goodput["libnice to libnice"].toFixed(0),
    goodput["us to libnice"].toFixed(0),
    sendRatio(result).toFixed(3),
    goodput["libnice to us"].toFixed(0),
    receiveRatio(result).toFixed(3),
    percent(resent["libnice to libnice"]),
    percent(resent["us to libnice"]),
  ];
  return fields.map((field, index) => field.padStart(HEADINGS[index]![1])).join("");
}

function main(): number {
  const options = parseArgs(Deno.args, {
    string: ["seeds", "first-seed", "seconds", "ack-delay"],
    default: { seeds: "20", "first-seed": "1", seconds: "6", "ack-delay": "20" },
  });
  const first = Number(options["first-seed"]);
  const seeds = Array.from({ length: Number(options.seeds) }, (_, index) => first + index);
  const seconds = Number(options.seconds);
  const ackDelayMs = Number(options["ack-delay"]);
  const nice = Libnice.load();
  console.log(
    `goodput in KB/s, medians of ${seeds.length} seeds from ${first}, ` +
      `acks of libnice within ${ackDelayMs} ms`,
  );
  console.log(HEADINGS.map(([name, width]) => name.padStart(width)).join(""));
  const results: CellResult[] = [];
  for (const cell of goodputCells(seconds)) {
    const result = measureCell(cell, nice, { seeds, ackDelayMs });
    results.push(result);
    console.log(line(result));
  }
  const missed: string[] = [];
  for (const [role, ratio] of [["sender", sendRatio], ["receiver", receiveRatio]] as const) {
    const ratios = results.map(ratio);
    const mean = geometricMean(ratios);
    console.log(
      `as ${role}: geometric mean ${mean.toFixed(3)}, least ${Math.min(...ratios).toFixed(3)}`,
    );
    if (mean <= MEAN_TARGET) missed.push(`mean as ${role}`);
    if (Math.min(...ratios) < CELL_TARGET) missed.push(`a cell as ${role}`);
  }
  if (missed.length > 0) console.log(`below target: ${missed.join(", ")}`);
  return missed.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(main());
