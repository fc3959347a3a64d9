import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type CheckResult, summarize } from "../../lib/health/check_result.ts";
import { junit } from "../../lib/health/junit.ts";
import { nagiosReport, nagiosUnknown } from "../../lib/health/nagios.ts";
import { resultJson, summaryJson } from "../../lib/health/result_json.ts";
import { lineStyle, resultLine, summaryLine } from "../../lib/health/result_line.ts";
import { textfile } from "../../lib/health/textfile.ts";
import { SchemaCheck } from "../support/schema_check.ts";

const UP: CheckResult = {
  device: "front-door",
  id: "0011223344556677",
  state: "up",
  reason: "ok",
  message: "direct, rtsp 401 (reachable)",
  level: "rtsp",
  reached: "rtsp",
  source: "session",
  startedAt: 1_700_000_000_000,
  durationMs: 2_345,
  phases: { lookup: 120, session: 1_900, rtsp: 2_110 },
  handshakeMs: 1_900,
  path: "direct",
  pathWanted: "auto",
  version: "6.3.0",
  policy: ["p2p", "udprelay"],
  roundTripMs: 38,
  packetsLost: 0,
  packetsResent: 1,
  ports: [{ port: 554, answer: "granted" }],
  rtspStatus: 401,
  warnings: [],
};

const RELAY: CheckResult = {
  ...UP,
  device: "gate",
  path: "relay",
  channels: [{
    channel: 1,
    present: true,
    media: [{
      kind: "video",
      codec: "H265",
      clockRate: 90_000,
      size: { width: 2560, height: 1440 },
    }],
  }],
  media: {
    keyFrameMs: 412,
    firstPacketMs: 30,
    frames: 125,
    framesPerSecond: 25,
    bitsPerSecond: 2_100_000,
    packets: 900,
    packetsMissing: 0,
    packetsBroken: 0,
  },
  warnings: [{ reason: "punch-failed", what: "No direct path.", advice: "Expect less." }],
};

const DOWN: CheckResult = {
  device: 'shop | "nvr"\n<1>',
  id: "8899aabbccddeeff",
  state: "down",
  reason: "device-offline",
  message: "Cloud knows the device but it is offline | power.\nLook.",
  level: "rtsp",
  source: "session",
  startedAt: 1_700_000_000_000,
  durationMs: 120,
  phases: { lookup: 100 },
  warnings: [],
};

const UNKNOWN: CheckResult = { ...DOWN, device: "back", state: "unknown", reason: "busy" };

Deno.test("lines for people stand in columns and are coloured only when asked", () => {
  const style = lineStyle(["front-door", "gate"], "off");
  assertEquals(
    resultLine(UP, style),
    "front-door  up       direct    38ms    2.3s  direct, rtsp 401 (reachable)",
  );
  assertEquals(
    resultLine(RELAY, style),
    "gate        up       relay     38ms    2.3s  direct, rtsp 401 (reachable)" +
      " [punch-failed: No direct path.]",
  );
  assert(resultLine(DOWN, style).includes("down     -            -   120ms  device-offline: "));
  assertStringIncludes(resultLine(UP, { ...style, color: "on" }), "\x1b[32mup     \x1b[0m");
  assertEquals(lineStyle(["x".repeat(99)], "off").nameWidth, 32);
});

Deno.test("the summary says how many are up and what the others are", () => {
  assertEquals(summaryLine(summarize([UP, RELAY])), "2/2 up");
  assertEquals(summaryLine(summarize([UP, DOWN, UNKNOWN])), "1/3 up (1 down, 1 unknown)");
  assertEquals(summaryLine(summarize([])), "0/0 up");
});

Deno.test("JSON lines are as the schema says, whatever was found", async () => {
  const schema = await SchemaCheck.load(
    new URL("../../lib/health/check_result.schema.json", import.meta.url),
  );
  for (const result of [UP, RELAY, DOWN, UNKNOWN]) {
    const line = resultJson(result);
    assert(!line.includes("\n"));
    assertEquals(schema.problems(JSON.parse(line), "result"), []);
  }
  const summary = JSON.parse(summaryJson(summarize([UP, DOWN]), 69));
  assertEquals(schema.problems(summary, "summary"), []);
  assertEquals(JSON.parse(resultJson(RELAY)).warnings, [{
    reason: "punch-failed",
    message: "No direct path. Expect less.",
  }]);
});

Deno.test("a schema check that cannot fail would prove nothing", async () => {
  const schema = await SchemaCheck.load(
    new URL("../../lib/health/check_result.schema.json", import.meta.url),
  );
  const good = JSON.parse(resultJson(UP));
  assertEquals(schema.problems({ ...good, state: "fine" }, "result").length, 1);
  assertEquals(schema.problems({ ...good, surprise: 1 }, "result").length, 1);
  assertEquals(schema.problems({ ...good, durationMs: "1" }, "result").length, 1);
  const { id: _, ...lacking } = good;
  assertEquals(schema.problems(lacking, "result").length, 1);
});

Deno.test("Nagios is told one line and one of four codes", () => {
  assertEquals(nagiosReport([UP]), {
    line: "DAHUA-P2P OK - front-door direct, rtsp 401 (reachable) | handshake=1.900s;10;30 " +
      "rtsp=0.210s rtt=0.038s relay=0 up=1",
    exit: 0,
  });
  const relay = nagiosReport([RELAY]);
  assertEquals(relay.exit, 1);
  assertMatch(relay.line, /^DAHUA-P2P WARNING - gate relay in use, .*fps=25\.0 bitrate=262500B/);
  assertEquals(nagiosReport([{ ...RELAY, pathWanted: "relay" }]).exit, 0);
  assertEquals(nagiosReport([{ ...UP, handshakeMs: 10_000 }]).exit, 1);
  assertEquals(nagiosReport([{ ...UP, handshakeMs: 30_000 }]).exit, 2);
  const down = nagiosReport([DOWN]);
  assertEquals(down.exit, 2);
  assertEquals(down.line.split("|").length, 2);
  assert(!down.line.includes("\n"));
  assertEquals(nagiosReport([UNKNOWN]).exit, 3);
  assertEquals(nagiosReport([UP, UNKNOWN]).exit, 3);
  assertEquals(nagiosReport([UP, UNKNOWN, RELAY]).exit, 1);
  const many = nagiosReport([UP, DOWN, UNKNOWN, RELAY]);
  assertEquals(many.exit, 2);
  assertMatch(many.line, /^DAHUA-P2P CRITICAL - 2\/4 up; shop .* \| up=2;;;0;4 relay=1;;;0;4$/);
  assertEquals(nagiosUnknown("bad | flag").line, "DAHUA-P2P UNKNOWN - bad   flag");
});

Deno.test("metrics keep the rules of the textfile collector", () => {
  const text = textfile([UP, RELAY, DOWN], {
    endedAt: 1_700_000_005_250,
    durationMs: 5_250,
    exitCode: 69,
    version: "0.1.0",
  });
  assert(text.endsWith("\n"));
  const seen = new Set<string>();
  let current = "";
  for (const line of text.trimEnd().split("\n")) {
    const [, name] = /^(?:# (?:HELP|TYPE) )?([a-z0-9_]+)/.exec(line)!;
    if (name !== current) {
      // Samples of one family stand together, once.
      assert(!seen.has(name!), name);
      seen.add(name!);
      current = name!;
    }
    if (!line.startsWith("#")) {
      assertMatch(line, /^dahua_p2p_\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)+\})? -?\d+(\.\d+)?$/);
    }
  }
  assertStringIncludes(text, 'dahua_p2p_probe_success{device="front-door",level="rtsp"} 1\n');
  assertStringIncludes(text, 'device="shop | \\"nvr\\"\\n<1>",level="rtsp"} 0\n');
  assertStringIncludes(text, 'dahua_p2p_probe_duration_seconds{device="gate",phase="rtsp"} 2.11\n');
  assertStringIncludes(text, "dahua_p2p_check_last_run_timestamp_seconds 1700000005.25\n");
  assertStringIncludes(text, 'dahua_p2p_check_devices{state="down"} 1\n');
  assert(!text.includes(UP.id));
  const empty = textfile([], { endedAt: 1, durationMs: 1, exitCode: 78, version: "0.1.0" });
  assertStringIncludes(empty, "dahua_p2p_check_exit_code 78\n");
});

Deno.test("a JUnit report counts failures and errors and escapes what devices say", () => {
  const text = junit([UP, DOWN, UNKNOWN], 3_000);
  assertStringIncludes(text, '<testsuites tests="3" failures="1" errors="1" time="3.000">');
  assertStringIncludes(text, 'name="shop | &quot;nvr&quot;&#10;&lt;1&gt;"');
  assertStringIncludes(text, '<failure type="device-offline" message="Cloud knows');
  assertStringIncludes(text, '<error type="busy" ');
  assertStringIncludes(text, 'name="front-door" time="2.345"/>');
});
