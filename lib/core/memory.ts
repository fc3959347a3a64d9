/**
 * What is remembered of devices: which cloud and dialect reached them, whether with a sign, and by
 * which path. No secrets, and no serials: a device is known by a digest of its own.
 *
 * ```json
 * {
 *   "version": 1,
 *   "devices": {
 *     "3f0a…": { "cloud": "dolynk", "dialect": "dmss", "sign": "skip", "path": "direct", "day": 20702 }
 *   }
 * }
 * ```
 *
 * `day` counts from 1970-01-01: when it worked last. The memory is bounded; the longest unseen go.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, utf8 } from "./bytes.ts";
import type { PathKind } from "./carrier.ts";
import type { SignChoice } from "./cloud/dialect.ts";
import { DIALECT_NAMES, type DialectName } from "./cloud_choice.ts";
import { DecodeError } from "./errors.ts";

/** How a device was reached. */
export interface DeviceRoute {
  /** As `--cloud` names it: a word, or `HOST:PORT`. */
  readonly cloud: string;
  /** Name of the dialect. */
  readonly dialect: DialectName;
  /** Whether a sign was asked for. */
  readonly sign: SignChoice;
  /** The path that carried it. */
  readonly path: PathKind;
}

/** Whoever remembers routes. */
export interface RouteMemory {
  /** How a device was reached last; nothing when that is not known. */
  recall(serial: string): DeviceRoute | undefined;
  /** Notes how a device was reached. Never throws. */
  remember(serial: string, route: DeviceRoute): void;
}

/** The form of the text. */
export const MEMORY_VERSION = 1;

/** Devices remembered: far more than one site has. */
export const MAX_REMEMBERED = 2048;

/** Longest text read, in characters: {@linkcode MAX_REMEMBERED} devices with long host names. */
export const MAX_MEMORY_LENGTH = 1_000_000;

const DAY_MS = 86_400_000;
const SIGNS: readonly SignChoice[] = ["ask", "skip"];
/** A record, so that a new kind of path cannot be forgotten here. */
const IS_PATH: Readonly<Record<PathKind, true>> = {
  direct: true,
  relay: true,
  "tcp-relay": true,
};
const PATHS = Object.keys(IS_PATH) as PathKind[];

interface Entry extends DeviceRoute {
  readonly day: number;
}

/** Routes in memory. */
export class Memory implements RouteMemory {
  readonly #unixTimeMs: () => number;
  readonly #entries = new Map<string, Entry>();

  /**
   * A memory that knows nothing.
   *
   * @param unixTimeMs The wall clock, Unix time in ms.
   */
  constructor(unixTimeMs: () => number) {
    this.#unixTimeMs = unixTimeMs;
  }

  /**
   * The memory in a text.
   *
   * @throws {DecodeError} When it is none, or one of another version.
   */
  static parse(text: string, unixTimeMs: () => number): Memory {
    const memory = new Memory(unixTimeMs);
    for (const [key, value] of Object.entries(devicesIn(text))) {
      if (!/^[0-9a-f]{32}$/.test(key)) throw new DecodeError("not a device");
      memory.#entries.set(key, entryOf(value));
      if (memory.#entries.size > MAX_REMEMBERED) throw new DecodeError("too many devices");
    }
    return memory;
  }

  /** Devices remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** How a device was reached last. */
  recall(serial: string): DeviceRoute | undefined {
    const entry = this.#entries.get(keyOf(serial));
    if (!entry) return undefined;
    const { cloud, dialect, sign, path } = entry;
    return { cloud, dialect, sign, path };
  }

  /**
   * Notes how a device was reached.
   *
   * @returns Whether that is news worth keeping: the same on the same day is none.
   */
  remember(serial: string, route: DeviceRoute): boolean {
    const { cloud, dialect, sign, path } = route;
    const day = Math.max(0, Math.floor(this.#unixTimeMs() / DAY_MS));
    const entry: Entry = { cloud, dialect, sign, path, day };
    const key = keyOf(serial);
    const known = this.#entries.get(key);
    if (known && JSON.stringify(known) === JSON.stringify(entry)) return false;
    this.#entries.set(key, entry);
    if (this.#entries.size > MAX_REMEMBERED) this.#forgetOldest();
    return true;
  }

  /** The text of it all, which {@linkcode Memory.parse} reads. */
  toText(): string {
    const devices = Object.fromEntries(this.#entries);
    return `${JSON.stringify({ version: MEMORY_VERSION, devices }, undefined, 1)}\n`;
  }

  #forgetOldest(): void {
    let oldest: string | undefined;
    let day = Infinity;
    for (const [key, entry] of this.#entries) {
      if (entry.day >= day) continue;
      oldest = key;
      day = entry.day;
    }
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

/** Serials are printed on boxes and known to many: the file of one machine need not list them. */
function keyOf(serial: string): string {
  return toHex(sha256(utf8(`dahua-p2p device ${serial}`))).slice(0, 32);
}

function devicesIn(text: string): object {
  if (text.length > MAX_MEMORY_LENGTH) throw new DecodeError("too long");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DecodeError("not JSON");
  }
  if (!isObject(value)) throw new DecodeError("not an object");
  const { version, devices } = value;
  if (version !== MEMORY_VERSION) {
    throw typeof version === "number" && version > MEMORY_VERSION
      ? new NewerMemoryError("of a newer version")
      : new DecodeError("of no known version");
  }
  if (!isObject(devices)) throw new DecodeError("without devices");
  return devices;
}

function entryOf(value: unknown): Entry {
  if (!isObject(value)) throw new DecodeError("a device is no object");
  const { cloud, dialect, sign, path, day } = value;
  if (typeof cloud !== "string" || !/^[0-9A-Za-z.-]{1,253}(:\d{1,5})?$/.test(cloud)) {
    throw new DecodeError("no cloud");
  }
  if (typeof day !== "number" || !Number.isInteger(day) || day < 0) {
    throw new DecodeError("no day");
  }
  return {
    cloud,
    dialect: oneOf(DIALECT_NAMES, dialect, "dialect"),
    sign: oneOf(SIGNS, sign, "sign"),
    path: oneOf(PATHS, path, "path"),
    day,
  };
}

function oneOf<Word extends string>(words: readonly Word[], value: unknown, what: string): Word {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw new DecodeError(`no ${what}`);
  return word;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text was written by a later release: it is not ours to overwrite. */
export class NewerMemoryError extends DecodeError {}
