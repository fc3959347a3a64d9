import { assert, assertEquals, assertFalse } from "@std/assert";
import { environmentName } from "../../lib/cli/option.ts";
import { ALL_OPTIONS } from "../../lib/cli/options.ts";
import { EXECUTABLE_PERMISSIONS } from "../../lib/cli/permissions.ts";

Deno.test("the executable may do what its commands need and nothing else", () => {
  assertEquals(EXECUTABLE_PERMISSIONS.map((flag) => flag.replace(/=.*/, "")), [
    "--no-prompt",
    "--allow-net",
    "--allow-read",
    "--allow-write",
    "--allow-env",
    "--allow-run",
  ]);
  assert(EXECUTABLE_PERMISSIONS.includes("--allow-run=ffplay,sh,cmd"));
});

Deno.test("of the environment the executable may read its own variables, and others by name", () => {
  const flag = EXECUTABLE_PERMISSIONS.find((word) => word.startsWith("--allow-env="))!;
  const names = flag.slice("--allow-env=".length).split(",");
  assertEquals(names.filter((name) => name.includes("*")), ["DAHUA_P2P_*"]);
  assert(names.includes("NO_COLOR"));
  for (const foreign of ["", "PATH", "AWS_SECRET_ACCESS_KEY"]) assertFalse(names.includes(foreign));
  for (const option of ALL_OPTIONS) assert(environmentName(option).startsWith("DAHUA_P2P_"));
});

Deno.test("what a command does not need is given back for good", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      ...EXECUTABLE_PERMISSIONS,
      new URL("permission_probe.ts", import.meta.url).href,
    ],
    stdin: "null",
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  const { before, after } = JSON.parse(new TextDecoder().decode(stdout));
  const nothing = { sys: "prompt", ffi: "prompt" };
  // A player that is not installed cannot be permitted.
  const player = before.player;
  assert(player === "granted" || player === "prompt");
  assertEquals(before, {
    ...nothing,
    net: "granted",
    read: "granted",
    write: "granted",
    player,
    variable: "granted",
    other: "prompt",
  });
  assertEquals(after, {
    ...nothing,
    net: "granted",
    read: "prompt",
    write: "prompt",
    player: "prompt",
    variable: "prompt",
    other: "prompt",
  });
});
