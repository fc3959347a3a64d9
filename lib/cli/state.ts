/**
 * Where a command remembers what worked.
 *
 * @module
 */
import type { RouteMemory } from "../core/memory.ts";
import { StateFile, stateFilePath } from "../net/state_file.ts";
import type { Host } from "./host.ts";
import type { Log } from "./log.ts";
import { NO_STATE } from "./options.ts";
import type { Settings } from "./settings.ts";

/** The memory that outlives the process; nothing when none is wanted, or there is no place for it. */
export function openState(
  settings: Settings,
  host: Host,
  log: Pick<Log, "warning">,
): RouteMemory | undefined {
  if (settings.isOn(NO_STATE)) return undefined;
  const path = stateFilePath(host.os, host.env);
  if (path === undefined) return undefined;
  return new StateFile({ path, onWarning: (failure) => log.warning(failure) });
}
