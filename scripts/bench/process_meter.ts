/**
 * What a process has cost so far, from the kernel's own accounts (Linux).
 *
 * @module
 */

/** Figures of one process at one moment. */
export interface ProcessCost {
  /** Time all its live threads have run, in user and kernel mode, s. */
  readonly cpuSeconds: number;
  /** Largest resident set so far, bytes. */
  readonly peakMemoryBytes: number;
  /** Resident set now, bytes. */
  readonly memoryBytes: number;
}

/** Reads the accounts of `pid`. */
export function processCost(pid: number): ProcessCost {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  let nanoseconds = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    nanoseconds += runTime(`/proc/${pid}/task/${name}/schedstat`);
  }
  return {
    cpuSeconds: nanoseconds / 1e9,
    peakMemoryBytes: kilobytes(status, "VmHWM") * 1024,
    memoryBytes: kilobytes(status, "VmRSS") * 1024,
  };
}

/** Time on a processor, in ns: the ticks of /proc/PID/stat are too coarse for short runs. */
function runTime(path: string): number {
  try {
    return Number(Deno.readTextFileSync(path).split(" ")[0]);
  } catch (error) {
    // A thread may end between the listing and the reading.
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

function kilobytes(status: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status);
  return match ? Number(match[1]) : 0;
}
