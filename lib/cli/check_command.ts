/**
 * `dahua-p2p check`: whether devices can be reached, once, for cron and monitoring.
 *
 * @module
 */
import { FailureError } from "../core/failure.ts";
import { explain } from "../health/evidence.ts";
import { nagiosUnknown } from "../health/nagios.ts";
import { runningTunnels } from "../health/running_tunnels.ts";
import { lineStyle } from "../health/result_line.ts";
import { textfile } from "../health/textfile.ts";
import { stateDirectories } from "../net/state_directory.ts";
import { writeWholeFile } from "../net/whole_file.ts";
import { readAppKey } from "./app_key.ts";
import { configuredDevices, readAccounts } from "./check_accounts.ts";
import { collectDevices } from "./check_devices.ts";
import { CheckMemory } from "./check_memory.ts";
import {
  CHANNEL,
  CHECK_JSON,
  CHECK_TIMEOUT,
  CONCURRENCY,
  FILE,
  HISTORY,
  JUNIT,
  KEY_FRAME_TIMEOUT,
  LEVEL,
  MEDIA_TIME,
  NAGIOS,
  ON_CHANGE,
  PING_URL,
  PORT,
  RATE,
  SHARD,
  SPLAY,
  STATE_DIR,
  TEXTFILE,
} from "./check_options.ts";
import { CheckOutputs } from "./check_outputs.ts";
import { runChecks } from "./check_run.ts";
import { checkSettings } from "./check_settings.ts";
import type { Command, CommandContext, FailedRun } from "./command.ts";
import type { ConfiguredDevice } from "./config/config.ts";
import { readCredentials } from "./credentials.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";
import { environmentName } from "./option.ts";
import {
  APP_KEY_FILE,
  CLOUD,
  COMMON_OPTIONS,
  DIALECT,
  NO_STATE,
  PASSWORD,
  PASSWORD_FILE,
  PATH,
  PREFER,
  QUIET,
  RELAY,
  TYPE,
  USERNAME,
} from "./options.ts";
import { OutputClosedError } from "./output.ts";
import { Progress } from "./progress.ts";
import { openState } from "./state.ts";
import { CONFIG } from "./run_options.ts";
import { StopSignals } from "./stop_signals.ts";
import { cloudOptions } from "./tunnel_settings.ts";
import { usageError } from "./usage.ts";
import { VERSION_TEXT } from "./version.ts";

/** Serials on one command line; more belong into a list. */
const MAX_OPERANDS = 1_000;

/** Up to so many serials are searched for in whatever is printed; the program puts them nowhere. */
const MAX_SEARCHED_SERIALS = 100;

const NOT_CONFIGURED: Pick<ConfiguredDevice, "options" | "credentials"> = { options: {} };

/** The command `check`. */
export const CHECK_COMMAND: Command = {
  name: "check",
  synopsis: [
    "dahua-p2p check [OPTIONS] <SERIAL or NAME>...",
    "dahua-p2p check [OPTIONS] --file LIST",
    "dahua-p2p check [OPTIONS] --config FILE",
  ],
  summary: "Checks once whether devices can be reached, and says why not.",
  options: [
    LEVEL,
    PORT,
    CHANNEL,
    FILE,
    CONFIG,
    SHARD,
    USERNAME,
    PASSWORD,
    PASSWORD_FILE,
    TYPE,
    RELAY,
    PATH,
    PREFER,
    CLOUD,
    DIALECT,
    APP_KEY_FILE,
    NO_STATE,
    CONCURRENCY,
    RATE,
    SPLAY,
    CHECK_TIMEOUT,
    MEDIA_TIME,
    KEY_FRAME_TIMEOUT,
    CHECK_JSON,
    NAGIOS,
    TEXTFILE,
    JUNIT,
    PING_URL,
    ON_CHANGE,
    HISTORY,
    STATE_DIR,
    ...COMMON_OPTIONS,
  ],
  operands: {
    min: 0,
    max: MAX_OPERANDS,
    what: "serials or names, or none with --file or --config",
  },
  notes: [
    {
      title: "Output",
      lines: [
        "A line for each device as soon as it is judged, and at last how many are up. With --quiet",
        "only what is not up. A tunnel of this program that runs for a device is asked instead of",
        "opening one more session.",
      ],
    },
    {
      title: "Exit codes",
      lines: [
        "0 all up, else the first of:   78 configuration   77 login   76 protocol   70 bug",
        "68 serial unknown   69 device offline or port closed   75 try again later",
        "With --nagios: 0 ok   1 warning   2 critical   3 unknown",
      ],
    },
    {
      title: "Examples",
      lines: [
        "dahua-p2p check --level cloud --file cameras.csv",
        "dahua-p2p check -u viewer --password-file cam.pass --level media --json SERIAL",
        "*/5 * * * *  dahua-p2p check --file /etc/cameras.csv --timeout 4m --splay 30s --quiet",
      ],
    },
  ],
  run: runCheckCommand,
  failed: reportFailedCheck,
};

/** Nagios reads standard output, and knows four exit codes. */
function reportFailedCheck({ error, code, words, host }: FailedRun): ExitCode {
  const asked = words.includes(`--${NAGIOS.name}`) ||
    /^(1|true|yes)$/i.test(host.env(environmentName(NAGIOS)) ?? "");
  if (!asked || error instanceof OutputClosedError) return code;
  const text = error instanceof FailureError ? explain(error.failure) : "unexpected error";
  try {
    host.stdout.line(nagiosUnknown(text).line);
  } catch {
    // Nobody reads it; the code is what is left.
  }
  return EXIT.nagiosUnknown;
}

async function runCheckCommand(context: CommandContext): Promise<ExitCode> {
  const path = context.settings.get(TEXTFILE);
  const startedAt = performance.now();
  try {
    return await check(context);
  } catch (error) {
    // Whoever watches the file must learn of a run that could not even begin.
    if (path !== undefined && error instanceof FailureError) {
      const durationMs = performance.now() - startedAt;
      const exitCode = exitCodeOf(error.reason);
      const end = { exitCode, endedAt: Date.now(), durationMs, version: VERSION_TEXT };
      writeQuietly(path, textfile([], end));
    }
    throw error;
  }
}

async function check(context: CommandContext): Promise<ExitCode> {
  const { settings, operands, host, log, redactor } = context;
  const file = settings.get(FILE);
  const configured = configuredDevices(context);
  if (operands.length === 0 && file === undefined && !configured) {
    throw usageError("No device is named.", "Give serials, --file LIST, or --config FILE.");
  }
  checkStandardInput(context);
  const { devices, bad, repeated } = collectDevices({
    operands,
    file,
    shard: settings.get(SHARD),
    configured,
    unnamed: (serial) => redactor.deviceName(serial),
  }, host);
  for (const { serial } of devices.slice(0, MAX_SEARCHED_SERIALS)) redactor.addSerial(serial);
  if (repeated > 0) log.info("list", `${repeated} entries repeat a serial; each is checked once.`);
  const credentials = readCredentials(settings, host);
  if (credentials) redactor.addSecret(credentials.password);
  if (settings.get(TYPE) === "1" && !credentials) {
    throw usageError(`${settings.label(TYPE)} 1 needs credentials.`, "Add --username NAME.");
  }
  const accounts = readAccounts(devices, context);
  const app = readAppKey(settings, host, log);
  if (app) redactor.addSecret(app.key);
  const isColored = host.stdoutIsTerminal && (host.env("NO_COLOR") ?? "") === "";
  const style = lineStyle(devices.map(({ name }) => name), isColored ? "on" : "off");
  const chosen = checkSettings(settings, style.nameWidth);
  const cloud = cloudOptions(settings);
  const isCloudChosen = cloud.cloud !== undefined || cloud.dialect !== undefined;
  // Under cron every warning is a mail: that nothing is remembered costs a check some seconds only.
  const routes = openState(settings, host, {
    warning: ({ what, advice }) => log.debug("state", `${what} ${advice}`),
  });
  const directories = stateDirectories({
    chosen: settings.get(STATE_DIR),
    env: host.env,
    os: host.os,
  });
  const memory = new CheckMemory(directories);
  if (!memory.isWritable) complainOfState(chosen.onChange, log);
  host.keepPermissions([
    "net",
    "read",
    "write",
    ...(chosen.onChange === undefined ? [] : ["run"] as const),
  ]);
  const progress = new Progress(
    host.stderrIsTerminal && devices.length > 1 && !settings.isOn(QUIET) ? host.stderr : undefined,
  );
  using signals = new StopSignals();
  using outputs = await CheckOutputs.open({
    format: chosen.format,
    shows: settings.isOn(QUIET) ? "problems" : "everything",
    style,
    textfile: settings.get(TEXTFILE),
    junit: settings.get(JUNIT),
    history: settings.get(HISTORY),
    stdout: host.stdout,
    progress,
    redactor,
    log,
  });
  const findTunnel = runningTunnels(directories, Date.now);
  return await runChecks({
    settings: chosen,
    devices,
    bad,
    optionsOf: ({ serial, entry, configured: { options, credentials: own } = NOT_CONFIGURED }) => ({
      level: chosen.level,
      measureMs: chosen.measureMs,
      keyFrameTimeoutMs: chosen.keyFrameTimeoutMs,
      // The command line before the configuration, the entry of a list before both.
      ports: entry.ports ?? chosen.ports ??
        options.forwards?.map(({ remotePort }) => remotePort),
      channels: entry.channels ?? chosen.channels,
      credentials: accounts.get(serial) ?? credentials ?? own,
      authType: settings.get(TYPE) ?? options.authType,
      path: chosen.path ?? options.path,
      ...(isCloudChosen
        ? { ...cloud, app }
        : { cloud: options.cloud, dialect: options.dialect, app: options.app }),
      memory: routes,
      findTunnel,
      ...(log.traces ? { trace: (event) => log.trace(event) } : {}),
    }),
    outputs,
    memory,
    progress,
    log,
    stopped: signals.first,
  });
}

/** Standard input is one thing: a list or a password. */
function checkStandardInput({ settings }: CommandContext): void {
  if (settings.get(FILE) !== "-" || settings.get(PASSWORD_FILE) !== "-") return;
  throw usageError(
    `${settings.label(FILE)} and ${settings.label(PASSWORD_FILE)} both read standard input.`,
    "Give one of them a file.",
  );
}

function complainOfState(onChange: string | undefined, log: CommandContext["log"]): void {
  const failure = {
    reason: "config",
    what: "There is no place to leave word for other runs: nothing is locked or remembered.",
    advice: "Name a writable folder with --state-dir.",
  } as const;
  if (onChange !== undefined) throw new FailureError(failure);
  log.info("state", `${failure.what} ${failure.advice}`);
}

function writeQuietly(path: string, text: string): void {
  try {
    writeWholeFile(path, text);
  } catch {
    // The failure that brought us here is told anyway.
  }
}
