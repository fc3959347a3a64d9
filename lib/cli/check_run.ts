/**
 * One run of `check`: from its devices to its exit code.
 *
 * @module
 */
import { type Failure, FailureError } from "../core/failure.ts";
import { randomBelow } from "../core/random.ts";
import { type CheckResult, unchecked } from "../health/check_result.ts";
import { checkDevice, type CheckDeviceOptions } from "../health/device_check.ts";
import type { BadEntry } from "../health/device_list.ts";
import { checkFleet, type FleetCheckOptions } from "../health/fleet.ts";
import { nagiosReport } from "../health/nagios.ts";
import { resultJson } from "../health/result_json.ts";
import { resultLine } from "../health/result_line.ts";
import { monotonicNow } from "../net/clock.ts";
import { DEFAULT_TIMEOUT_MS } from "../net/connect.ts";
import { systemRandom } from "../net/environment.ts";
import { pauseUntil } from "../net/pause.ts";
import { ping } from "../net/ping.ts";
import { runShellCommand } from "../net/shell_command.ts";
import type { CheckedDevice } from "./check_devices.ts";
import { resultExit, worstExit } from "./check_exit.ts";
import type { CheckMemory } from "./check_memory.ts";
import type { CheckOutputs } from "./check_outputs.ts";
import type { CheckSettings } from "./check_settings.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import type { Log } from "./log.ts";
import type { Progress } from "./progress.ts";
import type { StopRequest } from "./stop_signals.ts";

/** Everything a run needs. */
export interface CheckRun {
  readonly settings: CheckSettings;
  readonly devices: readonly CheckedDevice[];
  readonly bad: readonly BadEntry[];
  /** What is the device's own: its account, ports, channels. */
  readonly optionsOf: (device: CheckedDevice) => CheckDeviceOptions;
  readonly outputs: CheckOutputs;
  readonly memory: CheckMemory;
  readonly progress: Progress;
  readonly log: Log;
  /** Resolves when the process is asked to stop. */
  readonly stopped: Promise<StopRequest>;
}

/** Text of a ping: healthchecks.io takes 100 kB. */
const MAX_PING_LENGTH = 90_000;

/** Checks, tells everybody, and gives the exit code. */
export async function runChecks(run: CheckRun): Promise<ExitCode> {
  const { settings, outputs, progress } = run;
  const stop = new AbortController();
  let request: StopRequest | undefined;
  void run.stopped.then((asked) => {
    request = asked;
    stop.abort(new FailureError(stoppedBy(asked)));
  });
  await splay(settings.splayMs, stop.signal);
  const runId = crypto.randomUUID();
  await tellWatchdog(run, "/start", runId, "");
  const startedAt = monotonicNow();
  const changes = new Changes(run);
  for (const { where, failure } of run.bad) {
    const device = { name: where, id: "" };
    outputs.result(unchecked(device, settings.level, failure, Date.now()));
  }
  let done = 0;
  await checkFleet(run.devices, {
    ...settings.pace,
    level: settings.level,
    deviceTimeoutMs: deviceTimeoutMs(settings),
    signal: stop.signal,
    lock: (device) => run.memory.lock(device),
    check: (device, options) => checkOne(device, options, run),
    onResult: (result) => {
      outputs.result(result);
      changes.take(result);
      if (outputs.closed) stop.abort(outputs.closed);
      progress.draw(`${++done}/${run.devices.length} checked`, monotonicNow());
    },
  });
  progress.clear();
  await changes.done();
  const durationMs = monotonicNow() - startedAt;
  outputs.writeJunit(durationMs);
  const verdict = exitCode(run, request);
  outputs.summary(verdict);
  if (settings.format === "nagios") {
    outputs.line(nagiosReport(outputs.results).line);
  }
  // The outputs themselves may have failed since: what is told last knows it.
  const code = exitCode(run, request);
  outputs.writeTextfile({ exitCode: code, endedAt: Date.now(), durationMs });
  await tellWatchdog(run, `/${code}`, runId, pingText(run));
  if (outputs.closed) throw outputs.closed;
  return exitCode(run, request);
}

function checkOne(
  device: CheckedDevice,
  given: FleetCheckOptions,
  run: CheckRun,
): Promise<CheckResult> {
  return checkDevice(device.serial, { ...run.optionsOf(device), ...given, name: device.name });
}

/** A device may take its 30 s, and at level media the time it is watched for. */
function deviceTimeoutMs({ level, measureMs, keyFrameTimeoutMs }: CheckSettings): number {
  if (level !== "media") return DEFAULT_TIMEOUT_MS;
  return DEFAULT_TIMEOUT_MS + Math.max(measureMs ?? 5_000, keyFrameTimeoutMs ?? 10_000);
}

function exitCode(run: CheckRun, request: StopRequest | undefined): ExitCode {
  const { outputs, settings } = run;
  if (request) return request.exitCode;
  if (settings.format === "nagios") {
    const { exit } = nagiosReport(outputs.results);
    // Nagios knows four codes: what could not be written must not pass for a device that is well.
    return exit === 0 && outputs.isBroken ? EXIT.nagiosUnknown : exit;
  }
  return worstExit([
    ...outputs.results.map(resultExit),
    ...(outputs.isBroken ? [EXIT.config] : []),
  ]);
}

function stoppedBy({ signal }: StopRequest): Failure {
  return {
    reason: "handshake-timeout",
    what: `The run was stopped by ${signal} before this device was judged.`,
    advice: "",
  };
}

async function splay(splayMs: number | undefined, signal: AbortSignal): Promise<void> {
  if (!splayMs) return;
  const delayMs = randomBelow(systemRandom, splayMs + 1);
  await pauseUntil(monotonicNow() + delayMs, signal).catch(() => {});
}

async function tellWatchdog(
  { settings, log }: CheckRun,
  suffix: string,
  runId: string,
  text: string,
): Promise<void> {
  if (!settings.pingUrl) return;
  const url = new URL(settings.pingUrl);
  url.pathname = url.pathname.replace(/\/$/, "") + suffix;
  url.searchParams.set("rid", runId);
  const problem = await ping(url, text);
  if (problem === undefined) return;
  log.warning({
    reason: "config",
    what: `The watchdog of --ping-url was not told: ${problem}.`,
    advice: "The check itself goes on.",
  });
}

/** What is wrong first, then the rest, as much as fits. */
function pingText({ outputs, settings }: CheckRun): string {
  const style = { nameWidth: settings.nameWidth, color: "off" } as const;
  const results = [...outputs.results].sort((a, b) => rank(a) - rank(b));
  return results.map((result) => resultLine(result, style)).join("\n").slice(0, MAX_PING_LENGTH);
}

function rank({ state }: CheckResult): number {
  return state === "down" ? 0 : state === "unknown" ? 1 : 2;
}

/** Runs the person's command for devices whose state has changed, one at a time. */
class Changes {
  readonly #run: CheckRun;
  #running: Promise<void> = Promise.resolve();

  constructor(run: CheckRun) {
    this.#run = run;
  }

  /** Takes a result; one that judges nothing changes nothing. */
  take(result: CheckResult): void {
    const { settings, memory } = this.#run;
    if (settings.onChange === undefined || result.state === "unknown") return;
    const previous = memory.lastState(result.id, result.level);
    if (previous === result.state) return;
    const { onChange } = settings;
    this.#running = this.#running.then(async () => {
      // The first check of all has nothing to differ from.
      if (previous !== undefined && !await this.#tell(onChange, result, previous)) return;
      this.#remember(result);
    });
  }

  /** Resolves when every command has ended. */
  done(): Promise<void> {
    return this.#running;
  }

  /** Whether the command did its work: a change nobody was told of is a change next time too. */
  async #tell(command: string, result: CheckResult, previous: string): Promise<boolean> {
    const problem = await runShellCommand(command, {
      CHECK_DEVICE: result.device,
      CHECK_STATE: result.state,
      CHECK_PREVIOUS_STATE: previous,
      CHECK_REASON: result.reason,
      CHECK_MESSAGE: result.message,
      CHECK_JSON: resultJson(result),
    });
    if (problem === undefined) return true;
    this.#warn(`The command of --on-change failed for ${result.device}: ${problem}.`);
    return false;
  }

  #remember(result: CheckResult): void {
    try {
      this.#run.memory.remember(result);
    } catch {
      this.#warn(`The state of ${result.device} could not be remembered.`);
    }
  }

  #warn(what: string): void {
    this.#run.progress.clear();
    this.#run.log.warning({
      reason: "config",
      what,
      advice: "It counts as a change again at the next check.",
    });
  }
}
