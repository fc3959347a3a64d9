// deno-lint-ignore-file no-console -- what it prints is its result
/**
 * Measures the tunnel: `deno task bench [--rounds N] [--megabytes N] [--long]`. Linux only.
 *
 * Client, device and tunnel are processes of their own and share the cores with whatever else runs
 * here, so the figure that counts is the tunnel's CPU per datagram, against a raw loop measured in
 * the same run. `--long` watches the memory over 5 GB.
 *
 * @module
 */
import { type BenchArguments, parseBenchArguments } from "./bench/arguments.ts";
import { Child } from "./bench/child.ts";
import type { ClientCommand } from "./bench/client.ts";
import { measureLatency } from "./bench/latency.ts";
import { measureMemory } from "./bench/memory.ts";
import { measureMicro } from "./bench/micro.ts";
import { formatTable } from "./bench/table.ts";
import { measureTransfers } from "./bench/transfers.ts";
import { BenchTunnel } from "./bench/tunnel.ts";

/** A figure that was promised. */
interface Target {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
}

/** Measures everything and prints it as it comes. */
async function bench(options: BenchArguments): Promise<void> {
  console.log(
    `${navigator.hardwareConcurrency} cores, Deno ${Deno.version.deno}, ` +
      `${options.transferBytes / 1e6} MB a transfer, median of ${options.rounds} rounds\n`,
  );
  await using client = await Child.start<unknown, ClientCommand>("client.ts");
  await using tunnel = await BenchTunnel.open();
  const memory = await measureMemory(tunnel, client, options.memoryBytes);
  const { transferBytes, rounds } = options;
  const transfers = await measureTransfers(tunnel, client, transferBytes, rounds);
  print(transfers.table);
  const latency = await measureLatency(tunnel);
  print(latency.table);
  print(memory.table);
  print(measureMicro());
  const one = transfers.comparisons.filter(({ clients }) => clients === 1);
  print(formatTargets([
    ...one.map(({ direction, ratio }) => ({
      name: `CPU per datagram ${direction}, 1 client, over the raw loop`,
      value: ratio,
      limit: 1.5,
    })),
    { name: "median latency added when idle, ms", value: latency.addedIdleMs, limit: 0.5 },
    { name: "memory at the end over memory after 100 MB", value: memory.growth, limit: 1.25 },
  ]));
}

function formatTargets(targets: readonly Target[]): string {
  const rows = targets.map(({ name, value, limit }) => [
    name,
    value.toFixed(2),
    limit.toFixed(2),
    value <= limit ? "kept" : "missed",
  ]);
  return formatTable(["target", "measured", "at most", ""], rows);
}

function print(table: string): void {
  console.log(`${table}\n`);
}

async function main(): Promise<void> {
  try {
    const options = parseBenchArguments(Deno.args);
    if (Deno.build.os !== "linux") throw new RangeError("the bench reads /proc: it needs Linux");
    await bench(options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(`bench: ${error.message}`);
    Deno.exit(64);
  }
}

if (import.meta.main) await main();
