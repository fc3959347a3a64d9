/**
 * What is remembered of devices, in a small file that only its owner reads. It is a convenience:
 * whatever is wrong with it costs one warning, never a tunnel.
 *
 * The file is replaced as a whole, so that a reader sees the old one or the new one. Two processes
 * that write at the same instant may lose each other's last news, which then is news again.
 *
 * @module
 */
import { DecodeError } from "../core/errors.ts";
import type { Failure } from "../core/failure.ts";
import {
  type DeviceRoute,
  MAX_MEMORY_LENGTH,
  Memory,
  NewerMemoryError,
  type RouteMemory,
} from "../core/memory.ts";

/** What a state file is made of. */
export interface StateFileOptions {
  /** The file; its directory is made when it is missing. */
  readonly path: string;
  /** Told once for each thing that is wrong. */
  readonly onWarning: (failure: Failure) => void;
}

/** Only the owner may look. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Where the file of this user is: the system's place for what programs remember.
 *
 * @param env Reads one environment variable.
 * @returns Nothing when the environment names no such place.
 */
export function stateFilePath(
  os: typeof Deno.build.os,
  env: (name: string) => string | undefined,
): string | undefined {
  if (os === "windows") {
    const local = env("LOCALAPPDATA");
    return local ? `${local}\\dahua-p2p\\devices.json` : undefined;
  }
  // The specification of these directories tells to ignore relative ones.
  const absolute = (name: string): string | undefined => {
    const value = env(name);
    return value?.startsWith("/") ? value.replace(/\/+$/, "") : undefined;
  };
  const state = absolute("XDG_STATE_HOME");
  if (state !== undefined) return `${state}/dahua-p2p/devices.json`;
  const home = absolute("HOME");
  return home === undefined ? undefined : `${home}/.local/state/dahua-p2p/devices.json`;
}

/** Routes in a file. */
export class StateFile implements RouteMemory {
  readonly #path: string;
  readonly #onWarning: (failure: Failure) => void;
  readonly #warned = new Set<string>();
  #memory: Memory | undefined;
  /** Written by a later release: not ours to overwrite. */
  #isNewer = false;

  /** Touches nothing until it is asked. */
  constructor(options: StateFileOptions) {
    this.#path = options.path;
    this.#onWarning = options.onWarning;
  }

  /** How a device was reached last, in this process or before. */
  recall(serial: string): DeviceRoute | undefined {
    return (this.#memory ??= this.#read()).recall(serial);
  }

  /** Notes how a device was reached, in the file when that is news. */
  remember(serial: string, route: DeviceRoute): void {
    const memory = this.#memory ??= this.#read();
    if (!memory.remember(serial, route) || this.#isNewer) return;
    // Others may have written meanwhile.
    const latest = this.#read();
    if (this.#isNewer) return;
    latest.remember(serial, route);
    this.#write(latest.toText());
  }

  /** What the file says; nothing when there is none or it is damaged. */
  #read(): Memory {
    try {
      const text = readText(this.#path);
      if (text !== undefined) return Memory.parse(text, Date.now);
    } catch (error) {
      if (error instanceof NewerMemoryError) {
        this.#isNewer = true;
        this.#warn("is of a newer version and left alone", "Update this program.");
      } else if (error instanceof DecodeError || error instanceof TypeError) {
        this.#warn("is damaged and ignored", "It is made anew.");
      } else if (!isForbidden(error)) {
        this.#warn("cannot be read", WITHOUT);
      }
    }
    return new Memory(Date.now);
  }

  #write(text: string): void {
    const beside = `${this.#path}.${crypto.randomUUID()}.tmp`;
    try {
      const directory = this.#path.replace(/[/\\][^/\\]*$/, "");
      if (directory !== this.#path) {
        Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
      }
      Deno.writeTextFileSync(beside, text, { createNew: true, mode: FILE_MODE });
      Deno.renameSync(beside, this.#path);
    } catch (error) {
      removeQuietly(beside);
      if (!isForbidden(error)) this.#warn("cannot be written", WITHOUT);
    }
  }

  #warn(what: string, advice: string): void {
    if (this.#warned.has(what)) return;
    this.#warned.add(what);
    this.#onWarning({
      reason: "config",
      what: `The state file ${this.#path} ${what}.`,
      advice,
      facts: { path: this.#path },
    });
  }
}

const WITHOUT = "What worked will not be remembered; --no-state says that this is meant.";

/** The text of a file; nothing when there is none. @throws {TypeError} When it is not UTF-8. */
function readText(path: string): string | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    // One byte more than is allowed, so that too much is seen as such.
    const buffer = new Uint8Array(MAX_MEMORY_LENGTH + 1);
    let length = 0;
    while (length < buffer.length) {
      const count = file.readSync(buffer.subarray(length));
      if (count === null) break;
      length += count;
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
  } finally {
    file.close();
  }
}

/** Whoever ran the program without the permission meant that it shall not remember. */
function isForbidden(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable;
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It was never made.
  }
}
