/**
 * What a process has cost so far, from the kernel's own accounts (Linux).
 *
 * @module
 */

/** Figures of one process at one moment. */
export interface ProcessCost {
  /** User plus system time, s. */
  readonly cpuSeconds: number;
  /** Largest resident set so far, bytes. */
  readonly peakMemoryBytes: number;
  /** Resident set now, bytes. */
  readonly memoryBytes: number;
}

/** Clock ticks a second in /proc: 100 on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;

/** Reads the accounts of `pid`. */
export function processCost(pid: number): ProcessCost {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name in parentheses may hold spaces: count the fields after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return {
    cpuSeconds: ticks / TICKS_PER_SECOND,
    peakMemoryBytes: kilobytes(status, "VmHWM") * 1024,
    memoryBytes: kilobytes(status, "VmRSS") * 1024,
  };
}

function kilobytes(status: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status);
  return match ? Number(match[1]) : 0;
}
