/**
 * Other clouds, other apps, and what the program remembers of them.
 */
import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { DOLYNK_CLOUD } from "../../fixtures/world/options.ts";
import { Memory } from "../../lib/core/memory.ts";
import type { Outcome } from "../support/program.ts";
import { SERIAL, Stage } from "../support/stage.ts";

/** A directory of its own for what a run remembers. */
class StateHome implements Disposable {
  readonly directory = Deno.makeTempDirSync();
  readonly path = `${this.directory}/dahua-p2p/devices.json`;
  readonly env = { DAHUA_P2P_NO_STATE: "", XDG_STATE_HOME: this.directory };

  /** What is remembered now. */
  get memory(): Memory {
    return Memory.parse(Deno.readTextFileSync(this.path), Date.now);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }
}

/** Runs the program until it is READY, then stops it. */
async function runOnce(
  stage: Stage,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  await using tunnel = stage.tunnel(["-L", "0:554", ...args], env);
  await tunnel.line(/^READY /);
  tunnel.signal("SIGTERM");
  const outcome = await tunnel.outcome;
  assertEquals(outcome.code, 0);
  return outcome;
}

Deno.test("a cloud of the DMSS kind is reached in its dialect, and remembered", async () => {
  await using stage = await Stage.open({ world: { cloud: DOLYNK_CLOUD } });
  using home = new StateHome();
  const { stderr } = await runOnce(stage, ["--dialect", "dmss"], home.env);
  assertFalse(/state file/.test(stderr), stderr);
  assertEquals(home.memory.recall(SERIAL), {
    cloud: stage.cloudArgument,
    dialect: "dmss",
    sign: "skip",
    path: "direct",
  });
  assertEquals(Deno.statSync(home.path).mode! & 0o777, 0o600);
  assertEquals(stage.world.counters.dialectRefusals, 0);
  await using other = stage.tunnel(["-L", "0:554"], home.env);
  const { code, stderr: refused } = await other.outcome;
  assertEquals(code, 77);
  assertMatch(refused, / error\[app-rejected\] /);
});

Deno.test("--no-state leaves nothing behind", async () => {
  await using stage = await Stage.open();
  using home = new StateHome();
  await runOnce(stage, ["--no-state"], home.env);
  assertEquals([...Deno.readDirSync(home.directory)], []);
});

Deno.test("a damaged state file costs one warning and not the tunnel", async () => {
  await using stage = await Stage.open();
  using home = new StateHome();
  Deno.mkdirSync(`${home.directory}/dahua-p2p`);
  Deno.writeTextFileSync(home.path, "{ cut o");
  const { stderr } = await runOnce(stage, [], home.env);
  assertEquals(stderr.match(/is damaged and ignored/g)?.length, 1, stderr);
  assertEquals(home.memory.recall(SERIAL)!.cloud, stage.cloudArgument);
});

Deno.test("a home that cannot be written costs one warning and not the tunnel", async () => {
  await using stage = await Stage.open();
  using home = new StateHome();
  Deno.writeTextFileSync(`${home.directory}/dahua-p2p`, "in the way");
  const { stderr } = await runOnce(stage, [], home.env);
  assert(stderr.includes("--no-state"), stderr);
  assert((stderr.match(/cannot be written/g)?.length ?? 0) <= 1, stderr);
});

Deno.test("a brand's own cloud takes the key of its own app, which is nowhere shown", async () => {
  const app = {
    user: "default\\00112233445566778899aabbccddeeff",
    key: "0f1e2d3c4b5a69788796a5b4",
  };
  await using stage = await Stage.open({ world: { cloud: { apps: [app] } } });
  using home = new StateHome();
  const file = `${home.directory}/app.key`;
  Deno.writeTextFileSync(file, `${app.user}\n${app.key}\n`, { mode: 0o644 });
  if (Deno.build.os !== "windows") Deno.chmodSync(file, 0o644);
  const args = ["--app-key-file", file, "--log-level", "trace"];
  const { stderr } = await runOnce(stage, args, home.env);
  assert(stderr.includes("can be read by other users"), stderr.slice(0, 2000));
  assertFalse(stderr.includes(app.key));
  assertFalse(Deno.readTextFileSync(home.path).includes(app.key));
});
