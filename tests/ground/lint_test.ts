import { assertEquals } from "@std/assert";
import plugin from "../../scripts/lint/plugin.ts";

const ROOT = new URL("../../", import.meta.url);

/** Ids of the rules that a source would break if it stood at `path`. */
function findings(path: string, source: string): string[] {
  const file = decodeURIComponent(new URL(path, ROOT).pathname);
  return Deno.lint.runPlugin(plugin, file, source).map(({ id }) => id.replace("architecture/", ""));
}

const IMPURE = [
  "export const a = Date.now();",
  'export const a = Date["now"]();',
  "const { now } = Date; export const a = now();",
  "export const a = new Date();",
  "export const a = new Date(...[]);",
  "export const a = Date();",
  "export const a = Math.random();",
  'export const a = Math["random"]();',
  "const { random } = Math; export const a = random();",
  'export const a = (globalThis as Record<string, unknown>)["crypto"];',
  "export const a = performance.now();",
  "export const a = { performance };",
  "export const a = new Intl.DateTimeFormat().format();",
  "export const a = Temporal.Now.instant();",
  'export const a = new Function("return this")();',
  'export const a = eval("this");',
  '/// <reference lib="deno.ns" />\nexport const a = 1;',
];

for (const source of IMPURE) {
  Deno.test(`lib/core may not say ${JSON.stringify(source)}`, () => {
    assertEquals(new Set(findings("lib/core/x.ts", source)), new Set(["core-purity"]));
  });
}

Deno.test("what is impure in lib/core is nobody's business in lib/net", () => {
  for (const source of IMPURE) assertEquals(findings("lib/net/x.ts", source), [], source);
});

Deno.test("lib/core may use the pure parts of Date and Math, and their names as names", () => {
  const source = `
    export const a = [Date.UTC(2024, 1), Date.parse("x"), new Date(5), Math.max(1, 2)];
    export interface Header { Date: string; Math: Date; performance: number }
    export const b = (header: Header): string => header.Date + header.performance;
    export const c = { Date: 1, Math: 2 };
    export const d = (x: unknown): boolean => x instanceof Date;
  `;
  assertEquals(findings("lib/core/cloud/x.ts", source), []);
});

Deno.test("lib/core imports itself, noble, bytes and the XML parser, and nothing else", () => {
  for (
    const specifier of [
      "./y.ts",
      "../types.ts",
      "../ptcp/connection.ts",
      "@noble/hashes/legacy.js",
      "@noble/ciphers/aes.js",
      "@std/bytes",
      "@std/xml",
    ]
  ) {
    assertEquals(findings("lib/core/cloud/x.ts", `import "${specifier}";`), [], specifier);
  }
  for (
    const specifier of [
      "node:crypto",
      "@std/yaml",
      "@std/log",
      "fast-check",
      "npm:left-pad",
      "jsr:@std/bytes",
      "../../../scripts/compile.ts",
      "https://example.invalid/x.ts",
    ]
  ) {
    for (
      const source of [
        `import "${specifier}";`,
        `import type { A } from "${specifier}";`,
        `export { a } from "${specifier}";`,
        `export * from "${specifier}";`,
        `export const a = await import("${specifier}");`,
      ]
    ) {
      assertEquals(findings("lib/core/cloud/x.ts", source).includes("core-purity"), true, source);
    }
  }
});

Deno.test("lib/core loads nothing at run time, not even itself", () => {
  assertEquals(findings("lib/core/x.ts", 'export const a = await import("./y.ts");'), [
    "core-purity",
  ]);
});

Deno.test("under lib, only lib/net and lib/cli call the runtime", () => {
  for (const source of ["Deno.exit(1);", "export const d = Deno;", 'import "node:fs";']) {
    for (const path of ["lib/mod.ts", "lib/health/x.ts", "lib/status/x.ts", "lib/core/x.ts"]) {
      assertEquals(findings(path, source).includes("runtime-place"), true, `${path}: ${source}`);
    }
    for (const path of ["lib/net/x.ts", "lib/cli/x.ts", "main.ts", "tests/x.ts", "scripts/x.ts"]) {
      assertEquals(findings(path, source), [], `${path}: ${source}`);
    }
  }
});

Deno.test("imports point one way: core, net, health and status, mod.ts, cli, main", () => {
  const order = [
    ["lib/core/x.ts"],
    ["lib/net/x.ts"],
    ["lib/health/x.ts", "lib/status/x.ts"],
    ["lib/mod.ts"],
    ["lib/cli/x.ts"],
    ["main.ts"],
  ];
  const climb = (path: string): string => "../".repeat(path.split("/").length - 1) || "./";
  order.forEach((row, rank) => {
    for (const from of row) {
      order.flat().forEach((to) => {
        const allowed = from === to || order.slice(0, rank).flat().includes(to);
        const found = findings(from, `import "${climb(from)}${to}";`);
        assertEquals(found.includes("import-direction"), !allowed, `${from} -> ${to}`);
      });
    }
  });
});

Deno.test("tests and scripts may import every layer", () => {
  assertEquals(findings("tests/x.ts", 'import "../lib/cli/x.ts"; import "../main.ts";'), []);
});

Deno.test("only lib/cli/demo.ts takes the simulated world into the program", () => {
  const source = 'import "../../fixtures/cloud.ts";';
  assertEquals(findings("lib/cli/demo.ts", source), []);
  assertEquals(findings("lib/cli/other.ts", source), ["fixture-import"]);
  assertEquals(findings("lib/net/x.ts", source), ["fixture-import"]);
  assertEquals(findings("main.ts", 'import "./fixtures/cloud.ts";'), ["fixture-import"]);
  assertEquals(findings("lib/cli/x.ts", 'import "../../tests/a.ts";'), ["fixture-import"]);
  assertEquals(findings("tests/cli/x.ts", source), []);
});

Deno.test("there is no enum and no default export anywhere", () => {
  for (const path of ["lib/core/x.ts", "lib/cli/x.ts", "fixtures/x.ts", "tests/x.ts"]) {
    assertEquals(findings(path, "export enum A { B }"), ["no-enum"]);
    assertEquals(findings(path, "export default 1;"), ["no-default-export"]);
    assertEquals(findings(path, "const a = 1; export { a as default };"), ["no-default-export"]);
    assertEquals(findings(path, 'export const a = "enum"; export { a as b };'), []);
  }
});

Deno.test("a file of 400 lines is fine, one of 401 is not, tests apart", () => {
  const lines = (count: number): string => "export const a = 1;\n" + "// line\n".repeat(count - 1);
  for (const path of ["main.ts", "lib/core/x.ts", "fixtures/x.ts", "scripts/x.ts"]) {
    assertEquals(findings(path, lines(400)), []);
    assertEquals(findings(path, lines(401)), ["file-length"]);
  }
  assertEquals(findings("tests/x.ts", lines(401)), []);
});
