import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** Type-checks one source under a configuration of this project. */
async function check(config: string, source: string): Promise<{ ok: boolean; text: string }> {
  // Beside the project, because the module names of a file outside it would not resolve alike.
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/sample.ts`, source);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--config", ROOT + config, `${folder}/sample.ts`],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    return { ok: success, text: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const PURITY = "scripts/purity/purity.json";

/** Every global that a program under Deno or a browser would reach for. */
const FORBIDDEN = [
  "Deno",
  "process",
  "Buffer",
  "console",
  "crypto",
  "performance",
  "fetch",
  "setTimeout",
  "setInterval",
  "clearTimeout",
  "queueMicrotask",
  "structuredClone",
  "atob",
  "URL",
  "AbortController",
  "EventTarget",
  "Worker",
  "WebSocket",
  "localStorage",
  "navigator",
  "window",
  "self",
  "require",
  "addEventListener",
  "prompt",
];

Deno.test("the purity check refuses every global of the runtime", async () => {
  const source = FORBIDDEN.map((name, i) => `export const v${i}: unknown = ${name};`).join("\n");
  const { ok, text } = await check(PURITY, source);
  assert(!ok);
  for (const name of FORBIDDEN) assertStringIncludes(text, `Cannot find name '${name}'.`);
  assertStringIncludes(text, `Found ${FORBIDDEN.length} errors.`);
});

Deno.test("the purity check lets through what lib/core is made of", async () => {
  const source = `
    import { sha1 } from "@noble/hashes/legacy.js";
    import { cbc } from "@noble/ciphers/aes.js";
    import { parseXml } from "@std/xml";
    const bytes: Uint8Array = sha1(new TextEncoder().encode("a"));
    export const text: string = new TextDecoder("latin1", { fatal: true }).decode(bytes);
    export const sealed: Uint8Array = cbc(bytes, bytes).encrypt(bytes);
    export const name: string | undefined = parseXml("<a/>").root?.name;
  `;
  assertEquals(await check(PURITY, source), { ok: true, text: "" });
});

Deno.test("a wrong use of a standard module does not type-check", async () => {
  const wrong = [
    'assertEquals(1, "1");',
    'concat(["text"]);',
    'const a: number = parse("1");',
    'const b: number = parseArgs(["--b", "1"]).b;',
    "const c: number = promptSecret();",
    "getLogger(5);",
    "parseXml(5);",
  ];
  const source = `
    import { assertEquals } from "@std/assert";
    import { concat } from "@std/bytes";
    import { parse } from "@std/yaml";
    import { parseArgs } from "@std/cli/parse-args";
    import { promptSecret } from "@std/cli/prompt-secret";
    import { getLogger } from "@std/log";
    import { parseXml } from "@std/xml";
    ${wrong.join("\n    ")}
    export { a, b, c };`;
  const { ok, text } = await check("deno.json", source);
  assert(!ok);
  for (const line of wrong) assertStringIncludes(text, line);
  assertStringIncludes(text, `Found ${wrong.length} errors.`);
});

Deno.test("a name that a standard module does not export does not type-check", async () => {
  const source = `
    import { noSuchName } from "@std/assert";
    import { noSuchName as other } from "@std/yaml";
    export { noSuchName, other };`;
  const { ok, text } = await check("deno.json", source);
  assert(!ok);
  assertStringIncludes(text, "Found 2 errors.");
});

Deno.test("every declared name of a standard module exists at run time", async () => {
  const declarations = await Deno.readTextFile(ROOT + "lib/std_modules.d.ts");
  const modules = declarations.split(/^declare module /m).slice(1);
  assert(modules.length > 0);
  for (const text of modules) {
    const specifier = /^"([^"]+)"/.exec(text)?.[1];
    assert(specifier);
    const module: Record<string, unknown> = await import(specifier);
    const names = [...text.matchAll(/^ {2}export (?:function|class|const) (\w+)/gm)];
    assert(names.length > 0, specifier);
    for (const [, name] of names) {
      assertEquals(typeof module[name!], "function", `${specifier} ${name}`);
    }
  }
});

Deno.test("the purity check resolves the same packages as the project", async () => {
  const read = async (path: string): Promise<{ imports: Record<string, string> }> =>
    JSON.parse(await Deno.readTextFile(ROOT + path));
  const project = await read("deno.json");
  const purity = await read(PURITY);
  for (const [name, target] of Object.entries(purity.imports)) {
    assertEquals(target, project.imports[name]);
  }
});

Deno.test("the lock file pins packages and names no host", async () => {
  const lock = await Deno.readTextFile(ROOT + "deno.lock");
  assertMatch(lock, /"integrity": "sha512-/);
  assertEquals(lock.match(/https?:|tarball/g), null);
});
