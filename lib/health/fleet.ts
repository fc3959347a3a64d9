/**
 * Checks many devices: some at a time, at a pace, within a time, one device never hurting another.
 *
 * @module
 */
import { type Failure, FailureError } from "../core/failure.ts";
import { Alarm, monotonicNow } from "../net/clock.ts";
import { HandshakeGate } from "../net/handshake_gate.ts";
import { pauseUntil } from "../net/pause.ts";
import type { CheckLevel } from "./check_level.ts";
import { type CheckResult, unchecked } from "./check_result.ts";

/** One device of a fleet. */
export interface FleetDevice {
  readonly serial: string;
  readonly id: string;
  /** Unique in the fleet. */
  readonly name: string;
}

/** What one check of the fleet is given beside what is the device's own. */
export interface FleetCheckOptions {
  readonly signal: AbortSignal;
  readonly gate: HandshakeGate;
  readonly timeoutMs: number;
}

/** Limits of a run. */
export interface FleetOptions<Device extends FleetDevice> {
  readonly level: CheckLevel;
  /** Devices at a time; default 32 at level cloud, 8 above: a check there holds three sockets. */
  readonly concurrency?: number | undefined;
  /** Devices begun in a second; default as many as can be. */
  readonly ratePerSecond?: number | undefined;
  /** For the whole run, in ms; default none: every device has its own limit. */
  readonly runTimeoutMs?: number | undefined;
  /** For one device, in ms. */
  readonly deviceTimeoutMs: number;
  /** Ends the run; its reason becomes the word on every device that was not judged by then. */
  readonly signal?: AbortSignal | undefined;
  /** Keeps others from checking the same device; a failure says who does. */
  readonly lock: (device: Device) => Disposable | Failure;
  readonly check: (device: Device, options: FleetCheckOptions) => Promise<CheckResult>;
  /** Told of each result as soon as there is one, in no order. */
  readonly onResult: (result: CheckResult) => void;
}

/** Handshakes at a time, each of which takes a lease of a relay. */
export const RELAY_SLOTS = 4;

/** Of the run's time, for a device that is begun at once: its own limit says more than the run's. */
const DEVICE_SHARE = 0.95;

/** The number of devices at a time, unless it is chosen. */
export function defaultConcurrency(level: CheckLevel): number {
  return level === "cloud" ? 32 : 8;
}

/** Checks every device once. Never rejects but for what `onResult` throws. */
export async function checkFleet<Device extends FleetDevice>(
  devices: readonly Device[],
  options: FleetOptions<Device>,
): Promise<void> {
  const { runTimeoutMs, ratePerSecond, deviceTimeoutMs } = options;
  const startedAt = monotonicNow();
  const limit = new AbortController();
  const alarm = new Alarm(() => limit.abort(new FailureError(outOfTime(runTimeoutMs!))));
  if (runTimeoutMs !== undefined) alarm.set(startedAt + runTimeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, limit.signal]) : limit.signal;
  const gate = new HandshakeGate({ slots: RELAY_SLOTS });
  const timeoutMs = Math.min(deviceTimeoutMs, (runTimeoutMs ?? Infinity) * DEVICE_SHARE);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < devices.length) {
      const index = next++;
      const device = devices[index]!;
      if (ratePerSecond !== undefined) {
        await pauseUntil(startedAt + index * 1000 / ratePerSecond, signal).catch(() => {});
      }
      options.onResult(await checkOne(device, { signal, gate, timeoutMs }, options));
    }
  };
  const workers = Math.min(
    options.concurrency ?? defaultConcurrency(options.level),
    devices.length,
  );
  try {
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    alarm.clear();
  }
}

async function checkOne<Device extends FleetDevice>(
  device: Device,
  given: FleetCheckOptions,
  options: FleetOptions<Device>,
): Promise<CheckResult> {
  const { level } = options;
  if (given.signal.aborted) {
    return unchecked(device, level, reasonOf(given.signal), Date.now());
  }
  const lock = options.lock(device);
  if (!(Symbol.dispose in lock)) return unchecked(device, level, lock, Date.now());
  using _held = lock;
  return await options.check(device, given);
}

function reasonOf(signal: AbortSignal): Failure {
  const { reason } = signal;
  return reason instanceof FailureError ? reason.failure : {
    reason: "handshake-timeout",
    what: "The run was stopped before this device was judged.",
    advice: "",
  };
}

function outOfTime(runTimeoutMs: number): Failure {
  return {
    reason: "handshake-timeout",
    what: `The ${runTimeoutMs / 1000}s of the run were over before this device was judged.`,
    advice: "Allow more with --timeout or --concurrency, or share the list out with --shard.",
    facts: { runTimeoutMs },
  };
}
