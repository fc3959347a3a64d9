/**
 * The tunnel outlives its session: parts of the world die and come back while the program runs.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { LOGIN, readyPort, SERIAL, Stage } from "../support/stage.ts";
import { runCycles } from "../support/uptime_cycles.ts";
import type { Running } from "../support/program.ts";

/** Cool-downs of a test: seconds instead of half a minute. */
const QUICK = ["--retry-min", "100ms", "--retry-max", "500ms", "--session-cooldown", "200ms"];

const ENV = {
  DAHUA_P2P_USERNAME: LOGIN.username,
  DAHUA_P2P_PASSWORD: LOGIN.password,
};

/** The camera itself speaks: it wants a login even for OPTIONS. */
const REACHED = "RTSP/1.0 401 Unauthorized";

/** The nth line of stdout that starts with a word; waits for it. */
async function nth(program: Running, word: string, n: number): Promise<string> {
  return await program.line(new RegExp(`^${word} `), n);
}

/** What a player without FFmpeg's patience sees: the status line for one OPTIONS. */
async function options(port: number): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = "OPTIONS rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 1\r\n\r\n";
  await conn.write(new TextEncoder().encode(request));
  let text = "";
  const buffer = new Uint8Array(4096);
  for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
    text += new TextDecoder().decode(buffer.subarray(0, n));
    if (text.includes("\r\n\r\n")) break;
  }
  return text.split("\r\n")[0] ?? "";
}

for (const path of ["direct", "relay"] as const) {
  Deno.test(`a device that restarts is LOST and READY again over the ${path} path`, async () => {
    await using stage = await Stage.open();
    await using tunnel = stage.tunnel(
      ["-L", "0:554", "--path", path, "--heartbeat", "500ms", "--dead-after", "2s", ...QUICK],
      ENV,
    );
    const first = await nth(tunnel, "READY", 1);
    const port = readyPort(first);
    assertEquals(await options(port), REACHED);
    await stage.world.stop({ device: SERIAL });
    const lost = await nth(tunnel, "LOST", 1);
    assertMatch(lost, /^LOST name=EXA\.\.\.AL0 reason=peer-silent after=\S+ retry=\S+$/);
    const refused = await options(port);
    assertMatch(refused, /^RTSP\/1\.0 503 Service Unavailable \((peer-silent|device-offline), /);
    stage.world.start({ device: SERIAL });
    const second = await nth(tunnel, "READY", 2);
    assertEquals(readyPort(second), port);
    assertEquals(await options(port), REACHED);
    tunnel.signal("SIGTERM");
    const { code, stdout } = await tunnel.outcome;
    assertEquals(code, 0);
    assertEquals(stdout, `${first}\n${lost}\n${second}\n`);
  });
}

Deno.test("SIGHUP tries again at once, SIGUSR1 writes the status to standard error", async () => {
  await using stage = await Stage.open();
  await using tunnel = stage.tunnel([
    ...["-L", "0:554", "--heartbeat", "500ms", "--dead-after", "1s"],
    ...["--retry-min", "30s", "--session-cooldown", "10m"],
  ], ENV);
  await nth(tunnel, "READY", 1);
  tunnel.signal("SIGUSR1");
  await tunnel.errorLine(/^NAME +STATE +PATH /);
  assertMatch(
    await tunnel.errorLine(/^EXA\.\.\.AL0 /),
    /^EXA\.\.\.AL0 +up +direct +\S+ +\S+ms +0 +1 +127\.0\.0\.1:\d+>554 +-$/,
  );
  await stage.world.stop({ device: SERIAL });
  assertMatch(await nth(tunnel, "LOST", 1), / retry=10m$/);
  stage.world.start({ device: SERIAL });
  await stage.world.registered();
  tunnel.signal("SIGHUP");
  await nth(tunnel, "READY", 2);
  tunnel.signal("SIGINT");
  assertEquals((await tunnel.outcome).code, 0);
});

Deno.test("with --max-retries 0 the first loss is the end, with its reason's exit code", async () => {
  await using stage = await Stage.open();
  await using tunnel = stage.tunnel([
    ...["-L", "0:554", "--heartbeat", "500ms", "--dead-after", "1s", "--max-retries", "0"],
  ], ENV);
  await nth(tunnel, "READY", 1);
  await stage.world.stop({ device: SERIAL });
  const { code, stdout, stderr } = await tunnel.outcome;
  assertEquals(code, 75);
  assertMatch(stdout, /\nLOST name=EXA\.\.\.AL0 reason=peer-silent after=\S+\n$/);
  assertMatch(stderr, /error\[peer-silent\] EXA\.\.\.AL0: Nothing came from the device for /);
});

Deno.test("with --max-retries a first session is waited for, and clients are told so", async () => {
  await using stage = await Stage.open({ device: { isOnline: false } });
  const { port } = freePort();
  await using tunnel = stage.tunnel(["-L", `${port}:554`, "--max-retries", "2", ...QUICK], ENV);
  await tunnel.errorLine(/warning\[device-offline\]/);
  assertMatch(await options(port), /^RTSP\/1\.0 503 Service Unavailable \(device-offline, /);
  const { code, stdout, stderr } = await tunnel.outcome;
  assertEquals([code, stdout], [69, ""]);
  assertEquals(stderr.match(/error\[device-offline\]/g)?.length, 1);
});

Deno.test("a login that is refused later is not tried again", async () => {
  await using stage = await Stage.open({ device: { authType: 1 } });
  await using tunnel = stage.tunnel([
    ...["-L", "0:554", "--heartbeat", "500ms", "--dead-after", "1s", ...QUICK],
  ], ENV);
  await nth(tunnel, "READY", 1);
  await stage.world.stop({ device: SERIAL });
  await nth(tunnel, "LOST", 1);
  const judged = stage.world.counters.authTransactions;
  // Somebody changes it at the device.
  Object.assign(stage.world.device(SERIAL).profile, { password: "another1" });
  stage.world.start({ device: SERIAL });
  const { code, stderr } = await tunnel.outcome;
  assertEquals(code, 77);
  assertMatch(stderr, /error\[auth-rejected\] EXA\.\.\.AL0: /);
  assertEquals(stage.world.counters.authTransactions, judged + 1);
});

Deno.test("whatever dies while a player plays, its picture comes back and nothing is left over", async () => {
  const { sessions, plays, held: [before, , after] } = await runCycles(7, 5);
  assert(sessions > 3, `${sessions} sessions`);
  assert(plays >= sessions, `${plays} plays`);
  // The open files of this process are the world's, too: sessions that it has not forgotten yet.
  assert(after.files <= before.files + 2, `${before.files} open files, then ${after.files}`);
});

/** A port that was free a moment ago. */
function freePort(): { readonly port: number } {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { port: (listener.addr as Deno.NetAddr).port };
}
