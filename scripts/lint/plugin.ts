/**
 * Lint rules of this project: what the type checker cannot see of its architecture.
 *
 * - `core-purity`: lib/core takes time and randomness as parameters and imports only itself, noble,
 *   and the XML parser.
 * - `runtime-place`: under lib, only lib/net and lib/cli call the runtime.
 * - `import-direction`: core <- net <- health, status <- lib/mod.ts <- cli <- main.
 * - `fixture-import`: only lib/cli/demo.ts takes from fixtures.
 * - `no-enum`, `no-default-export`, `file-length`: the style that every file keeps.
 *
 * @module
 */
import {
  isCore,
  isLibrary,
  layerOf,
  mayCallRuntime,
  mayImport,
  projectPath,
  resolveSpecifier,
} from "./places.ts";

const MAX_LINES = 400;

/** Bare specifiers that lib/core may import. */
const CORE_PACKAGES = /^(?:@noble\/(?:hashes|ciphers)\/.+|@std\/(?:bytes|xml))$/;

/** Globals of ECMAScript itself that reach the clock, the locale or the global object. */
const IMPURE_GLOBALS = new Set([
  "globalThis",
  "performance",
  "eval",
  "Function",
  "Intl",
  "Temporal",
]);

type ImportNode =
  | Deno.lint.ImportDeclaration
  | Deno.lint.ExportNamedDeclaration
  | Deno.lint.ExportAllDeclaration
  | Deno.lint.ImportExpression;

/** Calls `each` with the specifier of every import, re-export and dynamic import. */
function onImport(each: (specifier: string, node: ImportNode) => void): Deno.lint.LintVisitor {
  const visit = (node: ImportNode): void => {
    const source = node.source;
    if (source?.type === "Literal" && typeof source.value === "string") each(source.value, node);
  };
  return {
    ImportDeclaration: visit,
    ExportNamedDeclaration: visit,
    ExportAllDeclaration: visit,
    ImportExpression: visit,
  };
}

/** Whether the identifier is only a name here: a property, a key, or a type. */
function isOnlyName(node: Deno.lint.Identifier): boolean {
  const parent = node.parent;
  if (parent.type === "MemberExpression") return parent.property === node && !parent.computed;
  if ("key" in parent && parent.key === node) {
    const computed = "computed" in parent && parent.computed;
    const shorthand = "shorthand" in parent && parent.shorthand;
    return !computed && !shorthand;
  }
  return parent.type.startsWith("TS") && parent.type !== "TSAsExpression" &&
    parent.type !== "TSNonNullExpression" && parent.type !== "TSSatisfiesExpression";
}

/** What is impure about this use of a global, or nothing. */
function impurity(node: Deno.lint.Identifier): string | undefined {
  if (isOnlyName(node)) return undefined;
  if (IMPURE_GLOBALS.has(node.name)) return node.name;
  const parent = node.parent;
  const member = parent.type === "MemberExpression" && !parent.computed &&
      parent.property.type === "Identifier"
    ? parent.property.name
    : undefined;
  if (node.name === "Math") return member && member !== "random" ? undefined : "Math.random";
  if (node.name !== "Date" || member === "UTC" || member === "parse") return undefined;
  if (parent.type === "NewExpression") {
    const first = parent.arguments[0];
    return first && first.type !== "SpreadElement" ? undefined : "new Date()";
  }
  if (parent.type === "BinaryExpression" && parent.operator === "instanceof") return undefined;
  return member === undefined ? "Date" : `Date.${member}`;
}

const corePurity: Deno.lint.Rule = {
  create(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
    const path = projectPath(context.filename);
    if (!isCore(path)) return {};
    return {
      ...onImport((specifier, node) => {
        const target = resolveSpecifier(path, specifier);
        if (target === undefined ? CORE_PACKAGES.test(specifier) : isCore(target)) return;
        context.report({
          node,
          message: `lib/core may not import "${specifier}"`,
          hint:
            "Allowed: lib/core itself, @noble/hashes/, @noble/ciphers/, @std/bytes and @std/xml.",
        });
      }),
      ImportExpression(node): void {
        context.report({ node, message: "lib/core loads nothing at run time" });
      },
      Identifier(node): void {
        const what = impurity(node);
        if (what === undefined) return;
        context.report({
          node,
          message: `${what} is not pure`,
          hint: "Time (`now`), the wall clock and randomness are parameters in lib/core.",
        });
      },
      Program(node): void {
        // A reference would bring back the globals that the purity check takes away.
        if (!/^\s*\/\/\/\s*<reference\b/m.test(context.sourceCode.text)) return;
        context.report({ node, message: "lib/core may not reference other type libraries" });
      },
    };
  },
};

const runtimePlace: Deno.lint.Rule = {
  create(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
    const path = projectPath(context.filename);
    if (mayCallRuntime(path)) return {};
    const hint = "Only lib/net and lib/cli call the runtime: call something of theirs.";
    return {
      ...onImport((specifier, node) => {
        if (!specifier.startsWith("node:")) return;
        context.report({ node, message: `"${specifier}" is the runtime`, hint });
      }),
      Identifier(node): void {
        if (node.name !== "Deno" || isOnlyName(node)) return;
        context.report({ node, message: "Deno.* outside lib/net and lib/cli", hint });
      },
    };
  },
};

const importDirection: Deno.lint.Rule = {
  create(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
    const path = projectPath(context.filename);
    const from = layerOf(path);
    if (!from) return {};
    return onImport((specifier, node) => {
      const to = layerOf(resolveSpecifier(path, specifier) ?? "");
      if (!to || mayImport(from, to)) return;
      context.report({
        node,
        message: `${from.name} may not import from ${to.name}`,
        hint: "Imports point one way: core <- net <- health, status <- lib/mod.ts <- cli <- main.",
      });
    });
  },
};

const fixtureImport: Deno.lint.Rule = {
  create(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
    const path = projectPath(context.filename);
    if (!isLibrary(path) && path !== "main.ts" || path === "lib/cli/demo.ts") return {};
    return onImport((specifier, node) => {
      const target = resolveSpecifier(path, specifier);
      if (!target || !/^(?:fixtures|tests|scripts)\//.test(target)) return;
      context.report({
        node,
        message: `the program may not import from ${target.split("/")[0]}`,
        hint: "Only lib/cli/demo.ts takes the simulated world into the program.",
      });
    });
  },
};

const noEnum: Deno.lint.Rule = {
  create(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
    return {
      TSEnumDeclaration(node): void {
        context.report({ node, message: "no enum", hint: "Use a union of string literals." });
      },
    };
  },
};

const noDefaultExport: Deno.lint.Rule = {
  create(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
    return {
      ExportDefaultDeclaration(node): void {
        context.report({ node, message: "no default export", hint: "Give it a name." });
      },
      ExportNamedDeclaration(node): void {
        for (const specifier of node.specifiers) {
          const name = specifier.exported;
          if (name.type !== "Identifier" || name.name !== "default") continue;
          context.report({ node, message: "no default export", hint: "Give it a name." });
        }
      },
    };
  },
};

const fileLength: Deno.lint.Rule = {
  create(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
    if (projectPath(context.filename).startsWith("tests/")) return {};
    return {
      Program(node): void {
        const lines = context.sourceCode.text.split("\n").length - 1;
        if (lines <= MAX_LINES) return;
        context.report({
          node,
          message: `${lines} lines, more than ${MAX_LINES}`,
          hint: "Look for the second concept in this file and give it one of its own.",
        });
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "architecture",
  rules: {
    "core-purity": corePurity,
    "runtime-place": runtimePlace,
    "import-direction": importDirection,
    "fixture-import": fixtureImport,
    "no-enum": noEnum,
    "no-default-export": noDefaultExport,
    "file-length": fileLength,
  },
};

// The linter loads a plugin by its default export.
// deno-lint-ignore architecture/no-default-export
export default plugin;
