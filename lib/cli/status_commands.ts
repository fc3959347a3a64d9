/**
 * `dahua-p2p status` and `dahua-p2p ready`: ask a running process.
 *
 * @module
 */
import { FailureError } from "../core/failure.ts";
import { readiness } from "../status/fleet_status.ts";
import type { Command, CommandContext } from "./command.ts";
import { loadConfig } from "./config/config_file.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { COMMON_OPTIONS, JSON_LINES } from "./options.ts";
import { ALL, CONFIG, HTTP, STATUS_FILE } from "./run_options.ts";
import { queryStatus, type StatusPlace } from "./status_query.ts";
import { statusTable } from "./status_text.ts";
import { usageError } from "./usage.ts";

const NOTES = [{
  title: "Asking",
  lines: [
    "The process is asked over --http, else --status-file is read; --config FILE may name them.",
  ],
}] as const;

/** The command `status`. */
export const STATUS_COMMAND: Command = {
  name: "status",
  synopsis: ["dahua-p2p status [OPTIONS]"],
  summary: "Shows how the devices of a running process are.",
  options: [HTTP, STATUS_FILE, CONFIG, JSON_LINES, ...COMMON_OPTIONS],
  operands: { min: 0, max: 0, what: "no operand" },
  notes: NOTES,
  run: runStatus,
};

/** The command `ready`. */
export const READY_COMMAND: Command = {
  name: "ready",
  synopsis: ["dahua-p2p ready [OPTIONS] [NAME]..."],
  summary: "Says with its exit code whether a running process has devices that are up.",
  options: [HTTP, STATUS_FILE, CONFIG, ALL, ...COMMON_OPTIONS],
  operands: { min: 0, max: 1_000, what: "names of devices, or none for any" },
  notes: [...NOTES, {
    title: "Exit codes",
    lines: ["0 ready: the named devices are up; one is; with --all, all are   1 not ready"],
  }],
  run: runReady,
};

async function runStatus(context: CommandContext): Promise<ExitCode> {
  const { settings, host } = context;
  const status = await queryStatus(place(context));
  if (settings.isOn(JSON_LINES)) host.stdout.line(JSON.stringify(status));
  else for (const line of statusTable(status.devices)) host.stdout.line(line);
  return EXIT.ok;
}

async function runReady(context: CommandContext): Promise<ExitCode> {
  const { settings, operands, log } = context;
  const where = place(context);
  try {
    const { devices } = await queryStatus(where);
    const unknown = operands.find((name) => !devices.some((device) => device.name === name));
    if (unknown !== undefined) {
      throw usageError("The process has no device of that name.", "dahua-p2p status lists them.");
    }
    const chosen = operands.length === 0
      ? devices
      : devices.filter(({ name }) => operands.includes(name));
    const { ready, total } = readiness(chosen);
    const needed = settings.isOn(ALL) || operands.length > 0 ? Math.max(1, total) : 1;
    if (ready >= needed) return EXIT.ok;
    log.debug("ready", `${ready} of ${total} are up.`, { ready, total });
    return EXIT.notReady;
  } catch (error) {
    if (!(error instanceof FailureError) || error.reason !== "starting") throw error;
    log.warning(error.failure);
    return EXIT.notReady;
  }
}

function place({ settings, host, log }: CommandContext): StatusPlace {
  const http = settings.get(HTTP);
  const statusFile = settings.get(STATUS_FILE);
  const config = settings.get(CONFIG);
  if (http || statusFile !== undefined || config === undefined) return { http, statusFile };
  return loadConfig(config, host, log);
}
