/**
 * Where a file stands in the project and what may stand there: the layers, and the direction in
 * which they may import each other.
 *
 * @module
 */

/** The project's folder with a trailing slash. */
const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname)
  .replace(/^\/([A-Za-z]:\/)/, "$1");

/**
 * The path of a file inside the project, with forward slashes.
 *
 * @param file Absolute, or relative to the project.
 */
export function projectPath(file: string): string {
  const path = file.replace(/^file:\/\//, "").replaceAll("\\", "/");
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
}

/** A layer of the program. Imports point from a higher rank to a lower one, or stay inside. */
interface Layer {
  readonly name: string;
  readonly rank: number;
  readonly holds: (path: string) => boolean;
}

const LAYERS: readonly Layer[] = [
  { name: "lib/core", rank: 0, holds: (path) => path.startsWith("lib/core/") },
  { name: "lib/net", rank: 1, holds: (path) => path.startsWith("lib/net/") },
  { name: "lib/health", rank: 2, holds: (path) => path.startsWith("lib/health/") },
  { name: "lib/status", rank: 2, holds: (path) => path.startsWith("lib/status/") },
  { name: "lib/cli", rank: 4, holds: (path) => path.startsWith("lib/cli/") },
  { name: "main.ts", rank: 5, holds: (path) => path === "main.ts" },
  // What stands in lib itself is the public library: everything but the command line.
  { name: "lib", rank: 3, holds: (path) => /^lib\/[^/]+$/.test(path) },
];

/** The layer a file belongs to; nothing for tests, fixtures and scripts, which may import any. */
export function layerOf(path: string): Layer | undefined {
  return LAYERS.find((layer) => layer.holds(path));
}

/** Whether a file of `from` may import one of `to`. */
export function mayImport(from: Layer, to: Layer): boolean {
  return from === to || to.rank < from.rank;
}

/** Whether the file computes only. */
export function isCore(path: string): boolean {
  return path.startsWith("lib/core/");
}

/** Whether the file is part of the library or of the program around it. */
export function isLibrary(path: string): boolean {
  return path.startsWith("lib/");
}

/** Whether the file may call the runtime: sockets, files, processes, the terminal. */
export function mayCallRuntime(path: string): boolean {
  return !isLibrary(path) || path.startsWith("lib/net/") || path.startsWith("lib/cli/");
}

/** The project path that a relative specifier of `importer` points at; nothing for a bare one. */
export function resolveSpecifier(importer: string, specifier: string): string | undefined {
  if (!/^\.{1,2}\//.test(specifier)) return undefined;
  const parts = importer.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.length === 0 || parts.at(-1) === "..") parts.push("..");
      else parts.pop();
    } else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
