// deno-lint-ignore-file no-console -- what it prints is its result
/**
 * Measures `run`: 30 live tunnels with 2 Mbit/s each while 500 more devices are configured and
 * offline, and the memory of an idle tunnel. Linux only:
 *
 * `deno run -A --unstable-net scripts/bench/scale.ts [LIVE] [OFFLINE] [SECONDS]`
 *
 * The simulated world runs in this process and shares the cores with the program, which is a process
 * of its own.
 *
 * @module
 */
import { startWorld } from "../../fixtures/world/deno_shell.ts";
import { type Running, startProgram } from "../../tests/support/program.ts";
import { processCost } from "./process_meter.ts";

const [live = 30, offline = 500, seconds = 20] = Deno.args.map(Number);

const HOST = "127.0.0.1";

/** 2 Mbit/s in pieces, as a camera sends. */
const PIECE_BYTES = 5_000;
const PIECE_INTERVAL_MS = 20;

/** What is promised. */
const MAX_IDLE_BYTES = 1_000_000;

/** The byte at an offset: what is lost, doubled or mixed up between tunnels shows. */
const byteAt = (offset: number): number => (offset * 31 + (offset >> 8)) & 0xff;

const LOOP = Uint8Array.from({ length: 65_536 + PIECE_BYTES }, (_, i) => byteAt(i & 0xffff));

/** Sends pieces to whoever connects, one each interval, late ones at once. */
function startSource(): Deno.TcpListener {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  void (async () => {
    for await (const conn of listener) void feed(conn);
  })();
  return listener;
}

async function feed(conn: Deno.TcpConn): Promise<void> {
  const startedAt = performance.now();
  try {
    for (let sent = 0;; sent++) {
      const waitMs = startedAt + sent * PIECE_INTERVAL_MS - performance.now();
      if (waitMs > 0) await new Promise((wake) => setTimeout(wake, waitMs));
      const from = (sent * PIECE_BYTES) & 0xffff;
      for (let rest = LOOP.subarray(from, from + PIECE_BYTES); rest.length > 0;) {
        rest = rest.subarray(await conn.write(rest));
      }
    }
  } catch {
    // The client has gone.
  }
}

interface Received {
  readonly bytes: number;
  readonly wrong: number;
  /** Longest time without a byte. */
  readonly longestGapMs: number;
}

async function receive(port: number, forMs: number): Promise<Received> {
  using conn = await Deno.connect({ hostname: HOST, port });
  const buffer = new Uint8Array(65_536);
  const endAt = performance.now() + forMs;
  let bytes = 0;
  let wrong = 0;
  let longestGapMs = 0;
  for (let last = performance.now(); last < endAt;) {
    const length = await conn.read(buffer);
    if (length === null) break;
    const now = performance.now();
    longestGapMs = Math.max(longestGapMs, now - last);
    last = now;
    for (let i = 0; i < length; i++) if (buffer[i] !== byteAt((bytes + i) & 0xffff)) wrong++;
    bytes += length;
  }
  return { bytes, wrong, longestGapMs };
}

const serial = (i: number): string => `SCALE${String(i).padStart(7, "0")}`;

/** Starts `run` over so many devices and waits until the live ones are ready. */
async function start(
  folder: string,
  cloudPort: number,
  devices: number,
): Promise<
  { readonly program: Running; readonly ports: readonly number[]; readonly readyMs: number }
> {
  const lines = Array.from(
    { length: devices },
    (_, i) => `  d${i}: { serial: ${serial(i)}, ports: "0:80" }\n`,
  );
  const path = `${folder}/p2p-${devices}.yaml`;
  Deno.writeTextFileSync(
    path,
    `defaults: { cloud: "${HOST}:${cloudPort}" }\ndevices:\n${lines.join("")}`,
  );
  const startedAt = performance.now();
  const program = startProgram(["run", "--config", path, "--no-state", "--quiet"]);
  const ready = Math.min(live, devices);
  const ports = await Promise.all(
    Array.from({ length: ready }, async (_, i) => {
      const line = await program.line(new RegExp(`^READY name=d${i} `));
      return Number(/ port=127\.0\.0\.1:(\d+) /.exec(line)![1]);
    }),
  );
  return { program, ports, readyMs: performance.now() - startedAt };
}

async function stop(program: Running): Promise<void> {
  program.signal("SIGTERM");
  await program.outcome;
}

const pause = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** Resident memory once it has settled. */
async function settledBytes(program: Running): Promise<number> {
  await pause(12_000);
  return processCost(program.pid).memoryBytes;
}

const source = startSource();
const services = new Map([[80, { hostname: HOST, port: (source.addr as Deno.NetAddr).port }]]);
const world = await startWorld({
  devices: Array.from({ length: live + offline }, (_, i) => ({
    serial: serial(i),
    services,
    isOnline: i < live,
    registerIntervalMs: 20_000,
  })),
  cloud: { agentSockets: 2 * live + 8, registrationLifetimeMs: 60_000 },
});
const folder = await Deno.makeTempDir();
let failed = false;
const verdict = (isGood: boolean): string => {
  failed ||= !isGood;
  return isGood ? "" : "  MISSED";
};
try {
  const one = await start(folder, world.cloudPort, 1);
  const oneBytes = await settledBytes(one.program);
  await stop(one.program);
  await pause(1_000);
  const idle = await start(folder, world.cloudPort, live);
  const idleBytes = await settledBytes(idle.program);
  await stop(idle.program);
  const each = (idleBytes - oneBytes) / (live - 1);
  console.log(
    `idle: 1 tunnel ${mb(oneBytes)}, ${live} tunnels ${mb(idleBytes)}: ${mb(each)} each${
      verdict(each < MAX_IDLE_BYTES)
    }`,
  );
  await pause(1_000);
  const all = await start(folder, world.cloudPort, live + offline);
  console.log(
    `${live} of ${live + offline} devices ready after ${(all.readyMs / 1000).toFixed(1)} s`,
  );
  const before = processCost(all.program.pid);
  const worldBefore = processCost(Deno.pid);
  const received = await Promise.all(all.ports.map((port) => receive(port, seconds * 1000)));
  const after = processCost(all.program.pid);
  const worldAfter = processCost(Deno.pid);
  const expected = seconds * 1000 / PIECE_INTERVAL_MS * PIECE_BYTES;
  const least = Math.min(...received.map(({ bytes }) => bytes));
  const wrong = received.reduce((sum, { wrong }) => sum + wrong, 0);
  const gap = Math.max(...received.map(({ longestGapMs }) => longestGapMs));
  const mbit = received.reduce((sum, { bytes }) => sum + bytes, 0) * 8 / 1e6 / seconds;
  console.log(
    `${live} streams of 2 Mbit/s for ${seconds} s: ${mbit.toFixed(1)} Mbit/s in all, ` +
      `the slowest ${(100 * least / expected).toFixed(1)} %${verdict(least >= 0.97 * expected)}, ` +
      `${wrong} wrong bytes${verdict(wrong === 0)}, longest gap ${gap.toFixed(0)} ms`,
  );
  console.log(
    `the program: ${(100 * (after.cpuSeconds - before.cpuSeconds) / seconds).toFixed(0)} % of a ` +
      `core, ${mb(after.memoryBytes)}, at most ${
        mb(after.peakMemoryBytes)
      }; the simulated world: ` +
      `${(100 * (worldAfter.cpuSeconds - worldBefore.cpuSeconds) / seconds).toFixed(0)} %`,
  );
  await stop(all.program);
  const { sessionsOpen, openLeases } = world.counters;
  console.log(
    `afterwards: ${sessionsOpen} sessions, ${openLeases} leases${verdict(openLeases === 0)}`,
  );
} finally {
  await world.close();
  source.close();
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(failed ? 1 : 0);

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
