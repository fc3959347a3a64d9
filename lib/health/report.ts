/**
 * A report over a fleet: devices, and what they add up to.
 *
 * @module
 */
import type { HistoryRow } from "../net/history_store.ts";
import { type DeviceReport, reportDevice, type ReportWindow } from "./availability.ts";

/** A report. */
export interface FleetReport {
  readonly window: ReportWindow;
  readonly devices: readonly DeviceReport[];
  /** Of the time that was looked at, over all devices; absent when there is none. */
  readonly availability?: number | undefined;
  readonly checks: number;
  /** Lines of the history that could not be read. */
  readonly broken: number;
}

/** Reports on a history. The worst devices come first. */
export function reportFleet(
  history: Iterable<readonly HistoryRow[]>,
  window: ReportWindow,
): Omit<FleetReport, "broken"> {
  const devices = [...history].map((rows) => reportDevice(rows, window));
  devices.sort((a, b) =>
    (a.availability ?? 2) - (b.availability ?? 2) || (a.device < b.device ? -1 : 1)
  );
  const lookedAtMs = devices.reduce((sum, device) => sum + device.lookedAtMs, 0);
  const upMs = devices.reduce(
    (sum, { availability = 0, lookedAtMs: ms }) => sum + availability * ms,
    0,
  );
  return {
    window,
    devices,
    ...(lookedAtMs > 0 ? { availability: upMs / lookedAtMs } : {}),
    checks: devices.reduce((sum, { checks }) => sum + checks, 0),
  };
}

/** `99.93 %`; never rounded up to 100. */
export function percent(share: number | undefined): string {
  if (share === undefined) return "-";
  const floored = Math.floor(share * 10_000) / 100;
  return `${share === 1 ? "100" : floored.toFixed(2)} %`;
}

/** `2026-11-22 17:05` in UTC. */
export function instant(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 16).replace("T", " ");
}

/** `18m`, `4h12m`, `3d4h`: two units at most. */
export function span(ms: number): string {
  const units: readonly (readonly [string, number])[] = [["d", 86_400_000], ["h", 3_600_000], [
    "m",
    60_000,
  ], ["s", 1_000]];
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join("") || "0s";
}
