/**
 * Runs the end-to-end tests: `deno task e2e [--executable FILE] [arguments of deno test]`.
 *
 * They play against foreign programs; when one is missing this says which and fails, and a run that
 * skipped a test or had none fails too. With `--executable` the program under test is that file
 * instead of main.ts.
 *
 * @module
 */
import { missingPrograms } from "./foreign_programs.ts";
import { objection, readTally } from "./junit.ts";

/** Name of the variable by which the tests learn which executable to run. */
export const EXECUTABLE_VARIABLE = "E2E_EXECUTABLE";

/** What the command line asks for. */
export interface E2eArguments {
  readonly executable: string | undefined;
  /** Where the report goes; nothing when nobody wants it. */
  readonly junitPath: string | undefined;
  /** Everything else, for `deno test`. */
  readonly rest: readonly string[];
}

/**
 * Takes the options of this script out of the arguments.
 *
 * @throws {RangeError} When an option lacks its value.
 */
export function parseE2eArguments(args: readonly string[]): E2eArguments {
  const values = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const match = /^(--executable|--junit-path)(?:=(.*))?$/.exec(args[i]!);
    if (!match) {
      rest.push(args[i]!);
      continue;
    }
    const value = match[2] ?? args[++i];
    if (!value) throw new RangeError(`${match[1]} needs a file`);
    values.set(match[1]!, value);
  }
  return {
    executable: values.get("--executable"),
    junitPath: values.get("--junit-path"),
    rest,
  };
}

function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/**
 * The absolute path of the executable to test.
 *
 * @throws {RangeError} When there is none.
 */
async function findExecutable(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new RangeError(`there is no ${path}`);
  }
}

/** Runs `deno test` on the end-to-end tests and returns the exit code that is due. */
async function runTests(options: E2eArguments, report: string): Promise<number> {
  const env: Record<string, string> = {};
  if (options.executable !== undefined) {
    env[EXECUTABLE_VARIABLE] = await findExecutable(options.executable);
  }
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--quiet",
      "--allow-all",
      `--junit-path=${report}`,
      ...options.rest,
      "tests/e2e/",
    ],
    env,
    stdin: "null",
  }).spawn().status;
  if (code !== 0) return code;
  const doubt = objection(readTally(await Deno.readTextFile(report)));
  if (doubt === undefined) return 0;
  say(`e2e: ${doubt}`);
  return 1;
}

if (import.meta.main) {
  const missing = await missingPrograms();
  for (const sentence of missing) say(`e2e: ${sentence}`);
  if (missing.length > 0) Deno.exit(69);
  try {
    const options = parseE2eArguments(Deno.args);
    const report = options.junitPath ?? await Deno.makeTempFile({ suffix: ".xml" });
    const code = await runTests(options, report);
    if (options.junitPath === undefined) await Deno.remove(report);
    Deno.exit(code);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    say(`e2e: ${error.message}`);
    Deno.exit(64);
  }
}
