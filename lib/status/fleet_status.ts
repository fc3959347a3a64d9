/**
 * What the world is told about a whole process.
 *
 * @module
 */
import type { DeviceStatus } from "./device_status.ts";

/** Who is asked. */
export interface ProcessFacts {
  readonly version: string;
  readonly pid: number;
  /** Unix time in ms. */
  readonly startedAt: number;
}

/** The form of `/status`, of the status file and of `status --json`. */
export interface FleetStatus {
  /** Of this form. */
  readonly form: 1;
  readonly version: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly started: string;
  /** RFC 3339; how old a status file is. */
  readonly written: string;
  readonly ready: number;
  readonly total: number;
  readonly devices: readonly DeviceStatus[];
}

/** How many of the devices that are to run carry data. */
export function readiness(
  devices: readonly DeviceStatus[],
): { readonly ready: number; readonly total: number } {
  return {
    ready: devices.filter(({ state }) => state === "up").length,
    total: devices.filter(({ state }) => state !== "disabled").length,
  };
}

/**
 * The whole status.
 *
 * @param unixTimeMs Now.
 */
export function fleetStatus(
  devices: readonly DeviceStatus[],
  { version, pid, startedAt }: ProcessFacts,
  unixTimeMs: number,
): FleetStatus {
  return {
    form: 1,
    version,
    pid,
    started: new Date(startedAt).toISOString(),
    written: new Date(unixTimeMs).toISOString(),
    ...readiness(devices),
    devices,
  };
}

/**
 * Reads a status that a process of ours gave.
 *
 * @returns Nothing when it is none, or of another version's form.
 */
export function parseFleetStatus(text: string): FleetStatus | undefined {
  let value: Partial<FleetStatus> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isStatus = typeof value === "object" && value !== null && value.form === 1 &&
    typeof value.written === "string" && Array.isArray(value.devices) &&
    value.devices.every((device) =>
      typeof device === "object" && device !== null && typeof device.name === "string" &&
      typeof device.state === "string" && Array.isArray(device.ports)
    );
  return isStatus ? value as FleetStatus : undefined;
}
