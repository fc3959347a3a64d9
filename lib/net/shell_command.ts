/**
 * Runs a command line that the person at the program chose, with the system's shell.
 *
 * @module
 */

/** A command that hangs must not hold a check up for longer. */
const COMMAND_TIMEOUT_MS = 30_000;

/**
 * Runs a command line; its output goes to our standard error.
 *
 * @param env Added to the environment.
 * @returns What went wrong, or nothing.
 */
export async function runShellCommand(
  line: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const windows = Deno.build.os === "windows";
  try {
    const child = new Deno.Command(windows ? "cmd" : "sh", {
      args: windows ? ["/d", "/s", "/c", line] : ["-c", line],
      windowsRawArguments: windows,
      // A command that is told of a result has no business with the device's password.
      env: { ...env, DAHUA_P2P_PASSWORD: "" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
      signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
    }).spawn();
    for await (const chunk of child.stdout) Deno.stderr.writeSync(chunk);
    const { code, signal } = await child.status;
    if (signal) return `it was ended by ${signal} (after at most ${COMMAND_TIMEOUT_MS / 1000}s)`;
    return code === 0 ? undefined : `it ended with exit code ${code}`;
  } catch (error) {
    return error instanceof Error ? `${error.name}` : "it could not be run";
  }
}
