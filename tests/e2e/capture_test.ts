import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertPlayed, play } from "../support/player.ts";
import { runProgram } from "../support/program.ts";
import { LOGIN, readyPort, SERIAL, Stage } from "../support/stage.ts";

const ENV = { DAHUA_P2P_USERNAME: LOGIN.username, DAHUA_P2P_PASSWORD: LOGIN.password };

/** Plays a little through the program, which captures it. */
async function capture(file: string, args: readonly string[]): Promise<void> {
  await using stage = await Stage.open({ device: { authType: 1 }, camera: { speed: 4 } });
  await using tunnel = stage.tunnel(["-L", "0:554", "--capture", file, ...args], ENV);
  const port = readyPort(await tunnel.line(/^READY /));
  const url = `rtsp://${LOGIN.username}:${LOGIN.password}@127.0.0.1:${port}` +
    "/cam/realmonitor?channel=1&subtype=1";
  assertPlayed(await play(url, 30), 30);
  tunnel.signal("SIGTERM");
  assertEquals((await tunnel.outcome).code, 0);
}

async function tshark(file: string, ...args: readonly string[]): Promise<string[]> {
  const lua = new URL("../../scripts/wireshark/dahua-p2p.lua", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command("tshark", {
    args: ["-X", `lua_script:${lua}`, "-r", file, ...args],
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

async function temporaryCapture(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempFile({ suffix: ".pcapng" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

Deno.test("a capture of a real run is dissected whole and holds no login", async () => {
  await using file = await temporaryCapture();
  await capture(file.path, []);
  assertEquals((await Deno.stat(file.path)).mode! & 0o077, 0);
  const text = new TextDecoder("latin1").decode(await Deno.readFile(file.path));
  for (const secret of [LOGIN.password, SERIAL, 'username="admin"']) {
    assert(!text.includes(secret), `${secret} is in the capture`);
  }
  const protocols = new Set(
    (await tshark(file.path, "-T", "fields", "-e", "frame.protocols")).join("\n").match(/\w+/g),
  );
  for (const protocol of ["dahua_p2p", "xml", "rtsp", "rtp"]) {
    assert(protocols.has(protocol), `no ${protocol} among ${[...protocols]}`);
  }
  // What x264 wrote into its parameter sets is beyond some versions of tshark; all else is not.
  assertEquals(await tshark(file.path, "-Y", "_ws.malformed && !sdp && !rtp"), []);
  const methods = await tshark(file.path, "-Y", "rtsp.method", "-T", "fields", "-e", "rtsp.method");
  assert(methods.some((line) => line.includes("PLAY")), methods.join(" "));
  const decoded = await runProgram(["decode", file.path]);
  assertEquals(decoded.code, 0, decoded.stderr);
  assertMatch(decoded.stdout, /DHGET \/probe\/p2psrv/);
  assertMatch(decoded.stdout, /phase ready/);
});

Deno.test("with --capture-secrets a capture is what the wire carried", async () => {
  await using file = await temporaryCapture();
  await capture(file.path, ["--capture-secrets"]);
  const text = new TextDecoder("latin1").decode(await Deno.readFile(file.path));
  assert(text.includes(SERIAL));
  assert(!text.includes(LOGIN.password), "the password never crosses the wire in clear");
});

Deno.test("a capture that cannot be written is a configuration error before anything is sent", async () => {
  await using stage = await Stage.open();
  const { code, stderr } = await stage.tunnel([
    ...["-L", "0:554", "--capture", "/no/such/folder/x.pcapng"],
  ]).outcome;
  assertEquals(code, 78);
  assertMatch(stderr, /error\[config\].*x\.pcapng/);
  assertEquals(stage.world.counters.requests["online/p2psrv"], 0);
});

Deno.test("a file that is no capture is refused with the protocol's code", async () => {
  const { code, stderr, stdout } = await runProgram(["decode", "README.md"]);
  assertEquals([code, stdout], [76, ""]);
  assertMatch(stderr, /error\[protocol\].*README\.md/);
});
