/**
 * What checks leave for each other in the state directory: who checks a device now, and which state
 * it had last time.
 *
 * @module
 */
import type { Failure } from "../core/failure.ts";
import type { CheckLevel } from "../health/check_level.ts";
import type { CheckResult, CheckState } from "../health/check_result.ts";
import type { FleetDevice } from "../health/fleet.ts";
import { HeldFile } from "../net/held_file.ts";
import { writableStateDirectory } from "../net/state_directory.ts";
import { writeWholeFile } from "../net/whole_file.ts";

const FOLDER = "checks";

/** The memory of checks on this machine. */
export class CheckMemory {
  readonly #folder: string | undefined;

  /** @param directories As `stateDirectories` lists them. */
  constructor(directories: readonly string[]) {
    this.#folder = writableStateDirectory(directories, FOLDER);
  }

  /** Whether there is a place to write to; without one nothing is locked and nothing remembered. */
  get isWritable(): boolean {
    return this.#folder !== undefined;
  }

  /** Keeps other checks of the device away; the lock is given back when the process ends anyhow. */
  lock({ id }: FleetDevice): Disposable | Failure {
    if (this.#folder === undefined) return { [Symbol.dispose]: (): void => {} };
    const path = `${this.#folder}/${id}`;
    let held: HeldFile | undefined;
    try {
      held = HeldFile.hold(path);
      held?.write(`${Deno.pid}\n`);
    } catch {
      held?.[Symbol.dispose]();
      // The disk is full, or the folder went away: better two checks than none.
      return { [Symbol.dispose]: (): void => {} };
    }
    return held ?? busy(HeldFile.read(path)?.trim());
  }

  /** The state a device had at the last check of this level that judged it. */
  lastState(id: string, level: CheckLevel): CheckState | undefined {
    if (this.#folder === undefined) return undefined;
    try {
      const text = Deno.readTextFileSync(this.#statePath(id, level)).trim();
      return text === "up" || text === "down" ? text : undefined;
    } catch {
      return undefined;
    }
  }

  /** Notes a state. @throws {Error} When it cannot be written. */
  remember({ id, level, state }: CheckResult): void {
    if (this.#folder !== undefined) writeWholeFile(this.#statePath(id, level), `${state}\n`);
  }

  #statePath(id: string, level: CheckLevel): string {
    return `${this.#folder}/${id}.${level}`;
  }
}

function busy(pid: string | undefined): Failure {
  const who = pid ? ` (pid ${pid})` : "";
  return {
    reason: "busy",
    what: `Another check of this device is running${who}.`,
    advice: "Its result counts; let checks begin less often, or end sooner with --timeout.",
    ...(pid ? { facts: { pid } } : {}),
  };
}
