/**
 * What carrying bytes costs the tunnel, beside what a loop costs that does nothing but the system
 * calls.
 *
 * @module
 */
import { Child } from "./child.ts";
import type { ClientCommand, TransferResult } from "./client.ts";
import type { ProcessCost } from "./process_meter.ts";
import type { SendCommand, SendResult } from "./raw_sender.ts";
import { median } from "./statistics.ts";
import { formatTable } from "./table.ts";
import type { BenchTunnel } from "./tunnel.ts";

/** Data bytes of one datagram of the tunnel; with its headers it has as many as a raw one. */
const DATA_BYTES = 1280;
const RAW_BYTES = 1316;
const CLIENTS = [1, 8, 32, 128];

/** What one transfer cost the process that carried it. */
interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly bytes: number;
  readonly datagrams: number;
}

interface Metered {
  readonly cost: ProcessCost;
}

/** A row of the table: what is measured, and how it is done once. */
interface Row {
  readonly name: string;
  readonly run: () => Promise<Sample>;
  readonly samples: Sample[];
}

/** One direction: the raw loop, and the rows that are compared with it. */
interface Direction {
  readonly raw: Row;
  readonly tunnel: readonly Row[];
}

/** How a direction compares with its raw loop. */
export interface Comparison {
  readonly direction: "down" | "up";
  readonly clients: number;
  /** CPU of a datagram of the tunnel over that of the raw loop: median of the rounds. */
  readonly ratio: number;
}

/** The outcome of all rounds. */
export interface TransferReport {
  readonly table: string;
  readonly comparisons: readonly Comparison[];
}

/**
 * Runs every row once a round, one after the other, so that whatever else this machine does strikes
 * them alike; the first round warms up and does not count.
 */
export async function measureTransfers(
  tunnel: BenchTunnel,
  client: Child<unknown, ClientCommand>,
  bytes: number,
  rounds: number,
): Promise<TransferReport> {
  await using answerer = await Child.start<{ port: number }>("raw_answerer.ts");
  await using sender = await Child.start<unknown, SendCommand>("raw_sender.ts");
  await using sink = await Child.start<{ port: number }>("raw_sink.ts");
  await using uplink = await Child.start<{ port: number }>("raw_uplink.ts", [`${sink.hello.port}`]);
  const transfer = (
    process: Metered,
    command: Extract<ClientCommand, { bytes: number }>,
    datagramBytes: number,
  ): Promise<Sample> =>
    metered(process, async () => {
      const result = await client.ask<TransferResult>(command);
      if (result.bytes < command.bytes) throw new Error(`${command.verb} ended early`);
      return { ...result, datagrams: result.bytes / datagramBytes };
    });
  const directions: Readonly<Record<Comparison["direction"], Direction>> = {
    down: {
      raw: row("raw loop: receive, answer", () =>
        metered(answerer, async () => {
          const datagrams = Math.ceil(bytes / RAW_BYTES);
          const command = { port: answerer.hello.port, datagrams };
          const { seconds } = await sender.ask<SendResult>(command);
          return { seconds, bytes, datagrams };
        })),
      tunnel: CLIENTS.map((clients) =>
        row(`tunnel down, ${label(clients)}`, () =>
          transfer(
            tunnel,
            { verb: "download", port: tunnel.ports.source, clients, bytes },
            DATA_BYTES,
          ))
      ),
    },
    up: {
      raw: row("raw loop: read TCP, send", () =>
        transfer(
          uplink,
          { verb: "pour", port: uplink.hello.port, clients: 1, bytes },
          RAW_BYTES,
        )),
      tunnel: CLIENTS.map((clients) =>
        row(`tunnel up, ${label(clients)}`, () =>
          transfer(
            tunnel,
            { verb: "upload", port: tunnel.ports.sink, clients, bytes },
            DATA_BYTES,
          ))
      ),
    },
  };
  const rows = Object.values(directions).flatMap(({ raw, tunnel }) => [raw, ...tunnel]);
  for (let round = 0; round <= rounds; round++) {
    for (const { run, samples } of rows) {
      const sample = await run();
      if (round > 0) samples.push(sample);
    }
  }
  return report(directions);
}

function label(clients: number): string {
  return clients === 1 ? "1 client" : `${clients} clients`;
}

function row(name: string, run: () => Promise<Sample>): Row {
  return { name, run, samples: [] };
}

async function metered(
  process: Metered,
  act: () => Promise<Omit<Sample, "cpuSeconds">>,
): Promise<Sample> {
  const before = process.cost.cpuSeconds;
  const sample = await act();
  return { ...sample, cpuSeconds: process.cost.cpuSeconds - before };
}

function report(directions: Readonly<Record<Comparison["direction"], Direction>>): TransferReport {
  const lines: string[][] = [];
  const comparisons: Comparison[] = [];
  for (const [direction, { raw, tunnel }] of Object.entries(directions)) {
    lines.push([...figures(raw), "1.00"]);
    for (const [i, row] of tunnel.entries()) {
      // Round by round: what slowed one of the pair down slowed the other down too.
      const ratio = median(
        row.samples.map((sample, round) => perDatagram(sample) / perDatagram(raw.samples[round]!)),
      );
      lines.push([...figures(row), ratio.toFixed(2)]);
      comparisons.push({
        direction: direction as Comparison["direction"],
        clients: CLIENTS[i]!,
        ratio,
      });
    }
  }
  const header = ["", "MB/s", "datagrams/s", "CPU s/100 MB", "CPU µs/datagram", "ratio"];
  return { table: formatTable(header, lines), comparisons };
}

function perDatagram({ cpuSeconds, datagrams }: Sample): number {
  return cpuSeconds / datagrams;
}

function figures({ name, samples }: Row): string[] {
  const middle = (of: (sample: Sample) => number): number => median(samples.map(of));
  return [
    name,
    middle(({ bytes, seconds }) => bytes / seconds / 1e6).toFixed(0),
    middle(({ datagrams, seconds }) => datagrams / seconds).toFixed(0),
    middle(({ cpuSeconds, bytes }) => cpuSeconds / bytes * 1e8).toFixed(2),
    middle((sample) => perDatagram(sample) * 1e6).toFixed(2),
  ];
}
