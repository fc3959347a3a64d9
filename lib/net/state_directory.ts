/**
 * Where runs of this program leave word for each other: locks of devices, records of running
 * tunnels, the last result of a check.
 *
 * A service, a cron job and a person at a terminal have different environments, so that a reader
 * looks into every place there is and a writer takes the first it may write to.
 *
 * @module
 */

/** Reads one environment variable. */
export type ReadVariable = (name: string) => string | undefined;

/** What the places depend on. */
export interface StatePlaces {
  /** The one place to use, as the person chose it. */
  readonly chosen?: string | undefined;
  readonly env: ReadVariable;
  readonly os: typeof Deno.build.os;
}

/** Only the owner may look inside. */
const PRIVATE_MODE = 0o700;

/** Writable by the group or by everybody. */
const FOREIGN_WRITE_BITS = 0o022;

const NAME = "dahua-p2p";

/** Every directory that may hold state, best first; none of them need exist. */
export function stateDirectories(places: StatePlaces): readonly string[] {
  const { chosen, env, os } = places;
  if (chosen !== undefined) return [chosen];
  const within = (base: string | undefined, ...rest: string[]): readonly string[] =>
    base === undefined || base === "" ? [] : [[base.replace(/[/\\]$/, ""), ...rest].join("/")];
  if (os === "windows") {
    return [...within(env("LOCALAPPDATA"), NAME), ...within(env("TEMP"), NAME)];
  }
  return [
    ...within(env("XDG_STATE_HOME"), NAME),
    ...within(env("HOME"), ".local", "state", NAME),
    ...within(env("XDG_RUNTIME_DIR"), NAME),
    ...within(env("TMPDIR") || "/tmp", `${NAME}-${env("USER") ?? "shared"}`),
  ];
}

/**
 * The first of the directories that can be written, made where it is missing, with a subdirectory.
 *
 * @returns Path of the subdirectory, or nothing when there is no such place.
 */
export function writableStateDirectory(
  directories: readonly string[],
  subdirectory: string,
): string | undefined {
  for (const directory of directories) {
    try {
      Deno.mkdirSync(`${directory}/${subdirectory}`, { recursive: true, mode: PRIVATE_MODE });
      if (!isOurs(directory)) continue;
      return `${directory}/${subdirectory}`;
    } catch {
      // Read-only, or taken by a file: the next place may do.
    }
  }
  return undefined;
}

/** Whether we can write there, and others cannot: in a shared place somebody else may have been first. */
function isOurs(directory: string): boolean {
  const probe = `${directory}/.write-${crypto.randomUUID()}`;
  Deno.writeTextFileSync(probe, "", { createNew: true, mode: 0o600 });
  const mine = Deno.statSync(probe);
  Deno.removeSync(probe);
  const { uid, mode } = Deno.lstatSync(directory);
  return uid === mine.uid && (mode === null || (mode & FOREIGN_WRITE_BITS) === 0);
}
