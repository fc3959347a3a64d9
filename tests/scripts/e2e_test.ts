import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseE2eArguments } from "../../scripts/e2e.ts";
import {
  FOREIGN_PROGRAMS,
  type ForeignProgram,
  missingPrograms,
} from "../../scripts/foreign_programs.ts";

Deno.test("e2e keeps its own options and hands the others to deno test", () => {
  assertEquals(
    parseE2eArguments(["--executable", "dist/x", "--filter=relay", "--junit-path=r.xml", "-v"]),
    { executable: "dist/x", junitPath: "r.xml", rest: ["--filter=relay", "-v"] },
  );
  assertEquals(parseE2eArguments([]), { executable: undefined, junitPath: undefined, rest: [] });
  for (const args of [["--executable"], ["--executable="], ["--junit-path"]]) {
    assertThrows(() => parseE2eArguments(args), RangeError, "needs a file");
  }
});

Deno.test("a missing, a broken and a working foreign program are told apart", async () => {
  const deno = (name: string, code: string): ForeignProgram => ({
    name,
    packages: [`${name}-package`],
    command: Deno.execPath(),
    args: ["eval", code],
  });
  const programs = [
    { name: "absent", packages: ["a", "b"], command: "no-such-program-anywhere", args: [] },
    deno("broken", "Deno.exit(1)"),
    deno("working", "Deno.exit(0)"),
  ];
  assertEquals(await missingPrograms(programs), [
    "absent is missing: apt-get install a b",
    "broken is missing: apt-get install broken-package",
  ]);
});

Deno.test("CI installs every package that an end-to-end test plays against", async () => {
  const ci = await Deno.readTextFile(new URL("../../.ci/run", import.meta.url));
  const packages = new Set(/PACKAGES="([^"]+)"/.exec(ci)?.[1]?.split(/\s+/));
  for (const program of FOREIGN_PROGRAMS) {
    for (const name of program.packages) assert(packages.has(name), name);
  }
});
