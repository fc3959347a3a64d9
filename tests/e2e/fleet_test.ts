/**
 * `dahua-p2p run`: many devices in one process, on real sockets.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type RunningWorld, startWorld } from "../../fixtures/world/deno_shell.ts";
import type { WorldDevice } from "../../fixtures/world/options.ts";
import { type Running, runProgram, startProgram } from "../support/program.ts";

const SERIALS = ["EXAMPLE0SERIAL0", "EXAMPLE0SERIAL1", "EXAMPLE0SERIAL2"] as const;

/** A service that greets, three devices in front of it, and a folder for configurations. */
interface Scene extends AsyncDisposable {
  readonly world: RunningWorld;
  readonly folder: string;
  /** Writes the configuration; `devices` by name. */
  write(devices: Readonly<Record<string, string>>, more?: string): string;
}

async function scene(changes: readonly WorldDevice[] = []): Promise<Scene> {
  const service = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const greeting = (async () => {
    for await (const conn of service) {
      await conn.write(new TextEncoder().encode("hello")).catch(() => {});
      conn.close();
    }
  })();
  const services = new Map([
    [80, { hostname: "127.0.0.1", port: (service.addr as Deno.NetAddr).port }],
  ]);
  const world = await startWorld({
    devices: SERIALS.map((serial, i) => ({
      serial,
      services,
      registerIntervalMs: 200,
      ...changes[i],
    })),
    // A device that went away is soon known to be offline.
    cloud: { registrationLifetimeMs: 600 },
  });
  const folder = await Deno.makeTempDir();
  return {
    world,
    folder,
    write: (devices, more = ""): string => {
      const path = `${folder}/p2p.yaml`;
      Deno.writeTextFileSync(
        path,
        `defaults:
  cloud: "127.0.0.1:${world.cloudPort}"
  heartbeat: 500ms
  dead_after: 1s
  retry_min: 100ms
  retry_max: 400ms
  session_cooldown: 200ms
${more}
devices:
${Object.entries(devices).map(([name, rest]) => `  ${name}: { ${rest} }\n`).join("")}`,
      );
      return path;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await world.close();
      service.close();
      await greeting.catch(() => {});
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const device = (i: number, more = ""): string =>
  `serial: ${SERIALS[i]}, ports: "0:80"${more === "" ? "" : `, ${more}`}`;

const run = (config: string, ...args: string[]): Running =>
  startProgram(["run", "--config", config, "--no-state", ...args]);

async function greeted(ready: string): Promise<string> {
  const port = Number(/ port=127\.0\.0\.1:(\d+) /.exec(ready)![1]);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(64);
  const length = await conn.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length));
}

async function stop(program: Running): Promise<void> {
  program.signal("SIGTERM");
  assertEquals((await program.outcome).code, 0);
}

Deno.test("a device that is down costs the others nothing, and comes when it comes", async () => {
  await using at = await scene();
  await at.world.stop({ device: SERIALS[1] });
  const config = at.write({ door: device(0), shed: device(1), barn: device(2) }, "http: 0");
  await using program = run(config);
  const door = await program.line(/^READY name=door /);
  await program.line(/^READY name=barn /);
  await program.errorLine(/warning\[device-offline\] shed: /);
  assertEquals(await greeted(door), "hello");

  const address = (await program.errorLine(/Status page on http:\/\/(\S+)\/status/))
    .replace(/.*http:\/\/(\S+)\/status.*/, "$1");
  const statusOf = async (path: string): Promise<number> => {
    const response = await fetch(`http://${address}${path}`);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await statusOf("/readyz"), 200);
  assertEquals(await statusOf("/readyz?all"), 503);
  assertEquals(await statusOf("/readyz?device=shed"), 503);
  const ready = await runProgram(["ready", "--http", address]);
  assertEquals([ready.code, ready.stdout], [0, ""]);
  assertEquals((await runProgram(["ready", "--http", address, "shed"])).code, 1);
  assertEquals((await runProgram(["ready", "--http", address, "--all"])).code, 1);

  at.world.start({ device: SERIALS[1] });
  assertEquals(await greeted(await program.line(/^READY name=shed /)), "hello");
  assertEquals(await statusOf("/readyz?all"), 200);
  const status = await runProgram(["status", "--http", address]);
  assertEquals(status.code, 0);
  assertMatch(status.stdout, /^NAME +STATE +PATH.*\ndoor +up +direct.*\nshed +up.*\nbarn +up.*\n$/);
  await stop(program);
});

Deno.test("each device is LOST and READY by its name", async () => {
  await using at = await scene();
  await using program = run(at.write({ door: device(0), shed: device(1) }));
  const first = await program.line(/^READY name=door /);
  await program.line(/^READY name=shed /);
  await at.world.stop({ device: SERIALS[0] });
  await program.line(/^LOST name=door reason=peer-silent after=\S+ retry=\S+$/);
  at.world.start({ device: SERIALS[0] });
  assertEquals(
    (await program.line(/^READY name=door /, 2)).replace(/ rtt=.*/, ""),
    first.replace(/ rtt=.*/, ""),
    "on the same local port",
  );
  program.signal("SIGTERM");
  const { stdout } = await program.outcome;
  assert(!/LOST name=shed/.test(stdout));
});

Deno.test("SIGHUP reads the configuration again: what is unchanged keeps its session", async () => {
  await using at = await scene();
  await using program = run(at.write({ door: device(0), shed: device(1) }));
  await program.line(/^READY name=door /);
  await program.line(/^READY name=shed /);
  const opened = at.world.counters.sessionsOpened;
  at.write({ door: device(0), shed: device(1, "path: relay"), barn: device(2) });
  program.signal("SIGHUP");
  await program.errorLine(/Devices: 1 started, 1 restarted, 0 stopped, 1 unchanged\./);
  await program.line(/^READY name=barn /);
  await program.line(/^READY name=shed .* path=relay /);
  assert(at.world.counters.sessionsOpened > opened);
  // A file that is wrong changes nothing.
  Deno.writeTextFileSync(`${at.folder}/p2p.yaml`, "devices: { door: { serial: short } }\n");
  program.signal("SIGHUP");
  await program.errorLine(/p2p\.yaml:1: devices\.door\.serial: The serial has 5 characters/);
  at.write({ barn: device(2) });
  program.signal("SIGHUP");
  await program.errorLine(/Devices: 0 started, 0 restarted, 2 stopped, 1 unchanged\./);
  program.signal("SIGTERM");
  const { stdout, code } = await program.outcome;
  assertEquals(code, 0);
  assertEquals(stdout.match(/^READY name=door /gm)?.length, 1);
  assertEquals(stdout.match(/^LOST /gm), null, "a clean stop is no loss");
});

Deno.test("a login that is refused is tried once, whatever the other devices do", async () => {
  await using at = await scene([{ authType: 1 }]);
  const config = at.write({
    door: device(0, "user: admin, password: wrong, auth_retry: never"),
    shed: device(1),
  });
  await using program = run(config);
  await program.errorLine(/error\[auth-rejected\] door: /);
  await program.line(/^READY name=shed /);
  assertEquals(at.world.counters.authTransactions, 1);
  await stop(program);
});

Deno.test("when every device is given up the process ends with the reason's code", async () => {
  await using at = await scene([{ authType: 1 }]);
  const config = at.write({ door: device(0, "user: admin, password: no, auth_retry: never") });
  const { code, stdout } = await run(config).outcome;
  assertEquals([code, stdout], [77, ""]);
});

Deno.test("named devices alone are run; a name that is none is a usage error", async () => {
  await using at = await scene();
  const config = at.write({ door: device(0), shed: device(1) });
  await using program = run(config, "shed");
  await program.line(/^READY name=shed /);
  await stop(program);
  assert(!(await program.outcome).stdout.includes("door"));
  const { code, stderr } = await run(config, "barn").outcome;
  assertEquals(code, 64);
  assertMatch(stderr, /It has: door, shed\./);
});

Deno.test("a status file tells other programs, and is old news once the process is gone", async () => {
  await using at = await scene();
  const file = `${at.folder}/status.json`;
  await using program = run(at.write({ door: device(0) }, `status_file: ${file}`));
  await program.line(/^READY name=door /);
  while (!Deno.readTextFileSync(file).includes('"ready": 1')) {
    await new Promise((wake) => setTimeout(wake, 20));
  }
  assertEquals((await runProgram(["ready", "--status-file", file])).code, 0);
  const { stdout } = await runProgram(["status", "--json", "--status-file", file]);
  assertEquals(JSON.parse(stdout).devices[0].name, "door");
  assert(!stdout.includes(SERIALS[0]));
  await stop(program);
  const text = Deno.readTextFileSync(file);
  Deno.writeTextFileSync(file, text.replace(/"written": "[^"]*"/, '"written": "2020-01-01"'));
  assertEquals((await runProgram(["ready", "--status-file", file])).code, 1);
});

Deno.test("config check says all that is wrong, with lines, and exits 78", async () => {
  await using at = await scene();
  const config = at.write({ door: `${device(0)}, pasth: relay`, shed: "ports: []" });
  const { code, stdout, stderr } = await runProgram(["config", "check", "--config", config]);
  assertEquals([code, stdout], [78, ""]);
  assertMatch(stderr, /p2p\.yaml:10: devices\.door\.pasth: Unknown key\. Did you mean path\?/);
  assertEquals(stderr.trimEnd().split("\n").length, 3);
  const good = await runProgram(["config", "check", "--config", at.write({ door: device(0) })]);
  assertEquals([good.code, good.stdout], [0, "door EXA...AL0 127.0.0.1:0>80\n"]);
  assertEquals((await run(`${at.folder}/none.yaml`).outcome).code, 78);
});
