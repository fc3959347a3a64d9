/**
 * Which devices a run checks: those of the command line and of its list.
 *
 * @module
 */
import { deviceId } from "../core/serial_hash.ts";
import { type BadEntry, type ListedDevice, parseDeviceList } from "../health/device_list.ts";
import type { FleetDevice } from "../health/fleet.ts";
import { isInShard, type Shard } from "../health/shard.ts";
import { MAX_LIST_LENGTH } from "../health/device_list.ts";
import type { Host } from "./host.ts";
import { quoted } from "./printable.ts";
import { checkSerial } from "./serial.ts";
import { configError } from "./usage.ts";

/** A device and what its entry says of it. */
export interface CheckedDevice extends FleetDevice {
  readonly entry: ListedDevice;
}

/**
 * Finds a device by the name it has in the configuration.
 *
 * @returns Nothing when the configuration has no such name.
 */
export type ResolveName = (name: string) => ListedDevice | undefined;

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
  readonly resolveName?: ResolveName | undefined;
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
  const { operands, file, shard, resolveName } = sources;
  const given = operands.map((word) => resolveName?.(word) ?? { serial: checkSerial(word) });
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
  return { devices: named(mine, sources.unnamed), bad, repeated };
}

/** Gives every device a name no other has: programs tell devices apart by it. */
function named(
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
