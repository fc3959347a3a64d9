/**
 * `dahua-p2p check`: whether devices can be reached, once, for cron and monitoring.
 *
 * @module
 */
import { FailureError } from "../core/failure.ts";
import type { DeviceCredentials } from "../net/connect.ts";
import { explain } from "../health/evidence.ts";
import { nagiosUnknown } from "../health/nagios.ts";
import { runningTunnels } from "../health/running_tunnels.ts";
import { lineStyle } from "../health/result_line.ts";
import { textfile } from "../health/textfile.ts";
import { stateDirectories } from "../net/state_directory.ts";
import { writeWholeFile } from "../net/whole_file.ts";
import { readAppKey } from "./app_key.ts";
import { type CheckedDevice, collectDevices } from "./check_devices.ts";
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
  QUIET,
  RELAY,
  TYPE,
  USERNAME,
} from "./options.ts";
import { OutputClosedError } from "./output.ts";
import { quoted } from "./printable.ts";
import { Progress } from "./progress.ts";
import { readSecretFile } from "./secret_file.ts";
import { openState } from "./state.ts";
import { StopSignals } from "./stop_signals.ts";
import { cloudOptions } from "./tunnel_settings.ts";
import { configError, usageError } from "./usage.ts";
import { VERSION_TEXT } from "./version.ts";

/** Serials on one command line; more belong into a list. */
const MAX_OPERANDS = 1_000;

/** Up to so many serials are searched for in whatever is printed; the program puts them nowhere. */
const MAX_SEARCHED_SERIALS = 100;

/** The command `check`. */
export const CHECK_COMMAND: Command = {
  name: "check",
  synopsis: ["dahua-p2p check [OPTIONS] <SERIAL>...", "dahua-p2p check [OPTIONS] --file LIST"],
  summary: "Checks once whether devices can be reached, and says why not.",
  options: [
    LEVEL,
    PORT,
    CHANNEL,
    FILE,
    SHARD,
    USERNAME,
    PASSWORD,
    PASSWORD_FILE,
    TYPE,
    RELAY,
    PATH,
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
  operands: { min: 0, max: MAX_OPERANDS, what: "serials, or none with --file" },
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
  if (operands.length === 0 && file === undefined) {
    throw usageError("No device is named.", "Give serials, or --file LIST.");
  }
  checkStandardInput(context);
  const { devices, bad, repeated } = collectDevices({
    operands,
    file,
    shard: settings.get(SHARD),
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
  const isTerminal = host.stderrIsTerminal && (host.env("NO_COLOR") ?? "") === "";
  const style = lineStyle(devices.map(({ name }) => name), isTerminal ? "on" : "off");
  const chosen = checkSettings(settings, style.nameWidth);
  const cloud = { ...cloudOptions(settings), app, memory: openState(settings, host, log) };
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
    optionsOf: (device) => ({
      ...chosen,
      ...cloud,
      authType: settings.get(TYPE),
      ports: device.entry.ports ?? chosen.ports,
      channels: device.entry.channels ?? chosen.channels,
      credentials: accounts.get(device.serial) ?? credentials,
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

/** The accounts that lists name, read before permissions are given back. */
function readAccounts(
  devices: readonly CheckedDevice[],
  { host, redactor }: CommandContext,
): ReadonlyMap<string, DeviceCredentials> {
  const accounts = new Map<string, DeviceCredentials>();
  const advice = "password_file names a file that holds the password and nothing else.";
  for (const { serial, entry: { username, passwordFile } } of devices) {
    if (username === undefined && passwordFile === undefined) continue;
    if (username === undefined || passwordFile === undefined) {
      throw configError("A list names a user without a password file, or the reverse.", advice);
    }
    const label = `The password file ${quoted(passwordFile)}`;
    const password = readSecretFile(passwordFile, label, advice, host).text.replace(/\r?\n$/, "");
    // deno-lint-ignore no-control-regex -- they are what is looked for
    if (password === "" || /[\u0000-\u001f\u007f]/.test(password)) {
      throw configError(`${label} holds no password of one line.`, advice);
    }
    redactor.addSecret(password);
    accounts.set(serial, { username, password });
  }
  return accounts;
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
