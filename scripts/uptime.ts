// deno-lint-ignore-file no-console -- what it prints is its result
/**
 * Kills and restarts the simulated cloud, relay, agent and device while FFmpeg plays, many times:
 * `deno run -A --unstable-net scripts/uptime.ts [CYCLES]`, 200 unless said otherwise. Linux only.
 *
 * @module
 */
import { runCycles } from "../tests/support/uptime_cycles.ts";

const { sessions, plays, worstMs, held } = await runCycles(
  Number(Deno.args[0] ?? 200),
  1,
  (line) => console.log(line),
);
console.log(
  `${sessions} sessions, ${plays} plays, a picture again after ${Math.round(worstMs)} ms`,
);
for (const [i, when] of ["at first", "after a round", "at last"].entries()) {
  const { files, memoryBytes } = held[i]!;
  console.log(`${when}: ${files} open files, ${(memoryBytes / 1e6).toFixed(1)} MB of heap`);
}
