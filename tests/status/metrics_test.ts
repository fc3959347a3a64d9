import { assert, assertEquals } from "@std/assert";
import { type DeviceStatus, disabledStatus } from "../../lib/status/device_status.ts";
import { metricsText } from "../../lib/status/metrics.ts";

const FACTS = { version: "0.1.0", pid: 7, startedAt: 1_700_000_000_000 };

const UP: DeviceStatus = {
  ...disabledStatus("front-door"),
  state: "up",
  path: "direct",
  rttMs: 38,
  handshakeMs: 1900,
  sessions: 3,
  lostBy: { "peer-silent": 2 },
  failedBy: { "auth-rejected": 1, "device-offline": 4 },
  clients: 2,
  bytesIn: 1000,
  bytesOut: 20,
  retransmits: 5,
  lastReady: "2023-11-14T22:13:20.000Z",
};

Deno.test("every sample is under the HELP and TYPE of its metric, which come once", () => {
  const text = metricsText([UP, { ...UP, name: "b" }], FACTS);
  assert(text.endsWith("\n"));
  const described = [...text.matchAll(/^# TYPE (\S+) (gauge|counter)$/gm)].map(([, name]) => name);
  assertEquals(new Set(described).size, described.length);
  let current = "";
  for (const line of text.trimEnd().split("\n")) {
    const head = /^# (?:HELP|TYPE) (\S+)/.exec(line);
    if (head) current = head[1]!;
    else assert(line.startsWith(`${current}{`) || line.startsWith(`${current} `), line);
  }
});

Deno.test("a device that is up, in full", () => {
  const samples = metricsText([UP], FACTS).split("\n").filter((line) => !line.startsWith("#"));
  assertEquals(samples, [
    'dahua_p2p_build_info{version="0.1.0"} 1',
    "dahua_p2p_start_time_seconds 1700000000",
    'dahua_p2p_up{device="front-door"} 1',
    'dahua_p2p_path{device="front-door",path="direct"} 1',
    'dahua_p2p_sessions_total{device="front-door"} 3',
    'dahua_p2p_reconnects_total{device="front-door",reason="peer-silent"} 2',
    'dahua_p2p_attempt_failures_total{device="front-door",reason="auth-rejected"} 1',
    'dahua_p2p_attempt_failures_total{device="front-door",reason="device-offline"} 4',
    'dahua_p2p_auth_failures_total{device="front-door"} 1',
    'dahua_p2p_clients{device="front-door"} 2',
    'dahua_p2p_bytes_total{device="front-door",direction="in"} 1000',
    'dahua_p2p_bytes_total{device="front-door",direction="out"} 20',
    'dahua_p2p_retransmits_total{device="front-door"} 5',
    'dahua_p2p_rtt_seconds{device="front-door"} 0.038',
    'dahua_p2p_handshake_seconds{device="front-door"} 1.9',
    'dahua_p2p_last_ready_timestamp_seconds{device="front-door"} 1700000000',
    "",
  ]);
});

Deno.test("a device that is down says so; one that is not run says nothing", () => {
  const text = metricsText([
    { ...disabledStatus("down"), state: "waiting" },
    disabledStatus("disabled"),
  ], FACTS);
  assert(text.includes('dahua_p2p_up{device="down"} 0'));
  assert(!text.includes("dahua_p2p_rtt_seconds"));
  assert(!text.includes("disabled"));
});
