/**
 * Tells the world how the devices are: the status page, the status file, and the records for checks.
 *
 * @module
 */
import type { Failure } from "../core/failure.ts";
import { serveStatus, type StatusServer } from "../net/status_server.ts";
import { RECORD_INTERVAL_MS } from "../net/tunnel_record.ts";
import { writeWholeFile } from "../net/whole_file.ts";
import type { DeviceStatus } from "../status/device_status.ts";
import { fleetStatus, type ProcessFacts } from "../status/fleet_status.ts";
import { answerStatus } from "../status/status_page.ts";
import type { ListenAddress } from "./address.ts";
import type { RecordedTunnel, TunnelRecords } from "./tunnel_records.ts";
import { VERSION_TEXT } from "./version.ts";

/** Changes within this time are written together. */
const GATHER_MS = 100;

/** What is told, and where. */
export interface StatusPublisherOptions {
  /** All devices now. */
  readonly devices: () => readonly DeviceStatus[];
  /** Those whose tunnels run here. */
  readonly tunnels: () => readonly RecordedTunnel[];
  readonly records?: TunnelRecords | undefined;
  readonly http?: ListenAddress | undefined;
  readonly statusFile?: string | undefined;
  /** Told when something cannot be written; the work goes on. */
  readonly onWarning: (failure: Failure) => void;
}

/** Publishes until disposed of. */
export class StatusPublisher implements AsyncDisposable {
  readonly #options: StatusPublisherOptions;
  readonly #facts: ProcessFacts = {
    version: VERSION_TEXT,
    pid: Deno.pid,
    startedAt: Date.now(),
  };
  readonly #server: StatusServer | undefined;
  readonly #interval: ReturnType<typeof setInterval>;
  #gathering: ReturnType<typeof setTimeout> | undefined;

  /** @throws {FailureError} `listen-in-use` or `listen-denied` when the page has no place. */
  constructor(options: StatusPublisherOptions) {
    this.#options = options;
    const { http, devices } = options;
    const source = { facts: this.#facts, devices, unixTimeMs: Date.now };
    this.#server = http &&
      serveStatus(http.hostname, http.port, (request) => answerStatus(request, source));
    this.#interval = setInterval(() => this.#write(), RECORD_INTERVAL_MS);
    this.#write();
  }

  /** Where the page is, if there is one. */
  get address(): ListenAddress | undefined {
    return this.#server;
  }

  /** Something changed: it is written soon. */
  changed(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#write();
    }, GATHER_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#interval);
    clearTimeout(this.#gathering);
    this.#write();
    this.#options.records?.[Symbol.dispose]();
    await this.#server?.[Symbol.asyncDispose]();
  }

  #write(): void {
    const { records, tunnels, statusFile, devices, onWarning } = this.#options;
    records?.write(tunnels());
    if (statusFile === undefined) return;
    const status = fleetStatus(devices(), this.#facts, Date.now());
    try {
      writeWholeFile(statusFile, `${JSON.stringify(status, undefined, 2)}\n`);
    } catch (error) {
      onWarning({
        reason: "config",
        what: `The status file cannot be written: ${error instanceof Error ? error.name : error}.`,
        advice: "Check its folder and the disk.",
      });
    }
  }
}
