/**
 * Statuses for people: one line for each device, in columns.
 *
 * @module
 */
import type { DeviceStatus } from "../status/device_status.ts";
import { formatDuration } from "./duration.ts";

const HEAD = ["NAME", "STATE", "PATH", "FOR", "RTT", "CLIENTS", "SESSIONS", "PORTS", "LAST"];

/** A table with a head line; every line without trailing blanks. */
export function statusTable(devices: readonly DeviceStatus[]): readonly string[] {
  const rows = [HEAD, ...devices.map(columns)];
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd());
}

function columns(device: DeviceStatus): readonly string[] {
  return [
    device.name,
    device.state,
    device.path ?? "-",
    sinceOrUntil(device),
    device.rttMs === undefined ? "-" : `${device.rttMs}ms`,
    String(device.clients),
    String(device.sessions),
    device.ports.map(({ port, remote }) => `${port}>${remote}`).join(",") || "-",
    device.reason ?? "-",
  ];
}

function sinceOrUntil({ state, upMs, retryInMs, phase }: DeviceStatus): string {
  if (state === "up" && upMs !== undefined) return formatDuration(upMs);
  if (state === "waiting" && retryInMs !== undefined) {
    return `retry in ${formatDuration(Math.ceil(retryInMs / 1000) * 1000)}`;
  }
  return phase ?? "-";
}
