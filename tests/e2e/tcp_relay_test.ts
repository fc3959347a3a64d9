import { assert, assertEquals, assertMatch } from "@std/assert";
import { bulkHash, download, startSink, startSource, upload } from "../support/bulk.ts";
import { assertPlayed, play } from "../support/player.ts";
import { LOGIN, readyPort, Stage } from "../support/stage.ts";

const MB = 1_000_000;
const POLICY = "p2p,udprelay,tcprelay";
const ENV = {
  DAHUA_P2P_USERNAME: LOGIN.username,
  DAHUA_P2P_PASSWORD: LOGIN.password,
};

function streamUrl(port: number): string {
  return `rtsp://${LOGIN.username}:${LOGIN.password}@127.0.0.1:${port}` +
    `/cam/realmonitor?channel=1&subtype=0`;
}

for (const authType of [0, 1] as const) {
  Deno.test(`ffmpeg decodes 300 frames over the tcp-relay path, authentication type ${authType}`, async () => {
    await using stage = await Stage.open({
      device: { authType, policy: POLICY },
      camera: { speed: 4 },
    });
    await using tunnel = stage.tunnel(["-L", "0:554", "--path", "tcp-relay"], ENV);
    const ready = await tunnel.line(/^READY /);
    assertMatch(ready, / path=tcp-relay /);
    const url = streamUrl(readyPort(ready));
    const [plain, tcp] = await Promise.all([
      play(url, 300),
      play(url, 300, ["-rtsp_transport", "tcp"]),
    ]);
    assertPlayed(plain, 300);
    assertPlayed(tcp, 300);
    const { counters } = stage.world;
    assertEquals([counters.tcpRelays, counters.allocations, counters.stunRequests], [1, 0, 0]);
    tunnel.signal("SIGINT");
    assertEquals((await tunnel.outcome).code, 0);
    assertEquals([counters.tcpRelays, counters.realmsOpen], [0, 0]);
  });
}

Deno.test("20 MB down and 20 MB up are byte-exact over the tcp-relay path", async () => {
  const bytes = 20 * MB;
  await using source = startSource(bytes, 7);
  await using sink = startSink(bytes);
  await using stage = await Stage.open({
    device: { policy: POLICY },
    services: new Map([[8001, source], [8002, sink]]),
  });
  await using tunnel = stage.tunnel(["-L", "0:8001", "-L", "0:8002", "--path", "tcp-relay"]);
  const downPort = readyPort(await tunnel.line(/^READY .* remote=8001 /));
  const upPort = readyPort(await tunnel.line(/^READY .* remote=8002 /));
  assertEquals(await download(downPort), { bytes, hash: bulkHash(bytes, 7) });
  assertEquals(await upload(upPort, bytes, 8), bulkHash(bytes, 8));
});

Deno.test("without direct path and relay, auto takes the TCP relay that the policy names, and says so", async () => {
  await using stage = await Stage.open({
    device: { policy: POLICY, paths: "direct", silent: ["never-punches"] },
    camera: { speed: 4 },
  });
  await using tunnel = stage.tunnel(["-L", "0:554"], ENV);
  const ready = await tunnel.line(/^READY /);
  assertMatch(ready, / path=tcp-relay /);
  assertPlayed(await play(streamUrl(readyPort(ready)), 30), 30);
  tunnel.signal("SIGTERM");
  const { code, stderr } = await tunnel.outcome;
  assertEquals(code, 0);
  assertMatch(stderr, /using the TCP relay, which is experimental/);
  assertEquals(stage.world.counters.openLeases, 0);
});

Deno.test("without direct path and relay, a device whose policy names no TCP relay is not reached", async () => {
  await using stage = await Stage.open({
    device: { paths: "direct", silent: ["never-punches"] },
  });
  await using tunnel = stage.tunnel(["-L", "0:554"], ENV);
  const { code, stderr } = await tunnel.outcome;
  assertEquals(code, 75);
  assertMatch(stderr, /relay-busy/);
  assertEquals(stage.world.counters.requests["tcprelay-channel"], 0);
});

Deno.test("a TCP relay that refuses, or that nobody runs, has its word and exit code", async () => {
  const table = [
    { world: { cloud: { tcpAgent: "refuses" } }, reason: /relay-busy.*refused us \(status 403\)/s },
    { world: { cloud: { tcpAgent: "closes" } }, reason: /relay-busy.*closed the connection/s },
    { world: { cloud: { tcpAgent: "garbage" } }, reason: /protocol/ },
    { device: { policy: "p2p,udprelay" }, reason: /relay-busy/ },
  ] as const;
  for (const { reason, ...options } of table) {
    await using stage = await Stage.open({ device: { policy: POLICY }, ...options });
    await using tunnel = stage.tunnel(["-L", "0:554", "--path", "tcp-relay"], ENV);
    const { code, stdout, stderr } = await tunnel.outcome;
    assertMatch(stderr, reason);
    assertEquals(stdout, "");
    assertEquals(code, String(reason) === "/protocol/" ? 76 : 75);
  }
});

Deno.test("an agent that is restarted is LOST and READY again over the tcp-relay path", async () => {
  await using stage = await Stage.open({
    device: { policy: POLICY },
    camera: { speed: 4 },
  });
  await using tunnel = stage.tunnel([
    ...["-L", "0:554", "--path", "tcp-relay"],
    ...["--session-cooldown", "100ms", "--retry-min", "100ms", "--retry-max", "200ms"],
  ], ENV);
  await tunnel.line(/^READY /);
  await stage.world.stop("agent");
  const lost = await tunnel.line(/^LOST /);
  assertMatch(lost, /reason=peer-silent/);
  stage.world.start("agent");
  const again = await tunnel.line(/^READY .* path=tcp-relay /, 2);
  assertPlayed(await play(streamUrl(readyPort(again)), 30), 30);
  assert(stage.world.counters.requests["tcprelay/client-bind"] >= 2);
  tunnel.signal("SIGTERM");
  assertEquals((await tunnel.outcome).code, 0);
});

Deno.test("a broken frame on the TCP relay resets the session, and the next one is READY", async () => {
  await using stage = await Stage.open({ device: { policy: POLICY } });
  await using tunnel = stage.tunnel([
    ...["-L", "0:554", "--path", "tcp-relay"],
    ...["--session-cooldown", "100ms", "--retry-min", "100ms", "--retry-max", "200ms"],
  ], ENV);
  await tunnel.line(/^READY /);
  stage.world.injectTcp(Uint8Array.of(0x23, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  assertMatch(await tunnel.line(/^LOST /), /reason=protocol/);
  await tunnel.line(/^READY .* path=tcp-relay /, 2);
  tunnel.signal("SIGTERM");
  assertEquals((await tunnel.outcome).code, 0);
});
