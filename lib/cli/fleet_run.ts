/**
 * Many tunnels in the foreground: from their configuration to the exit code.
 *
 * @module
 */
import type { RouteMemory } from "../core/memory.ts";
import type { Trace } from "../core/types.ts";
import type { startTunnel, TunnelEnd, TunnelEvent } from "../net/tunnel.ts";
import { type GroupMember, TunnelGroup } from "../net/tunnel_group.ts";
import { type DeviceStatus, deviceStatus, disabledStatus } from "../status/device_status.ts";
import type { Config, ConfiguredDevice } from "./config/config.ts";
import { type DataFormat, lostLine, readyLine } from "./data_line.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";
import type { Log } from "./log.ts";
import type { LineOutput } from "./output.ts";
import type { RecordedTunnel } from "./tunnel_records.ts";
import { logTunnelEvent } from "./tunnel_run.ts";

/** Wait after a refused login: nobody is there to correct it, and accounts are locked for 30 min. */
const AUTH_RETRY_MS = 300_000;

/** What a fleet writes to, and shares among its devices. */
export interface FleetRunOptions {
  readonly handshakes?: number | undefined;
  readonly log: Log;
  readonly stdout: LineOutput;
  readonly format: DataFormat;
  readonly memory?: RouteMemory | undefined;
  readonly trace?: Trace | undefined;
  /** Told after each change of a device. */
  readonly onChange: () => void;
  /** Makes a tunnel; for tests. */
  readonly start?: typeof startTunnel | undefined;
}

/** Runs the devices of a configuration. */
export class FleetRun {
  readonly #options: FleetRunOptions;
  readonly #group: TunnelGroup;
  readonly #logs = new Map<string, Log>();
  readonly #over = Promise.withResolvers<ExitCode>();
  readonly #broken = Promise.withResolvers<never>();
  #devices: readonly ConfiguredDevice[] = [];

  constructor(options: FleetRunOptions) {
    this.#options = options;
    const { handshakes, memory, trace, start } = options;
    this.#group = new TunnelGroup({
      handshakes,
      start,
      common: { memory, trace },
      onEvent: (name, event) => this.#onEvent(name, event),
      onEnd: (name, end) => this.#onEnd(name, end),
    });
    // Nobody waits for it until the fleet runs.
    this.#broken.promise.catch(() => {});
  }

  /** Resolves with an exit code when every device was given up. */
  get over(): Promise<ExitCode> {
    return Promise.race([this.#over.promise, this.#broken.promise]);
  }

  /** Devices that are to run. */
  get members(): readonly ConfiguredDevice[] {
    return this.#devices.filter(({ isEnabled }) => isEnabled);
  }

  /** Makes the fleet what the configuration says; devices it leaves unchanged keep their sessions. */
  async apply({ devices }: Pick<Config, "devices">): Promise<void> {
    this.#devices = devices;
    const change = await this.#group.apply(this.members.map(memberOf));
    const { log, onChange } = this.#options;
    const { started, stopped, restarted, kept } = change;
    log.info(
      "config",
      `Devices: ${started.length} started, ${restarted.length} restarted, ` +
        `${stopped.length} stopped, ${kept.length} unchanged.`,
      { started: started.length, restarted: restarted.length, stopped: stopped.length },
    );
    onChange();
  }

  /** Makes every attempt now instead of later. */
  retryNow(): void {
    this.#group.retryNow();
  }

  /** All devices, in the order of the configuration. */
  statuses(): readonly DeviceStatus[] {
    const statuses = this.#group.statuses();
    return this.#devices.map(({ name }) => {
      const status = statuses.get(name);
      return status ? deviceStatus(name, status) : disabledStatus(name);
    });
  }

  /** Those that run. */
  tunnels(): readonly RecordedTunnel[] {
    const statuses = this.#group.statuses();
    return this.members.flatMap(({ name, serial }) => {
      const status = statuses.get(name);
      return status ? [{ serial, status: deviceStatus(name, status) }] : [];
    });
  }

  /** Ends all of them cleanly. */
  async close(): Promise<void> {
    await this.#group.close();
    for (const log of this.#logs.values()) log.flush();
  }

  #onEvent(name: string, event: TunnelEvent): void {
    logTunnelEvent(event, this.#log(name));
    if (event.type !== "ready" && event.type !== "lost" && event.type !== "attempt-failed") return;
    this.#options.onChange();
    try {
      this.#tell(name, event);
    } catch (error) {
      // Nobody reads standard output; the tunnels, which know nothing of that, end with `over`.
      this.#broken.reject(error);
    }
  }

  #tell(name: string, event: TunnelEvent): void {
    const { stdout, format } = this.#options;
    if (event.type === "ready") {
      const { path, roundTripMs, handshakeMs } = event;
      for (const { hostname, port, remotePort } of event.ports) {
        const facts = { name, hostname, port, remotePort, path, roundTripMs, handshakeMs };
        stdout.line(readyLine(facts, format));
      }
    } else if (event.type === "lost") {
      const { failure: { reason }, upMs, retryInMs } = event;
      stdout.line(lostLine({ name, reason, upMs, retryInMs }, format));
    }
  }

  #onEnd(name: string, { failure, upMs }: TunnelEnd): void {
    const { stdout, format, onChange } = this.#options;
    if (failure) {
      this.#log(name).failure(failure);
      try {
        if (upMs > 0) stdout.line(lostLine({ name, reason: failure.reason, upMs }, format));
      } catch (error) {
        this.#broken.reject(error);
      }
    }
    onChange();
    if (this.#group.running === 0) {
      this.#over.resolve(failure ? exitCodeOf(failure.reason) : EXIT.software);
    }
  }

  #log(name: string): Log {
    let log = this.#logs.get(name);
    if (!log) this.#logs.set(name, log = this.#options.log.forDevice(name));
    return log;
  }
}

function memberOf({ name, serial, options, credentials }: ConfiguredDevice): GroupMember {
  return {
    name,
    serial,
    options: { ...options, credentials, authRetryMs: options.authRetryMs ?? AUTH_RETRY_MS },
  };
}
