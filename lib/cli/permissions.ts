/**
 * What the program may do on the machine: the union for the executable, and giving back what one
 * command does not need.
 *
 * @module
 */
/** The player that `--debug` opens. */
export const PLAYER = "ffplay";

/** What runs the command of `--on-change`. No other programs are ever run. */
export const SHELLS = ["sh", "cmd"] as const;

/** Environment variables read beside those of the options. */
export const PLAIN_ENVIRONMENT = [
  "NO_COLOR",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  // Where systemd passes the secrets of a service.
  "CREDENTIALS_DIRECTORY",
  // Where programs keep what they remember; see lib/net/state_directory.ts.
  "XDG_RUNTIME_DIR",
  "XDG_STATE_HOME",
  "HOME",
  "LOCALAPPDATA",
  "TEMP",
  "TMPDIR",
  "USER",
] as const;

/** Variables of our own: those of the options, and whatever a configuration refers to. */
const OWN_ENVIRONMENT = "DAHUA_P2P_*";

/**
 * Flags for `deno compile` and `deno run`: what all commands together need.
 *
 * Network: the addresses of devices and relays are known only during the handshake. Reading: the
 * password file may be anywhere, and the executable reads its own clip for the demonstration.
 * Writing: captures, reports and histories, wherever they are asked for.
 */
export const EXECUTABLE_PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  `--allow-env=${[OWN_ENVIRONMENT, ...PLAIN_ENVIRONMENT].join(",")}`,
  `--allow-run=${[PLAYER, ...SHELLS].join(",")}`,
];

/** The kinds of permission a command can go on to need. */
export type Needed = "net" | "read" | "write" | "run" | "env";

const REVOCABLE = ["net", "read", "write", "env", "run", "sys", "ffi"] as const;

/** Gives back every permission but the needed ones, for the rest of the process. */
export function keepPermissions(needed: readonly Needed[]): void {
  for (const name of REVOCABLE) {
    if (!needed.some((kept) => kept === name)) Deno.permissions.revokeSync({ name });
  }
}
