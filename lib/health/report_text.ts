/**
 * A report on a terminal, and for programs.
 *
 * @module
 */
import type { DeviceReport, Percentiles } from "./availability.ts";
import { type FleetReport, instant, percent, span } from "./report.ts";

/** Outages shown of one device; the HTML page has all. */
const MAX_OUTAGES = 10;

/** The lines of a report. */
export function reportLines(report: FleetReport): readonly string[] {
  const { window, devices, availability, checks, broken } = report;
  const width = devices.reduce((most, { device }) => Math.max(most, device.length), 0);
  return [
    `${instant(window.since)} to ${instant(window.until)} UTC, ${devices.length} devices, ` +
    `${checks} checks, up ${percent(availability)} of the time`,
    ...(broken > 0 ? [`${broken} lines of the history could not be read`] : []),
    ...devices.flatMap((device) => deviceLines(device, width)),
  ];
}

function deviceLines(device: DeviceReport, width: number): string[] {
  const { outages, handshake, relayShare, checks, unjudged } = device;
  const columns = [
    device.device.padEnd(width),
    percent(device.availability).padStart(8),
    `${checks} checks${unjudged > 0 ? ` (${unjudged} more judged nothing)` : ""}`,
    handshake ? `handshake ${times(handshake)}` : "",
    relayShare ? `relay ${percent(relayShare)}` : "",
    outages.length === 0 ? "no outage" : `${outages.length} outages`,
    device.state === "down" ? `now down: ${device.lastReason}` : "",
  ];
  const hidden = outages.length - MAX_OUTAGES;
  return [
    "",
    columns.filter((text) => text !== "").join("  "),
    ...(hidden > 0 ? [`  (${hidden} earlier outages)`] : []),
    ...outages.slice(-MAX_OUTAGES).map(({ from, to, durationMs, reason, message }) =>
      `  ${instant(from)}  ${to === undefined ? "lasting " : ""}${span(durationMs)}  ` +
      `${reason}: ${firstSentence(message)}`
    ),
  ];
}

/** What happened, without what to do about it. */
function firstSentence(text: string): string {
  return /^.*?[.!?](?= [A-Z]|$)/.exec(text)?.[0] ?? text;
}

/** Median, 90 and 99 percent. */
function times({ p50, p90, p99 }: Percentiles): string {
  return `${[p50, p90, p99].map((ms) => `${(ms / 1000).toFixed(1)}s`).join("/")} (p50/p90/p99)`;
}

/** The report as one line of JSON for each device, and one for all. */
export function reportJson(report: FleetReport): readonly string[] {
  const { window, devices, availability, checks, broken } = report;
  return [
    ...devices.map(({ timeline: _, ...device }) =>
      JSON.stringify({
        event: "device",
        ...device,
        lastCheckAt: iso(device.lastCheckAt),
        outages: device.outages.map(({ from, to, ...outage }) => ({
          from: iso(from),
          ...(to === undefined ? {} : { to: iso(to) }),
          ...outage,
        })),
      })
    ),
    JSON.stringify({
      event: "report",
      since: iso(window.since),
      until: iso(window.until),
      devices: devices.length,
      checks,
      availability,
      broken,
    }),
  ];
}

function iso(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
