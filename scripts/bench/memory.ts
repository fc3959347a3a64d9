/**
 * Whether the tunnel's memory grows with what it has carried.
 *
 * @module
 */
import type { Child } from "./child.ts";
import type { ClientCommand, TransferResult } from "./client.ts";
import { formatTable } from "./table.ts";
import type { BenchTunnel } from "./tunnel.ts";

const STEP_BYTES = 100_000_000;

/** Resident memory of a process after it has carried so much. */
interface Reading {
  readonly carriedBytes: number;
  readonly memoryBytes: number;
}

/** The outcome. */
export interface MemoryReport {
  readonly table: string;
  /** Memory at the end over memory after the first 100 MB. */
  readonly growth: number;
}

/** Downloads `bytes` through a tunnel that is fresh, and looks at its memory on the way. */
export async function measureMemory(
  tunnel: BenchTunnel,
  client: Child<unknown, ClientCommand>,
  bytes: number,
): Promise<MemoryReport> {
  const readings: Reading[] = [];
  for (let carried = 0; carried < bytes;) {
    const { bytes: got } = await client.ask<TransferResult>({
      verb: "download",
      port: tunnel.ports.source,
      clients: 1,
      bytes: STEP_BYTES,
    });
    carried += got;
    readings.push({ carriedBytes: carried, memoryBytes: tunnel.cost.memoryBytes });
  }
  const every = Math.max(1, Math.floor(readings.length / 5));
  const shown = readings.filter((_, i) => i === 0 || (i + 1) % every === 0);
  const peak = tunnel.cost.peakMemoryBytes;
  const rows = shown.map(({ carriedBytes, memoryBytes }) => [
    `after ${(carriedBytes / 1e6).toFixed(0)} MB`,
    (memoryBytes / 1e6).toFixed(0),
  ]);
  return {
    table: formatTable(["memory of the tunnel", "MB"], [...rows, [
      "peak",
      (peak / 1e6).toFixed(0),
    ]]),
    growth: readings.at(-1)!.memoryBytes / readings[0]!.memoryBytes,
  };
}
