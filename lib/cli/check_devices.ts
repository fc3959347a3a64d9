/**
 * Which devices a run checks: those of the command line and of its list.
 *
 * @module
 */
import { deviceId } from "../core/serial_hash.ts";
import {
  type BadEntry,
  type ListedDevice,
  MAX_LIST_LENGTH,
  parseDeviceList,
} from "../health/device_list.ts";
import type { FleetDevice } from "../health/fleet.ts";
import { isInShard, type Shard } from "../health/shard.ts";
import type { ConfiguredDevice } from "./config/config.ts";
import type { Host } from "./host.ts";
import { quoted } from "./printable.ts";
import { checkSerial } from "./serial.ts";
import { configError, usageError } from "./usage.ts";

/** A device, what its entry in a list says of it, and what the configuration does. */
export interface CheckedDevice extends FleetDevice {
  readonly entry: ListedDevice;
  readonly configured?: ConfiguredDevice | undefined;
}

/** What to check, and what could not be read. */
export interface CheckedDevices {
  readonly devices: readonly CheckedDevice[];
  readonly bad: readonly BadEntry[];
  readonly repeated: number;
}

/** Where devices are named. */
export interface DeviceSources {
  /** Serials and names of the command line. */
  readonly operands: readonly string[];
  /** Path of a list; `-` is standard input. */
  readonly file?: string | undefined;
  readonly shard?: Shard | undefined;
  /** Devices of the configuration; all enabled ones are checked when nothing else is named. */
  readonly configured?: readonly ConfiguredDevice[] | undefined;
  /** How a device without a name is called. */
  readonly unnamed: (serial: string) => string;
}

/**
 * Collects the devices, each once.
 *
 * @throws {FailureError} `usage` for a word that is neither serial nor name, `config` for a list that
 * cannot be read.
 */
export function collectDevices(sources: DeviceSources, host: Host): CheckedDevices {
  const { operands, file, shard, configured = [] } = sources;
  const isAll = operands.length === 0 && file === undefined;
  const given = isAll
    ? configured.filter(({ isEnabled }) => isEnabled).map(listed)
    : operands.map((word) => named(word, configured));
  const list = file === undefined
    ? { devices: [], bad: [], repeated: 0 }
    : parseDeviceList(readList(file, host), listLabel(file));
  const entries = new Map<string, ListedDevice>();
  let repeated = list.repeated;
  for (const entry of [...given, ...list.devices]) {
    if (entries.has(entry.serial)) repeated++;
    else entries.set(entry.serial, entry);
  }
  const mine = [...entries.values()].filter(({ serial }) => !shard || isInShard(serial, shard));
  // One part reports what is wrong with the list, not every part again.
  const bad = !shard || shard.index === 0 ? list.bad : [];
  const devices = distinct(mine, sources.unnamed).map((device) => {
    const match = configured.find(({ serial }) => serial === device.serial);
    return match ? { ...device, configured: match } : device;
  });
  return { devices, bad, repeated };
}

function listed({ serial, name }: ConfiguredDevice): ListedDevice {
  return { serial, name };
}

/** The device a word of the command line means: a name of the configuration, else a serial. */
function named(word: string, configured: readonly ConfiguredDevice[]): ListedDevice {
  const device = configured.find(({ name, serial }) => name === word || serial === word);
  if (device) return listed(device);
  if (configured.length > 0 && !/^[A-Za-z0-9]{10,32}$/.test(word)) {
    throw usageError(
      "A word is neither a device of the configuration nor a serial.",
      `The configuration has: ${configured.slice(0, 20).map(({ name }) => name).join(", ")}.`,
    );
  }
  return { serial: checkSerial(word) };
}

/** Gives every device a name no other has: programs tell devices apart by it. */
function distinct(
  entries: readonly ListedDevice[],
  unnamed: (serial: string) => string,
): CheckedDevice[] {
  const counts = new Map<string, number>();
  const names = entries.map(({ name, serial }) => name ?? unnamed(serial));
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return entries.map((entry, i) => {
    const id = deviceId(entry.serial);
    const name = names[i]!;
    const isUnique = counts.get(name) === 1;
    return { serial: entry.serial, id, name: isUnique ? name : `${name}-${id.slice(0, 6)}`, entry };
  });
}

function listLabel(path: string): string {
  return path === "-" ? "Standard input" : `The list ${quoted(path)}`;
}

function readList(path: string, host: Host): string {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const file = path === "-" ? undefined : host.open(path);
    try {
      for (;;) {
        const chunk = new Uint8Array(65_536);
        const count = (file ?? host.stdin).readSync(chunk);
        if (count === null || count === 0) break;
        chunks.push(chunk.subarray(0, count));
        length += count;
        // The reader of lists says so too; here it keeps an endless file from filling the memory.
        if (length > 4 * MAX_LIST_LENGTH) throw new RangeError("it is too long");
      }
    } finally {
      file?.close();
    }
  } catch (error) {
    throw configError(`${listLabel(path)} cannot be read: ${cause(error)}.`, "Check --file.");
  }
  try {
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw configError(`${listLabel(path)} is not UTF-8 text.`, "Save it as UTF-8.");
  }
}

function cause(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof RangeError) return error.message;
  return "it is no readable file";
}
