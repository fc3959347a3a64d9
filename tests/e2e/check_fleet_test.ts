import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseLines } from "../support/check_stage.ts";
import { startFleet } from "../support/fleet_world.ts";
import { runProgram } from "../support/program.ts";

/** What each kind of device must be called. */
const REASON_OF: Readonly<Record<string, string>> = {
  "unknown": "device-unknown",
  "offline": "device-offline",
  "slow": "ok",
  "relay-only": "ok",
  "silent": "device-silent",
  "well": "ok",
};

Deno.test("in a fleet every device gets its own word, and what ails one costs no other", async () => {
  await using fleet = await startFleet(100);
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/list`, fleet.list);
    const { stdout, stderr, code } = await runProgram([
      ...["check", "--json", "--file", `${folder}/list`, "--cloud", fleet.cloudArgument],
      ...["--state-dir", `${folder}/state`, "--textfile", `${folder}/m.prom`],
    ]);
    assertEquals(code, 68, stderr);
    const results = parseLines(stdout).filter(({ event }) => event === "result");
    assertEquals(results.length, fleet.shares.total);
    assertEquals(new Set(results.map(({ device }) => device)).size, fleet.shares.total);
    for (const { device, reason, path, message } of results) {
      const kind = device.replace(/-\d+$/, "");
      assertEquals(reason, REASON_OF[kind], `${device}: ${message}`);
      if (reason === "ok") assertEquals(path, kind === "relay-only" ? "relay" : "direct", device);
    }
    const metrics = await Deno.readTextFile(`${folder}/m.prom`);
    const up = results.filter(({ reason }) => reason === "ok").length;
    assertStringIncludes(metrics, `dahua_p2p_check_devices{state="up"} ${up}\n`);
    // Nothing is left behind: no realm at a device, no place at the relay.
    const { openLeases, realmsOpen } = fleet.world.counters;
    assertEquals({ openLeases, realmsOpen }, { openLeases: 0, realmsOpen: 0 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the time of a run is kept, and who was not judged in it is said to be unknown", async () => {
  await using fleet = await startFleet(60);
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/list`, fleet.list);
    const startedAt = performance.now();
    const { stdout, code } = await runProgram([
      ...["check", "--json", "--file", `${folder}/list`, "--cloud", fleet.cloudArgument],
      ...["--state-dir", `${folder}/state`, "--timeout", "3s", "--rate", "10"],
    ]);
    assert(performance.now() - startedAt < 15_000);
    assert(code !== 0);
    const results = parseLines(stdout).filter(({ event }) => event === "result");
    assertEquals(results.length, 60);
    const late = results.filter(({ reason }) => reason === "handshake-timeout");
    assert(late.length > 0);
    for (const { state } of late) assertEquals(state, "unknown");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
