import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { WorldDevice } from "../../fixtures/world/options.ts";
import { checkDevice, type CheckDeviceOptions } from "../../lib/health/device_check.ts";
import type { CheckResult } from "../../lib/health/check_result.ts";
import type { RecordedDevice, TunnelRecord } from "../../lib/net/tunnel_record.ts";
import { LOGIN, SERIAL, Stage, type StageOptions } from "../support/stage.ts";

const OTHER = "EXAMPLE0SERIAL9";

function check(stage: Stage, options: CheckDeviceOptions = {}): Promise<CheckResult> {
  return checkDevice(SERIAL, {
    name: "front-door",
    cloud: { host: "127.0.0.1", port: stage.world.cloudPort },
    ...options,
  });
}

/** One check on a stage of its own. */
async function checkOn(
  stage: StageOptions,
  options: CheckDeviceOptions = {},
  after: (stage: Stage, result: CheckResult) => void = () => {},
): Promise<CheckResult> {
  await using opened = await Stage.open(stage);
  const result = await check(opened, options);
  after(opened, result);
  return result;
}

Deno.test("at level cloud the device hears nothing of the check", async () => {
  const result = await checkOn({}, { level: "cloud" }, ({ world }) => {
    const { requests } = world.counters;
    assertEquals(requests["online/p2psrv"], 1);
    assertEquals(requests["probe/device"], 1);
    assertEquals(requests["p2p-channel"] + requests["relay-channel"], 0);
    assertEquals(requests["relay/agent"] + requests["online/relay"], 0);
    assertEquals(world.counters.sessionsOpened, 0);
  });
  assertEquals(result.state, "up");
  assertEquals(result.reason, "ok");
  assertEquals(result.reached, "cloud");
  assertEquals(result.source, "cloud");
  assertEquals(result.version, "6.3.0");
  assertEquals(result.path, undefined);
  assert(result.phases.lookup !== undefined);
});

Deno.test("at level session the path is known and the session is closed again", async () => {
  await using stage = await Stage.open();
  const result = await check(stage, { level: "session" });
  assertEquals(result.state, "up");
  assertEquals(result.path, "direct");
  assertEquals(result.version, "6.3.0");
  assertEquals(result.policy, ["p2p", "udprelay"]);
  assertEquals(result.packetsLost, 0);
  assert(stage.world.counters.sessionsOpened > 0);
  assertEquals(stage.world.counters.binds, 0);
  assertEquals(stage.world.counters.openLeases, 0);
});

Deno.test("at level port every port asked for must be granted", async () => {
  const result = await checkOn({}, { level: "port", ports: [554, 80] });
  assertEquals(result.state, "down");
  assertEquals(result.reason, "port-closed");
  assertEquals(result.reached, "session");
  assertEquals(result.ports, [{ port: 554, answer: "granted" }, { port: 80, answer: "refused" }]);
  const all = await checkOn({}, { level: "port", ports: [554] });
  assertEquals(all.state, "up");
  assertEquals(all.reached, "port");
});

Deno.test("without credentials a 401 means that RTSP is reachable", async () => {
  const result = await checkOn({}, {}, ({ camera, world }) => {
    assertEquals(camera.stats.requests, { OPTIONS: 1 });
    assertEquals(camera.stats.failedLogins, 0);
    assertEquals(world.counters.authTransactions, 0);
  });
  assertEquals(result.state, "up");
  assertEquals(result.rtspStatus, 401);
  assertEquals(result.reached, "rtsp");
  assertStringIncludes(result.message, "rtsp 401 (reachable)");
});

Deno.test("with credentials the streams are described", async () => {
  const result = await checkOn({}, { credentials: LOGIN });
  assertEquals(result.state, "up", result.message);
  const [channel] = result.channels ?? [];
  assertEquals(channel?.channel, 1);
  assertEquals(channel?.media.map(({ kind, codec }) => [kind, codec]), [
    ["video", "H264"],
    ["audio", "PCMA"],
  ]);
  assert((channel?.media[0]?.size?.width ?? 0) >= 16);
});

Deno.test("at level media the first key frame, the frame rate and the bits are measured", async () => {
  const result = await checkOn({ camera: { speed: 4 } }, {
    level: "media",
    credentials: LOGIN,
    measureMs: 800,
  });
  assertEquals(result.state, "up", result.message);
  assertEquals(result.reached, "media");
  const media = result.media!;
  assert(media.keyFrameMs !== undefined && media.keyFrameMs < 2_000);
  assert(media.frames > 5);
  assert(media.framesPerSecond > 1 && media.framesPerSecond < 100, `${media.framesPerSecond}`);
  assert(media.bitsPerSecond > 0);
  assertEquals(media.packetsMissing, 0);
  assertEquals(media.packetsBroken, 0);
});

interface Case {
  readonly what: string;
  readonly reason: string;
  readonly state?: "unknown";
  readonly stage?: StageOptions;
  readonly device?: WorldDevice;
  readonly serial?: string;
  readonly options?: CheckDeviceOptions;
}

const WRONG = { username: "admin", password: "not-the-one" };

const CASES: readonly Case[] = [
  { what: "a serial nobody knows", reason: "device-unknown", serial: OTHER },
  {
    what: "a serial nobody knows, at level cloud",
    reason: "device-unknown",
    serial: OTHER,
    options: { level: "cloud" },
  },
  { what: "a device that is off", reason: "device-offline", device: { isOnline: false } },
  {
    what: "a device that is off, at level cloud",
    reason: "device-offline",
    device: { isOnline: false },
    options: { level: "cloud" },
  },
  {
    what: "a cloud that has retired our key",
    reason: "app-rejected",
    stage: { world: { cloud: { apps: [] } } },
    options: { level: "cloud" },
  },
  { what: "a device that wants a login", reason: "auth-required", device: { authType: 1 } },
  {
    what: "a wrong password",
    reason: "auth-rejected",
    device: { authType: 1 },
    options: { credentials: WRONG },
  },
  {
    what: "a wrong password for RTSP only",
    reason: "rtsp-unauthorized",
    options: { credentials: WRONG },
  },
  {
    what: "a right password that RTSP answers 401",
    reason: "rtsp-limit",
    device: { authType: 1 },
    stage: { camera: { maxLogins: 0 } },
    options: { credentials: LOGIN },
  },
  {
    what: "RTSP that turns right logins away with 403",
    reason: "rtsp-limit",
    stage: { camera: { maxLogins: 0, limitStatus: 403 } },
    options: { credentials: LOGIN },
  },
  {
    what: "a channel there is not",
    reason: "rtsp-not-found",
    options: { credentials: LOGIN, channels: [1, 77] },
  },
  {
    what: "media without the login that it needs",
    reason: "rtsp-unauthorized",
    options: { level: "media" },
  },
];

for (const { what, reason, state, stage, device, serial, options } of CASES) {
  Deno.test(`${what} is ${reason}`, async () => {
    await using opened = await Stage.open({ ...stage, device });
    const result = await checkDevice(serial ?? SERIAL, {
      cloud: { host: "127.0.0.1", port: opened.world.cloudPort },
      ...options,
    });
    assertEquals(result.reason, reason, result.message);
    assertEquals(result.state, state ?? "down");
    assertMatch(result.message, /^[A-Z].*[.!?]$/);
  });
}

Deno.test("a locked account is asked once, without a login", async () => {
  await using stage = await Stage.open({ camera: { lockoutAfter: 1 } });
  const first = await check(stage, { credentials: WRONG });
  assertEquals(first.reason, "rtsp-unauthorized");
  const second = await check(stage, { credentials: LOGIN });
  assertEquals(second.reason, "lockout");
  assertEquals(stage.camera.stats.failedLogins, 1);
});

Deno.test("a wrong password is judged by the device exactly once", async () => {
  await checkOn({ device: { authType: 1 } }, { credentials: WRONG }, ({ world, camera }) => {
    assertEquals(world.counters.authTransactions, 1);
    assertEquals(world.counters.requests["p2p-channel"], 1);
    assertEquals(world.counters.requests["relay-channel"], 0);
    assertEquals(camera.stats.connections, 0);
  });
  await checkOn({}, { credentials: WRONG }, ({ camera }) => {
    assertEquals(camera.stats.failedLogins, 1);
  });
});

Deno.test("a right login is sent once for the tunnel and once for RTSP", async () => {
  await checkOn({ device: { authType: 1 } }, { credentials: LOGIN }, ({ world, camera }) => {
    assertEquals(world.counters.authFailures.DevPwd_InvalidDigest, 0);
    assertEquals(camera.stats.failedLogins, 0);
    assertEquals(camera.stats.logins, 1);
  });
});

Deno.test("time that is up ends a check, and the phases tell where it stood", async () => {
  const result = await checkOn(
    { device: { silent: ["channel"] } },
    { timeoutMs: 1_000 },
  );
  assertEquals(result.state, "down");
  assert(["device-silent", "handshake-timeout"].includes(result.reason), result.reason);
  assert(result.durationMs < 3_000);
  assert(result.phases.lookup !== undefined);
  assertEquals(result.reached, "cloud");
});

Deno.test("a device that grants RTSP and says nothing is found out", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const conn of listener) accepted.push(conn);
  })();
  const { port } = listener.addr as Deno.NetAddr;
  await using stage = await Stage.open({
    services: new Map([[554, { hostname: "127.0.0.1", port }]]),
  });
  const result = await check(stage, { timeoutMs: 1_500 });
  assertEquals(result.state, "down");
  assertEquals(result.reached, "port");
  assertEquals(result.reason, "handshake-timeout");
  listener.close();
  await accepting;
  for (const conn of accepted) conn.close();
});

/** A check of a device for which a tunnel runs that says this of itself. */
async function checkTunnel(
  device: Partial<RecordedDevice>,
  options: CheckDeviceOptions = {},
): Promise<CheckResult> {
  const record: TunnelRecord = {
    pid: 4711,
    serialHash: "",
    writtenAt: 0,
    device: { state: "up", path: "relay", ports: [], ...device },
  };
  // No world: whoever opened a session or asked the cloud would fail.
  const cloud = { host: "127.0.0.1", port: 9 };
  return await checkDevice(SERIAL, { cloud, findTunnel: () => record, ...options });
}

Deno.test("a running tunnel is believed about its session, and no other is opened", async () => {
  const up = await checkTunnel({ rttMs: 40, version: "6.3.0" }, { level: "session" });
  assertEquals([up.state, up.source, up.path, up.roundTripMs], ["up", "tunnel", "relay", 40]);
  const connecting = await checkTunnel({ state: "connecting" });
  assertEquals([connecting.state, connecting.reason], ["down", "starting"]);
  assertStringIncludes(connecting.message, "pid 4711");
  const down = await checkTunnel({
    state: "waiting",
    reason: "peer-silent",
    message: "Nothing came from the device for 30s.",
  });
  assertEquals([down.state, down.reason, down.source], ["down", "peer-silent", "tunnel"]);
  assertStringIncludes(down.message, "Nothing came from the device for 30s.");
});

Deno.test("a running tunnel's word on ports is taken, and its local port is tried", async () => {
  const closed = { port: "127.0.0.1:1", remote: 554, granted: true };
  const refused = await checkTunnel({ ports: [{ ...closed, granted: false }] });
  assertEquals([refused.state, refused.reason], ["down", "port-closed"]);
  const gone = await checkTunnel({ ports: [closed] });
  assertEquals([gone.state, gone.reason, gone.reached], ["down", "starting", "port"]);
  const untested = await checkTunnel({ ports: [] });
  assertEquals([untested.state, untested.reached], ["up", "session"]);
  assertEquals(untested.ports, [{ port: 554, answer: "untested" }]);
  await using stage = await Stage.open();
  const port = `0.0.0.0:${stage.camera.port}`;
  const through = await checkTunnel({ ports: [{ port, remote: 554, granted: true }] });
  assertEquals([through.state, through.reached, through.rtspStatus], ["up", "rtsp", 401]);
});
