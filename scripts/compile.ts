/**
 * Builds the executables: `deno task compile [TARGET…|all]`, for this machine when none is named.
 *
 * Each goes to `dist/dahua-p2p-<os>-<arch>`, and `dist/SHA256SUMS` lists every one that is there, in
 * the form `sha256sum --check` reads. The one for this machine is started once; of the others the
 * script says that nobody ran them here. Exit codes: 1 when the program does not compile or start, 64
 * for an unknown target, 69 when Deno could not fetch its runtime.
 *
 * @module
 */
import { EXECUTABLE_PERMISSIONS } from "../lib/cli/permissions.ts";

/** A system that `deno compile` can build for. */
export interface Target {
  /** Short name, as in the file name. */
  readonly name: string;
  /** Deno's name of it. */
  readonly triple: string;
  /** File name in `dist`. */
  readonly file: string;
}

/** Everything that can be built. */
export const TARGETS: readonly Target[] = [
  target("linux-x86_64", "x86_64-unknown-linux-gnu"),
  target("linux-aarch64", "aarch64-unknown-linux-gnu"),
  target("macos-x86_64", "x86_64-apple-darwin"),
  target("macos-aarch64", "aarch64-apple-darwin"),
  target("windows-x86_64", "x86_64-pc-windows-msvc", ".exe"),
];

function target(name: string, triple: string, suffix = ""): Target {
  return { name, triple, file: `dahua-p2p-${name}${suffix}` };
}

/**
 * The targets that the arguments ask for: by short name, by triple, `all`, or by default this
 * machine's.
 *
 * @throws {RangeError} On a name that is no target, or when there is none for this machine.
 */
export function selectTargets(names: readonly string[], hostTriple: string): readonly Target[] {
  if (names.includes("all")) return TARGETS;
  const wanted = names.length > 0 ? names : [hostTriple];
  return [...new Set(wanted.map(findTarget))];
}

function findTarget(name: string): Target {
  const found = TARGETS.find((target) => target.name === name || target.triple === name);
  if (found) return found;
  const known = TARGETS.map((target) => target.name).join(", ");
  throw new RangeError(`"${name}" is no target. There are: ${known}, all.`);
}

/** What the program wants of its runtime besides permissions; deno.json does not reach into it. */
export const RUNTIME_FLAGS: readonly string[] = [
  // `Deno.listenDatagram` is missing without it.
  "--unstable-net",
  // 4 MB each: V8 would let the young generation grow to 100 MB over gigabytes for nothing.
  "--v8-flags=--max-semi-space-size=4",
];

/** Arguments of the `deno` call that builds one executable. */
export function compileArguments(target: Target, output: string): readonly string[] {
  return [
    "compile",
    "--quiet",
    "--target",
    target.triple,
    ...RUNTIME_FLAGS,
    ...EXECUTABLE_PERMISSIONS,
    "--include",
    "fixtures/media",
    "--output",
    output,
    "main.ts",
  ];
}

/** Lower-case hex of the SHA-256 of a file. */
async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How the script ends, as exit codes. */
const EXIT = { failed: 1, usage: 64, runtimeMissing: 69 } as const;

/** How building one executable ended. */
type Outcome = "built" | "failed" | "runtime-missing";

/** Whether the compiler failed because it could not have the runtime, not because of the program. */
export function isRuntimeMissing(stderr: string): boolean {
  return stderr.includes("Setting up base binary");
}

/** Why the compiler failed, in words that help. */
function explain(target: Target, stderr: string): string {
  if (!isRuntimeMissing(stderr)) return stderr.replace(/\nStack backtrace:[^]*/, "").trimEnd();
  return [
    `The runtime of Deno ${Deno.version.deno} for ${target.triple} could not be fetched.`,
    "`deno compile` downloads it once for each version and target: this needs a network that",
    "reaches Deno's download server, or a copy of it in Deno's cache. Deno said:",
    ...stderr.split("\n").filter((line) => /^\s+1: /.test(line)),
  ].join("\n");
}

/** Runs the executable once; what it printed as its version, or nothing when it does not work. */
async function startOnce(path: string): Promise<string | undefined> {
  const { success, stdout } = await new Deno.Command(path, { args: ["--version"], stdin: "null" })
    .output();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Builds one executable and says what is known about it. */
async function build(target: Target, dist: string): Promise<Outcome> {
  const output = `${dist}/${target.file}`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...compileArguments(target, output)],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (!success) {
    const text = new TextDecoder().decode(stderr);
    say(`${target.name}: failed\n${explain(target, text)}`);
    return isRuntimeMissing(text) ? "runtime-missing" : "failed";
  }
  const size = ((await Deno.stat(output)).size / 1e6).toFixed(1);
  if (target.triple !== Deno.build.target) {
    say(`${target.name}: ${output}, ${size} MB, untested: this machine cannot run it`);
    return "built";
  }
  const version = await startOnce(output);
  say(`${target.name}: ${output}, ${size} MB, ${version ?? "but it does not start"}`);
  return version === undefined ? "failed" : "built";
}

/** Rewrites the list of sums for all executables in `dist`. */
async function writeSums(dist: string): Promise<void> {
  let text = "";
  for (const { file } of TARGETS) {
    try {
      text += `${await sha256(`${dist}/${file}`)}  ${file}\n`;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  await Deno.writeTextFile(`${dist}/SHA256SUMS`, text);
}

if (import.meta.main) {
  Deno.chdir(new URL("..", import.meta.url));
  let targets: readonly Target[];
  try {
    targets = selectTargets(Deno.args, Deno.build.target);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    Deno.exit(EXIT.usage);
  }
  await Deno.mkdir("dist", { recursive: true });
  const outcomes: Outcome[] = [];
  for (const target of targets) outcomes.push(await build(target, "dist"));
  await writeSums("dist");
  if (outcomes.includes("failed")) Deno.exit(EXIT.failed);
  if (outcomes.includes("runtime-missing")) Deno.exit(EXIT.runtimeMissing);
}
