/**
 * What the program may do on the machine: the union for the executable, and giving back what one
 * command does not need.
 *
 * @module
 */
import { ALL_OPTIONS } from "./options.ts";
import { environmentName } from "./option.ts";

/** The player that `--debug` opens. The only program that is ever run. */
export const PLAYER = "ffplay";

/** Environment variables read beside those of the options. */
export const PLAIN_ENVIRONMENT = ["NO_COLOR", "DISPLAY", "WAYLAND_DISPLAY"] as const;

/** Every environment variable that is read. */
export const ENVIRONMENT_NAMES: readonly string[] = [
  ...ALL_OPTIONS.filter((option) => option.environment === "yes").map(environmentName),
  ...PLAIN_ENVIRONMENT,
];

/**
 * Flags for `deno compile` and `deno run`: what all commands together need.
 *
 * Network: the addresses of devices and relays are known only during the handshake. Reading: the
 * password file may be anywhere, and the executable reads its own clip for the demonstration.
 */
export const EXECUTABLE_PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  `--allow-env=${ENVIRONMENT_NAMES.join(",")}`,
  `--allow-run=${PLAYER}`,
];

/** The kinds of permission a command can go on to need. */
export type Needed = "net" | "read" | "run";

const REVOCABLE = ["net", "read", "write", "env", "run", "sys", "ffi"] as const;

/** Gives back every permission but the needed ones, for the rest of the process. */
export function keepPermissions(needed: readonly Needed[]): void {
  for (const name of REVOCABLE) {
    if (!needed.some((kept) => kept === name)) Deno.permissions.revokeSync({ name });
  }
}
