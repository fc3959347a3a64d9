/**
 * `dahua-p2p run --config FILE [NAME...]`: many devices in one process, until it is stopped.
 *
 * @module
 */
import { formatListen } from "../net/forward.ts";
import { stateDirectories } from "../net/state_directory.ts";
import { FailureError } from "../core/failure.ts";
import { STATE_DIR } from "./check_options.ts";
import type { Command, CommandContext } from "./command.ts";
import { configPath } from "./config_command.ts";
import type { Config, ConfiguredDevice } from "./config/config.ts";
import { loadConfig } from "./config/config_file.ts";
import { ConfigError, problemLine } from "./config/problem.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { FleetRun } from "./fleet_run.ts";
import { OperatorSignals } from "./operator_signals.ts";
import { COMMON_OPTIONS, DEBUG, JSON_LINES, NO_STATE } from "./options.ts";
import { CONFIG, HTTP, STATUS_FILE } from "./run_options.ts";
import { openState } from "./state.ts";
import { StatusPublisher } from "./status_publisher.ts";
import { statusTable } from "./status_text.ts";
import { StopSignals } from "./stop_signals.ts";
import { TunnelRecords } from "./tunnel_records.ts";
import { dataFormat } from "./tunnel_settings.ts";
import { within } from "./tunnel_run.ts";
import { usageError } from "./usage.ts";

/** A clean close of all devices takes at most this long. */
const CLOSE_LIMIT_MS = 5_000;

/** The command `run`. */
export const RUN_COMMAND: Command = {
  name: "run",
  synopsis: ["dahua-p2p run [OPTIONS] --config FILE [NAME]..."],
  summary: "Keeps the tunnels of many devices up, all in one process.",
  options: [
    CONFIG,
    HTTP,
    STATUS_FILE,
    JSON_LINES,
    NO_STATE,
    STATE_DIR,
    DEBUG,
    ...COMMON_OPTIONS,
  ],
  operands: { min: 0, max: 1_000, what: "names of devices, or none for all" },
  notes: [
    {
      title: "Signals",
      lines: [
        "SIGHUP reads the configuration again and tries at once what waits; devices it leaves as",
        "they are keep their sessions. SIGUSR1 writes the status to standard error.",
      ],
    },
    {
      title: "Exit codes",
      lines: [
        "0 stopped   64 usage   73 no place for the status page   78 configuration",
        "When every device was given up: the code of the last one's reason.",
      ],
    },
  ],
  run: runFleet,
};

async function runFleet(context: CommandContext): Promise<ExitCode> {
  const { settings, operands, host, log } = context;
  const file = configPath(settings.get(CONFIG));
  const config = readConfig(file, context);
  if (!config) return EXIT.config;
  let chosen = chooseDevices(config.devices, operands);
  const memory = openState(settings, host, log);
  using records = settings.isOn(NO_STATE) ? undefined : new TunnelRecords(
    stateDirectories({ chosen: settings.get(STATE_DIR), env: host.env, os: host.os }),
  );
  // Configuration and secrets are read again on SIGHUP; records of devices it adds are written.
  host.keepPermissions(["net", "read", "write", "env"]);
  await using stack = new AsyncDisposableStack();
  const signals = stack.use(new StopSignals());
  const fleet = new FleetRun({
    handshakes: config.handshakes,
    log,
    stdout: host.stdout,
    format: dataFormat(settings),
    memory,
    ...(log.traces ? { trace: (event) => log.trace(event) } : {}),
    onChange: () => publisher.changed(),
  });
  const publisher = stack.use(
    new StatusPublisher({
      devices: () => fleet.statuses(),
      tunnels: () => fleet.tunnels(),
      records,
      http: settings.get(HTTP) ?? config.http,
      statusFile: settings.get(STATUS_FILE) ?? config.statusFile,
      onWarning: (failure) => log.warning(failure),
    }),
  );
  const { address } = publisher;
  if (address) {
    const where = formatListen(address.hostname, address.port);
    log.info("http", `Status page on http://${where}/status.`, { address: where });
  }
  stack.defer(async () => {
    await within(CLOSE_LIMIT_MS, fleet.close());
    log.flush();
  });
  const apply = async (): Promise<void> => {
    records?.keep(chosen.filter(({ isEnabled }) => isEnabled).map(({ serial }) => serial));
    await fleet.apply({ devices: chosen });
  };
  let applying = apply();
  stack.use(
    new OperatorSignals({
      retry: () => {
        const next = readConfig(file, context);
        const devices = next && tryChoose(next.devices, context);
        if (devices) chosen = devices;
        // Before the change: what it restarts must wait for the cool-down.
        fleet.retryNow();
        // One after the other: a session must be closed before its successor begins.
        applying = applying.then(apply);
      },
      status: () => {
        for (const line of statusTable(fleet.statuses())) host.stderr.line(line);
      },
    }),
  );
  const end = await Promise.race([signals.first, fleet.over, applying.then(() => fleet.over)]);
  if (typeof end === "number") return end;
  log.info("stopping", `Stopped by ${end.signal}; closing all sessions.`);
  return EXIT.ok;
}

/** The configuration, with its secrets made known to the redactor; nothing when it is wrong. */
function readConfig(file: string, { host, log, redactor }: CommandContext): Config | undefined {
  try {
    const config = loadConfig(file, host, log);
    for (const { serial, credentials, options: { app } } of config.devices) {
      redactor.addSerial(serial);
      if (credentials) redactor.addSecret(credentials.password);
      if (app) redactor.addSecret(app.key);
    }
    return config;
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    if (error instanceof ConfigError) {
      for (const problem of error.problems) host.stderr.line(problemLine(file, problem));
    } else log.failure(error.failure);
    return undefined;
  }
}

/** Those that are named, all when none is. */
function chooseDevices(
  devices: readonly ConfiguredDevice[],
  names: readonly string[],
): readonly ConfiguredDevice[] {
  if (names.length === 0) return devices;
  return names.map((name) => {
    const device = devices.find((candidate) => candidate.name === name);
    if (!device) {
      throw usageError(
        "A device that is named is not in the configuration.",
        `It has: ${devices.slice(0, 20).map((known) => known.name).join(", ")}.`,
      );
    }
    return device;
  });
}

/** Like {@linkcode chooseDevices}, for a configuration read again: the old one stays otherwise. */
function tryChoose(
  devices: readonly ConfiguredDevice[],
  { operands, log }: CommandContext,
): readonly ConfiguredDevice[] | undefined {
  try {
    return chooseDevices(devices, operands);
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    log.failure(error.failure);
    return undefined;
  }
}
