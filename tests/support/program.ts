/**
 * The program under test as a command: main.ts, or the executable that `deno task e2e
 * --executable FILE` names.
 *
 * @module
 */
import { EXECUTABLE_PERMISSIONS } from "../../lib/cli/permissions.ts";
import { EXECUTABLE_VARIABLE } from "../../scripts/e2e.ts";

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** A command and the arguments that come before the program's own. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

/** How to start the program under test. */
export function programUnderTest(): Program {
  const executable = Deno.env.get(EXECUTABLE_VARIABLE);
  if (executable) return { command: executable, args: [] };
  return {
    command: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      "--unstable-net",
      "--config",
      `${ROOT}deno.json`,
      ...EXECUTABLE_PERMISSIONS,
      `${ROOT}main.ts`,
    ],
  };
}
