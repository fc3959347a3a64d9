/**
 * What the tunnel adds to a request of 200 bytes and its answer.
 *
 * @module
 */
import { Child } from "./child.ts";
import type { AskResult, ClientCommand } from "./client.ts";
import { quantile } from "./statistics.ts";
import { formatTable } from "./table.ts";
import type { BenchTunnel } from "./tunnel.ts";

const REQUESTS = 500;
const BLOCKS = 4;
/** More than is carried while the requests are asked: it is broken off. */
const LOAD_BYTES = 4_000_000_000;

/** Time from request to answer, in ms. */
export interface Latency {
  readonly name: string;
  readonly median: number;
  readonly p99: number;
}

/** The outcome. */
export interface LatencyReport {
  readonly table: string;
  /** What the tunnel adds to the median when nothing else passes through it, ms. */
  readonly addedIdleMs: number;
}

/** Asks an echo server directly and through the tunnel in turns, idle and beside a download. */
export async function measureLatency(tunnel: BenchTunnel): Promise<LatencyReport> {
  await using asker = await Child.start<unknown, ClientCommand>("client.ts");
  await using echo = await Child.start<{ port: number }>("echo_service.ts");
  const ask = async (port: number): Promise<readonly number[]> =>
    (await asker.ask<AskResult>({ verb: "ask", port, requests: REQUESTS })).milliseconds;
  const compare = async (when: string): Promise<readonly [Latency, Latency]> => {
    const direct: number[] = [];
    const through: number[] = [];
    for (let block = 0; block <= BLOCKS; block++) {
      const [a, b] = [await ask(echo.hello.port), await ask(tunnel.ports.echo)];
      if (block > 0) {
        direct.push(...a);
        through.push(...b);
      }
    }
    return [summary(`direct TCP, ${when}`, direct), summary(`tunnel, ${when}`, through)];
  };
  const idle = await compare("idle");
  await using loader = await Child.start<unknown, ClientCommand>("client.ts");
  const { source: port } = tunnel.ports;
  const load = loader.ask({ verb: "download", port, clients: 1, bytes: LOAD_BYTES });
  const loaded = await compare("beside a download");
  loader.kill();
  await load.catch(() => {});
  const rows = [idle, loaded].flatMap(([direct, through]) => [
    figures(direct),
    figures(through),
    ["  added", through.median - direct.median, through.p99 - direct.p99] as const,
  ]);
  const header = ["200-byte request and answer", "median ms", "p99 ms"];
  return {
    table: formatTable(header, rows.map(([name, a, b]) => [name, a.toFixed(3), b.toFixed(3)])),
    addedIdleMs: idle[1].median - idle[0].median,
  };
}

function summary(name: string, milliseconds: readonly number[]): Latency {
  return { name, median: quantile(milliseconds, 0.5), p99: quantile(milliseconds, 0.99) };
}

function figures({ name, median, p99 }: Latency): readonly [string, number, number] {
  return [name, median, p99];
}
