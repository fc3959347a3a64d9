import { assert, assertEquals, assertThrows } from "@std/assert";
import { EXECUTABLE_PERMISSIONS } from "../../lib/cli/permissions.ts";
import {
  compileArguments,
  isRuntimeMissing,
  RUNTIME_FLAGS,
  selectTargets,
  TARGETS,
} from "../../scripts/compile.ts";

const HOST = "x86_64-unknown-linux-gnu";

Deno.test("without a name the executable is for this machine", () => {
  assertEquals(selectTargets([], HOST).map(({ file }) => file), ["dahua-p2p-linux-x86_64"]);
});

Deno.test("targets are named shortly or by triple, once each, or all at once", () => {
  assertEquals(
    selectTargets(["macos-aarch64", "x86_64-pc-windows-msvc", "macos-aarch64"], HOST)
      .map(({ file }) => file),
    ["dahua-p2p-macos-aarch64", "dahua-p2p-windows-x86_64.exe"],
  );
  assertEquals(selectTargets(["all"], HOST), TARGETS);
});

Deno.test("an unknown target is refused with the list of those that exist", () => {
  assertThrows(() => selectTargets(["linux-armv7"], HOST), RangeError, "linux-aarch64");
  assertThrows(() => selectTargets([], "riscv64gc-unknown-linux-gnu"), RangeError, "is no target");
});

Deno.test("an executable never prompts, and may do only what is listed by name", () => {
  for (const target of TARGETS) {
    const args = compileArguments(target, "out");
    assert(args.includes("--no-prompt"));
    assert(args.includes("--unstable-net"));
    assert(!args.includes("--allow-all") && !args.includes("-A"));
    for (const broad of ["--allow-env", "--allow-run", "--allow-ffi"]) {
      assert(!args.includes(broad), broad);
    }
    assertEquals(args.at(-1), "main.ts");
    assertEquals(args[args.indexOf("--target") + 1], target.triple);
  }
});

Deno.test("the program may do the same from source as from the executable", async () => {
  const manifest = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const start: string = manifest.tasks.start;
  const flags = new Set(start.split(" ").filter((word) => word.startsWith("--")));
  const env = [...flags].find((flag) => flag.startsWith("--allow-env="));
  const patterns = env?.slice("--allow-env=".length).split(",") ?? [];
  for (const permission of [...EXECUTABLE_PERMISSIONS, ...RUNTIME_FLAGS]) {
    if (!permission.startsWith("--allow-env=")) {
      assert(flags.delete(permission), permission);
      continue;
    }
    for (const name of permission.slice("--allow-env=".length).split(",")) {
      assert(
        patterns.some((pattern) =>
          pattern === name || pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1))
        ),
        name,
      );
    }
  }
  assertEquals([...flags], [env]);
});

Deno.test("a runtime that cannot be fetched is told from a program that does not compile", () => {
  assert(isRuntimeMissing(
    "error: Writing deno compile executable to temporary file 'x'\n\nCaused by:\n" +
      "    0: Setting up base binary.\n    1: error sending request",
  ));
  assert(!isRuntimeMissing("error: Type checking failed."));
});
