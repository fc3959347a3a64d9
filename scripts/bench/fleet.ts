// deno-lint-ignore-file no-console -- what it prints is its result
/**
 * Measures `check` over a fleet: `deno run -A --unstable-net scripts/bench/fleet.ts [DEVICES]`. Linux only.
 *
 * The simulated cloud, relay and devices run in this process and share the cores with the check,
 * which is a process of its own.
 *
 * @module
 */
import { startProgram } from "../../tests/support/program.ts";
import { parseLines } from "../../tests/support/check_stage.ts";
import { startFleet } from "../../tests/support/fleet_world.ts";
import { type ProcessCost, processCost } from "./process_meter.ts";

/** A figure that was promised. */
interface Limits {
  readonly seconds: number;
  readonly megabytes: number;
}

const LIMITS: Readonly<Record<"cloud" | "rtsp", Limits>> = {
  cloud: { seconds: 10, megabytes: 200 },
  rtsp: { seconds: 180, megabytes: 200 },
};

const SAMPLE_MS = 100;

async function measure(level: "cloud" | "rtsp", devices: number): Promise<boolean> {
  await using fleet = await startFleet(devices);
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/list`, fleet.list);
  const startedAt = performance.now();
  await using run = startProgram([
    ...["check", "--level", level, "--json", "--file", `${folder}/list`],
    ...["--cloud", fleet.cloudArgument, "--state-dir", `${folder}/state`],
    ...["--history", `${folder}/history.db`],
  ]);
  let cost: ProcessCost = { cpuSeconds: 0, peakMemoryBytes: 0, memoryBytes: 0 };
  const sampling = setInterval(() => {
    try {
      const now = processCost(run.pid);
      if (now.peakMemoryBytes > 0) cost = now;
    } catch {
      // It has just ended.
    }
  }, SAMPLE_MS);
  const { code, stdout } = await run.outcome;
  clearInterval(sampling);
  const seconds = (performance.now() - startedAt) / 1000;
  await Deno.remove(folder, { recursive: true });
  const results = parseLines(stdout).filter(({ event }) => event === "result");
  const counts = new Map<string, number>();
  for (const { reason } of results) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const megabytes = cost.peakMemoryBytes / 2 ** 20;
  const limits = LIMITS[level];
  const kept = seconds < limits.seconds && megabytes < limits.megabytes;
  const reasons = [...counts].map(([reason, count]) => `${reason} ${count}`).join(", ");
  console.log(
    `${level.padEnd(6)} ${results.length} devices  ${
      seconds.toFixed(1)
    } s (limit ${limits.seconds})  ` +
      `${megabytes.toFixed(0)} MB at most (limit ${limits.megabytes})  ` +
      `${cost.cpuSeconds.toFixed(1)} CPU s  exit ${code}\n       ${reasons}`,
  );
  return kept && results.length === devices;
}

if (import.meta.main) {
  const devices = Number(Deno.args[0] ?? 500);
  const kept = [await measure("cloud", devices), await measure("rtsp", devices)];
  Deno.exit(kept.every(Boolean) ? 0 : 1);
}
