/**
 * Asks the cloud about a device, on real sockets. The device hears nothing of it.
 *
 * @module
 */
import {
  type CloudCandidate,
  cloudCandidates,
  CloudChoice,
  type CloudSettings,
  rememberedFirst,
} from "../core/cloud_choice.ts";
import type { DeviceInfo } from "../core/cloud/info.ts";
import { Lookup, type LookupEvent, type LookupSocket } from "../core/cloud/lookup.ts";
import { type Failure, FailureError } from "../core/failure.ts";
import { clockSkew } from "../core/link_failures.ts";
import type { RouteMemory } from "../core/memory.ts";
import type { Trace } from "../core/types.ts";
import { Alarm, monotonicNow } from "./clock.ts";
import { DEFAULT_TIMEOUT_MS } from "./connect.ts";
import { resolveWithin } from "./dns.ts";
import { MachineDriver } from "./driver.ts";
import { systemEnvironment } from "./environment.ts";
import { UdpSocket } from "./udp.ts";

/** How to ask; everything has a default. */
export interface LookupDeviceOptions extends CloudSettings {
  /** Says which cloud to ask first; nothing is added to it. */
  readonly memory?: RouteMemory | undefined;
  /** For the whole lookup, in ms; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends it early; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: LookupProgress) => void) | undefined;
  readonly trace?: Trace | undefined;
}

/** What is reported on the way. */
export type LookupProgress =
  | { readonly type: "phase"; readonly phase: "resolve" | "lookup"; readonly ms: number }
  | { readonly type: "warning"; readonly failure: Failure };

/**
 * Whether a device is registered and online, at the first cloud that knows it.
 *
 * @returns What the cloud tells about it; nothing when it tells only that it is there.
 * @throws {FailureError} With the reason why it is not.
 */
export async function lookUpDevice(
  serial: string,
  options: LookupDeviceOptions = {},
): Promise<DeviceInfo | undefined> {
  const startedAt = monotonicNow();
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const remembered = options.memory?.recall(serial);
  const choice = new CloudChoice(rememberedFirst(cloudCandidates(options), remembered));
  for (;;) {
    const remainingMs = startedAt + timeoutMs - monotonicNow();
    try {
      const shareMs = choice.isLast ? remainingMs : choice.silenceLimitMs(remainingMs);
      return await lookUpAt(choice.current, serial, startedAt, { ...options, timeoutMs: shareMs });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof FailureError)) throw error;
      const step = choice.failed(error.failure);
      if (step.type === "failed") throw new FailureError(step.failure);
      options.onEvent?.({ type: "warning", failure: step.warning });
    }
  }
}

async function lookUpAt(
  { dialect }: CloudCandidate,
  serial: string,
  startedAt: number,
  options: LookupDeviceOptions & { readonly timeoutMs: number },
): Promise<DeviceInfo | undefined> {
  const { signal, onEvent, timeoutMs } = options;
  signal?.throwIfAborted();
  const until = monotonicNow() + timeoutMs;
  const { host, port } = dialect.cloud;
  const addresses = await resolveWithin(host, timeoutMs, signal);
  onEvent?.({ type: "phase", phase: "resolve", ms: monotonicNow() - startedAt });
  const lookup = new Lookup({
    serial,
    dialect,
    servers: addresses.map((ip) => ({ ip, port })),
    environment: systemEnvironment(options.trace),
  });
  const ended = Promise.withResolvers<DeviceInfo | undefined>();
  const sockets = { main: new UdpSocket(), us: new UdpSocket() };
  const driver = new MachineDriver<LookupEvent, LookupSocket, Lookup>(lookup, sockets, (event) => {
    switch (event.type) {
      case "registered":
        return onEvent?.({ type: "phase", phase: "lookup", ms: monotonicNow() - startedAt });
      case "clock-skew":
        return onEvent?.({ type: "warning", failure: clockSkew(event.offsetMs) });
      case "online":
        return ended.resolve(event.info);
      case "failed":
        return ended.reject(new FailureError(event.failure));
    }
  });
  const limit = new Alarm(() => ended.reject(new FailureError(outOfTime(timeoutMs))));
  const abort = (): void => ended.reject(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    limit.set(until);
    driver.run((machine, now) => machine.start(now));
    return await ended.promise;
  } finally {
    limit.clear();
    signal?.removeEventListener("abort", abort);
    await driver.stop();
  }
}

function outOfTime(timeoutMs: number): Failure {
  return {
    reason: "cloud-unreachable",
    what: `The cloud did not say all about the device in ${timeoutMs / 1000}s.`,
    advice: "Outbound UDP is probably blocked (VPN, firewall); or allow more time with --timeout.",
    facts: { timeoutMs },
  };
}
