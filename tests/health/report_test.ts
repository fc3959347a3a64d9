import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { percentiles, reportDevice, TIMELINE_PARTS } from "../../lib/health/availability.ts";
import { type FleetReport, percent, reportFleet, span } from "../../lib/health/report.ts";
import { reportPage } from "../../lib/health/report_page.ts";
import { reportJson, reportLines } from "../../lib/health/report_text.ts";
import type { HistoryRow } from "../../lib/net/history_store.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);
const WINDOW = { since: START, until: START + 120 * MINUTE };

function row(minute: number, change: Partial<HistoryRow> = {}): HistoryRow {
  return {
    id: "a",
    device: "gate",
    startedAt: START + minute * MINUTE,
    state: "up",
    reason: "ok",
    message: "fine",
    level: "rtsp",
    durationMs: 10,
    ...change,
  };
}

const down = (minute: number, reason = "device-offline"): HistoryRow =>
  row(minute, { state: "down", reason, message: `It is ${reason}. Do something.` });

Deno.test("a state holds until the next check, and what nobody looked at counts for nothing", () => {
  const report = reportDevice([row(0), row(10), down(20), row(30)], WINDOW);
  // Up for 0-20 and, after the last check, three intervals: 30-60. Down for 20-30.
  assertEquals(report.lookedAtMs, 60 * MINUTE);
  assertEquals(report.availability, 50 / 60);
  assertEquals([report.checks, report.upChecks, report.state], [4, 3, "up"]);
  assertEquals(report.timeline.length, TIMELINE_PARTS);
  assertEquals(report.timeline[5], "up");
  assertEquals(report.timeline[25], "down");
  assertEquals(report.timeline[59], "up");
  assertEquals(report.timeline[60], "none");
});

Deno.test("a gap in the checks is neither up nor down", () => {
  const rows = [row(0), row(1), row(2), row(100), row(101)];
  const report = reportDevice(rows, WINDOW);
  assertEquals(report.availability, 1);
  assertEquals(report.lookedAtMs, (1 + 1 + 3 + 1 + 3) * MINUTE);
});

Deno.test("an outage lasts from its first check to the first that is up again", () => {
  const report = reportDevice([
    row(0),
    down(10),
    down(20, "cloud-unreachable"),
    row(25, { state: "unknown", reason: "busy" }),
    down(30),
    row(40),
    down(50, "auth-rejected"),
    down(60, "auth-rejected"),
  ], WINDOW);
  assertEquals(report.outages.map(({ message: _, ...outage }) => outage), [
    {
      from: START + 10 * MINUTE,
      to: START + 40 * MINUTE,
      durationMs: 30 * MINUTE,
      reason: "device-offline",
      checks: 3,
    },
    {
      from: START + 50 * MINUTE,
      durationMs: 10 * MINUTE,
      reason: "auth-rejected",
      checks: 2,
    },
  ]);
  assertEquals([report.state, report.lastReason], ["down", "auth-rejected"]);
  assertEquals(report.unjudged, 1);
});

Deno.test("checks that judged nothing give no availability", () => {
  const report = reportDevice([row(0, { state: "unknown", reason: "busy" })], WINDOW);
  assertEquals(report.availability, undefined);
  assertEquals(report.checks, 0);
  assertEquals(percent(report.availability), "-");
});

Deno.test("handshake times are nearest-rank percentiles of what was up", () => {
  assertEquals(percentiles([]), undefined);
  assertEquals(percentiles([5]), { p50: 5, p90: 5, p99: 5 });
  assertEquals(percentiles(Array.from({ length: 100 }, (_, i) => 100 - i)), {
    p50: 50,
    p90: 90,
    p99: 99,
  });
  const report = reportDevice([
    row(0, { handshakeMs: 100, path: "direct" }),
    row(1, { handshakeMs: 300, path: "relay" }),
    { ...down(2), handshakeMs: 9_000, path: "relay" },
  ], WINDOW);
  assertEquals(report.handshake, { p50: 100, p90: 300, p99: 300 });
  assertEquals(report.relayShare, 2 / 3);
});

Deno.test("percentages are never rounded up to all", () => {
  assertEquals([1, 0.99999, 0.5, 0].map(percent), ["100 %", "99.99 %", "50.00 %", "0.00 %"]);
  assertEquals([0, 1_000, 90_000, 3_600_000 * 52, 86_400_000 * 3].map(span), [
    "0s",
    "1s",
    "1m30s",
    "2d4h",
    "3d",
  ]);
});

const HOSTILE = `<img src=x onerror="alert(1)">&`;

function fleet(): FleetReport {
  const history = [
    [row(0, { handshakeMs: 1_900, path: "relay" }), row(10, { handshakeMs: 2_100 })],
    [row(0, { id: "b", device: HOSTILE }), {
      ...down(10),
      id: "b",
      device: HOSTILE,
      message: HOSTILE,
    }],
  ];
  return { ...reportFleet(history, WINDOW), broken: 2 };
}

Deno.test("the worst devices of a fleet come first", () => {
  const report = fleet();
  assertEquals(report.devices.map(({ device }) => device), [HOSTILE, "gate"]);
  assertEquals(report.checks, 4);
  assert(report.availability! > 0.5 && report.availability! < 1);
  const lines = reportLines(report);
  assertStringIncludes(lines[0]!, "2 devices, 4 checks, up ");
  assertStringIncludes(lines[1]!, "2 lines of the history could not be read");
  assertStringIncludes(lines.join("\n"), "handshake 1.9s/2.1s/2.1s (p50/p90/p99)");
  const json = reportJson(report).map((line) => JSON.parse(line));
  assertEquals(json.map(({ event }) => event), ["device", "device", "report"]);
  assertEquals(json[0].outages[0].from, "2026-01-01T00:10:00.000Z");
});

Deno.test("the page needs nothing else, shows charts, and obeys no device", () => {
  const page = reportPage(fleet());
  assert(page.startsWith("<!doctype html>"));
  assert(!/<script|<link|<iframe|https?:|url\(|@import/i.test(page));
  assert(!page.includes("<img"));
  assertStringIncludes(page, "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;");
  assertEquals(page.match(/<svg /g)?.length, 3);
  assertStringIncludes(page, "Content-Security-Policy");
  assertStringIncludes(page, "lasting, 0s");
  const [opened, closed] = [
    /<(table|tr|td|th|svg|div|h2)[\s>]/g,
    /<\/(table|tr|td|th|svg|div|h2)>/g,
  ]
    .map((tag) => page.match(tag)?.length);
  assertEquals(opened, closed);
});

Deno.test("a report over nothing is a page, too", () => {
  const page = reportPage({ ...reportFleet([], WINDOW), broken: 0 });
  assertStringIncludes(page, "Availability of 0 devices");
  assertStringIncludes(page, "<p>None.</p>");
});
