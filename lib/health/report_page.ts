/**
 * A report as one HTML page that needs nothing else: no script, no font, no network.
 *
 * @module
 */
import { type DeviceReport, TIMELINE_PARTS, type TimelineState } from "./availability.ts";
import { type FleetReport, instant, percent, span } from "./report.ts";

const STYLE = `
:root { color-scheme: light dark; --up: #2e9e5b; --down: #d64545; --none: #8884; --bar: #4078c0; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem; }
.figures { display: flex; flex-wrap: wrap; gap: 2.5rem; margin: 1.2rem 0; }
.figures b { display: block; font-size: 1.9rem; font-weight: 600; }
table { border-collapse: collapse; width: 100%; } td, th { padding: .3rem .6rem; text-align: left; }
th { font-weight: 600; border-bottom: 1px solid #8886; } td { border-bottom: 1px solid #8883; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.s { width: 34%; } svg { display: block; width: 100%; height: 1.1rem; }
.up { fill: var(--up); } .down { fill: var(--down); } .none { fill: var(--none); }
.p50 { fill: var(--bar); } .p90 { fill: var(--bar); opacity: .55; } .p99 { fill: var(--bar); opacity: .25; }
.bad { color: var(--down); font-weight: 600; } .key span { margin-right: 1.2rem; }
.key i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; }
small, .dim { opacity: .7; }
@media print { body { margin: 0; max-width: none; } tr { break-inside: avoid; } }
`;

/** Outages in the list of all; a fleet in trouble has thousands. */
const MAX_OUTAGES = 500;

/** The whole page. */
export function reportPage(report: FleetReport): string {
  const { window, devices, availability, checks } = report;
  const outages = devices.reduce((sum, device) => sum + device.outages.length, 0);
  const down = devices.filter(({ state }) => state === "down").length;
  const period = `${instant(window.since)} to ${instant(window.until)} UTC`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Availability of ${devices.length} devices</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Availability of ${devices.length} ${devices.length === 1 ? "device" : "devices"}</h1>
<div class="dim">${period} (${span(window.until - window.since)})</div>
<div class="figures">
<div><b>${percent(availability)}</b>of the time up</div>
<div><b${down > 0 ? ' class="bad"' : ""}>${down}</b>down at the last check</div>
<div><b>${outages}</b>outages</div>
<div><b>${checks}</b>checks</div>
</div>
<h2>Devices</h2>
<div class="key dim"><span><i style="background:var(--up)"></i>up</span><span><i
style="background:var(--down)"></i>down</span><span><i
style="background:var(--none)"></i>not checked</span></div>
<table>
<tr><th>Device</th><th class="n">Up</th><th>${period}</th><th class="n">Outages</th><th
class="n">Checks</th><th class="n">By relay</th></tr>
${devices.map(deviceRow).join("\n")}
</table>
${handshakes(devices)}
${outageList(devices)}
<p><small>A check is a sample: its state is taken to hold until the next one, for at most three
usual intervals. Time nobody looked at counts for nothing.</small></p>
</body>
</html>
`;
}

function deviceRow(device: DeviceReport): string {
  const { availability, state, lastReason, outages, checks, relayShare, timeline } = device;
  const now = state === "down" ? ` <span class="bad">down: ${escape(lastReason ?? "")}</span>` : "";
  return `<tr><td>${escape(device.device)}${now}</td><td class="n">${percent(availability)}</td>` +
    `<td class="s">${strip(timeline, device.device)}</td><td class="n">${outages.length}</td>` +
    `<td class="n">${checks}</td><td class="n">${percent(relayShare)}</td></tr>`;
}

/** The timeline: equal parts that follow each other are one rectangle. */
function strip(timeline: readonly TimelineState[], name: string): string {
  const parts: string[] = [];
  for (let from = 0; from < timeline.length;) {
    let to = from + 1;
    while (to < timeline.length && timeline[to] === timeline[from]) to++;
    parts.push(`<rect class="${timeline[from]}" x="${from}" width="${to - from}" height="10"/>`);
    from = to;
  }
  return `<svg viewBox="0 0 ${TIMELINE_PARTS} 10" preserveAspectRatio="none" role="img" ` +
    `aria-label="When ${escape(name)} was up">${parts.join("")}</svg>`;
}

/** Handshake times: one bar a device, half, nine tenths and all but one in a hundred. */
function handshakes(devices: readonly DeviceReport[]): string {
  const timed = devices.filter(({ handshake }) => handshake !== undefined)
    .sort((a, b) => b.handshake!.p90 - a.handshake!.p90);
  if (timed.length === 0) return "";
  const longest = Math.max(...timed.map(({ handshake }) => handshake!.p99), 1);
  const rows = timed.map(({ device, handshake }) => {
    const { p50, p90, p99 } = handshake!;
    const bar = (name: string, ms: number): string =>
      `<rect class="${name}" width="${(ms / longest * 100).toFixed(2)}" height="10"/>`;
    return `<tr><td>${escape(device)}</td><td class="s"><svg viewBox="0 0 100 10" ` +
      `preserveAspectRatio="none" role="img" aria-label="Handshake times of ${escape(device)}">` +
      `${bar("p99", p99)}${bar("p90", p90)}${bar("p50", p50)}</svg></td>` +
      [p50, p90, p99].map((ms) => `<td class="n">${(ms / 1000).toFixed(1)} s</td>`).join("") +
      "</tr>";
  });
  return `<h2>Handshake times</h2>
<table>
<tr><th>Device</th><th>0 to ${(longest / 1000).toFixed(1)} s</th><th class="n">Half within</th><th
class="n">90 % within</th><th class="n">99 % within</th></tr>
${rows.join("\n")}
</table>`;
}

function outageList(devices: readonly DeviceReport[]): string {
  const all = devices.flatMap(({ device, outages }) =>
    outages.map((outage) => ({ device, ...outage }))
  ).sort((a, b) => b.from - a.from);
  if (all.length === 0) return "<h2>Outages</h2>\n<p>None.</p>";
  const rows = all.slice(0, MAX_OUTAGES).map(({ device, from, to, durationMs, reason, message }) =>
    `<tr><td class="n">${instant(from)}</td><td class="n">${to === undefined ? "lasting, " : ""}${
      span(durationMs)
    }</td><td>${escape(device)}</td><td>${escape(reason)}</td><td>${escape(message)}</td></tr>`
  );
  const hidden = all.length - rows.length;
  return `<h2>Outages</h2>
<table>
<tr><th class="n">From (UTC)</th><th class="n">For</th><th>Device</th><th>Reason</th><th>What</th></tr>
${rows.join("\n")}
</table>${hidden > 0 ? `\n<p>${hidden} earlier ones are not shown.</p>` : ""}`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
