import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Reason } from "../../lib/core/failure.ts";
import { EXIT, exitCodeOf } from "../../lib/cli/exit_codes.ts";
import { ALL_OPTIONS } from "../../lib/cli/options.ts";
import { TARGETS } from "../../scripts/compile.ts";

const ROOT = new URL("../../", import.meta.url);
const README = await Deno.readTextFile(new URL("README.md", ROOT));
const MANIFEST = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));

/** Text of every source file of the library but those that list all reasons. */
async function librarySources(folder: URL = new URL("lib/", ROOT)): Promise<string> {
  let text = "";
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) text += await librarySources(new URL(`${entry.name}/`, folder));
    else if (/\.ts$/.test(entry.name) && !/^(?:failure|exit_codes)\.ts$/.test(entry.name)) {
      text += await Deno.readTextFile(new URL(entry.name, folder));
    }
  }
  return text;
}

/** Every reason word there is. */
async function allReasons(): Promise<ReadonlySet<string>> {
  const source = await Deno.readTextFile(new URL("lib/core/failure.ts", ROOT));
  const union = /export type Reason =([^;]+);/.exec(source)?.[1] ?? "";
  return new Set([...union.matchAll(/"([a-z-]+)"/g)].map(([, word]) => word!));
}

/** Reason words of the README's table with their exit codes. */
function documentedReasons(): ReadonlyMap<string, number> {
  const rows = README.matchAll(/^\| `([a-z-]+)` +\| (\d+) +\|/gm);
  return new Map([...rows].map(([, word, code]) => [word!, Number(code)]));
}

Deno.test("the README's reasons are the program's, each with its exit code", async () => {
  const all = await allReasons();
  const sources = await librarySources();
  const documented = documentedReasons();
  assert(documented.size > 15);
  for (const [word, code] of documented) {
    assert(all.has(word), word);
    assert(sources.includes(`"${word}"`), `nothing fails with ${word}`);
    assertEquals(code, exitCodeOf(word as Reason), word);
  }
  for (const [, word] of sources.matchAll(/\breason: "([a-z-]+)"/g)) {
    if (all.has(word!)) assert(documented.has(word!), `the README lacks ${word}`);
  }
});

Deno.test("the README lists every exit code", () => {
  const codes = [...README.matchAll(/^\| (\d+(?:, \d+)*) +\|/gm)].flatMap(([, cell]) =>
    cell!.split(", ").map(Number)
  );
  for (const code of Object.values(EXIT)) assert(codes.includes(code), `the README lacks ${code}`);
});

Deno.test("the README names every option", () => {
  for (const { name, short } of ALL_OPTIONS) {
    assertStringIncludes(README, `--${name}`);
    if (short !== undefined) assertStringIncludes(README, `-${short}`);
  }
});

Deno.test("every task the README names exists, and every target", () => {
  const development = README.slice(README.indexOf("\n## Development"));
  const table = [...development.matchAll(/^\| `([a-z0-9]+)` +\|/gm)].map(([, name]) => name!);
  const lines = [...README.matchAll(/npx -y deno@\S+ task ([a-z0-9]+)/g)].map(([, name]) => name!);
  assert(lines.length > 3 && table.length > 5);
  for (const name of [...lines, ...table]) assert(name in MANIFEST.tasks, name);
  for (const [, name] of README.matchAll(/task compile ([^#\n]+)/g)) {
    for (const word of name!.split(" ").filter(Boolean)) {
      assert(word === "all" || TARGETS.some((target) => target.name === word), word);
    }
  }
});

Deno.test("README and CI speak of the same versions of Deno", async () => {
  const ci = await Deno.readTextFile(new URL(".ci/run", ROOT));
  const cache = await Deno.readTextFile(new URL(".ci/denort_cache.sh", ROOT));
  const versions = new Set([...README.matchAll(/deno@(\d+\.\d+\.\d+)/g)].map(([, v]) => v!));
  assertEquals(versions.size, 1);
  assertStringIncludes(ci, ` ${/^npx .* task test$/m.exec(README)?.[0]}\n`);
  for (const version of versions) assertStringIncludes(ci, `DENO=(npx -y deno@${version})`);
  const compiler = /COMPILER=\(npx -y deno@([\d.]+)\)/.exec(ci)?.[1];
  assert(compiler);
  assertStringIncludes(cache, `deno_version=${compiler}\n`);
  assertStringIncludes(README, `with Deno ${compiler} and`);
});

Deno.test("what the README says to write for JSR names the modules there are", () => {
  const names = [...README.matchAll(/^"(@std\/[a-z/-]+)": "jsr:/gm)].map(([, name]) => name!);
  assert(names.length > 0);
  for (const name of names) assert(name in MANIFEST.imports, name);
  const left = Object.keys(MANIFEST.imports).filter((name) =>
    name.startsWith("@std/") && !names.includes(name)
  );
  assertEquals(left, ["@std/log", "@std/xml"]);
});
