/**
 * Lists of devices as people keep them: text, CSV or JSON.
 *
 * ```text
 * text   SERIAL [NAME]             a line each; what follows # is a remark
 * CSV    serial,name,ports,…       a header line; separated by commas, semicolons or tabs
 * JSON   ["SERIAL", {"serial": "SERIAL", "name": "front-door", "ports": [554, 80]}]
 * ```
 *
 * A line that cannot be used costs that one device, which is reported; a list that cannot be read
 * costs all of them.
 *
 * @module
 */
import { parse } from "@std/csv";
import { type Failure, FailureError } from "../core/failure.ts";

/** One device of a list. */
export interface ListedDevice {
  readonly serial: string;
  /** Printable, for output; absent: the redacted serial. */
  readonly name?: string | undefined;
  readonly ports?: readonly number[] | undefined;
  readonly channels?: readonly number[] | undefined;
  /** Account of the device, when it is not that of all; its password is read from `passwordFile`. */
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** An entry that is no device. */
export interface BadEntry {
  /** Where it stands, e.g. `line 12`. */
  readonly where: string;
  readonly failure: Failure;
}

/** What a list holds. Of a serial that is named twice the first entry counts. */
export interface DeviceList {
  readonly devices: readonly ListedDevice[];
  readonly bad: readonly BadEntry[];
  /** Entries that repeat a serial. */
  readonly repeated: number;
}

/** Longest list, in characters: a hundred thousand lines of a hundred. */
export const MAX_LIST_LENGTH = 10_000_000;

const MAX_ENTRIES = 100_000;
const MAX_NAME_LENGTH = 64;
const FIELDS = new Set(["serial", "name", "ports", "channels", "username", "password_file"]);

/** Fields of one entry, before they are judged. */
type Raw = Readonly<Record<string, unknown>>;

/**
 * Reads a list; its form is told from its beginning.
 *
 * @param what The list, for messages, e.g. `The list "cameras.csv"`.
 * @throws {FailureError} `config` when it is none of the forms, too long, or empty.
 */
export function parseDeviceList(text: string, what: string): DeviceList {
  if (text.length > MAX_LIST_LENGTH) {
    throw unreadable(`${what} is longer than 10 million characters`);
  }
  const body = text.replace(/^\ufeff/, "");
  const entries = /^\s*[[{]/.test(body)
    ? jsonEntries(body, what)
    : looksLikeCsv(body)
    ? csvEntries(body, what)
    : textEntries(body);
  if (entries.length === 0) throw unreadable(`${what} names no device`);
  if (entries.length > MAX_ENTRIES) {
    throw unreadable(`${what} has more than ${MAX_ENTRIES} entries`);
  }
  const devices = new Map<string, ListedDevice>();
  const bad: BadEntry[] = [];
  let repeated = 0;
  for (const { where, raw } of entries) {
    const device = judge(raw);
    if (typeof device === "string") {
      bad.push({ where, failure: badEntry(what, where, device) });
    } else if (devices.has(device.serial)) {
      repeated++;
    } else {
      devices.set(device.serial, device);
    }
  }
  return { devices: [...devices.values()], bad, repeated };
}

interface Entry {
  readonly where: string;
  readonly raw: Raw;
}

function textEntries(text: string): Entry[] {
  return text.split(/\r?\n/).flatMap((line, i): Entry[] => {
    const [serial, ...name] = line.replace(/(?:^|\s)#.*$/, "").trim().split(/\s+/);
    if (!serial) return [];
    return [{ where: `line ${i + 1}`, raw: { serial, name: name.join(" ") } }];
  });
}

/** The first line that says anything is a header: it names the column of serials. */
function looksLikeCsv(text: string): boolean {
  const header = text.split(/\r?\n/).find((line) => line.trim() !== "") ?? "";
  return separatorOf(header) !== undefined &&
    header.split(/[,;\t]/).some((name) => columnName(name) === "serial");
}

function separatorOf(header: string): string | undefined {
  return [",", ";", "\t"].find((separator) => header.includes(separator));
}

function columnName(text: string): string {
  return text.trim().replace(/^"(.*)"$/, "$1").trim().toLowerCase().replace(/[ -]/g, "_");
}

function csvEntries(text: string, what: string): Entry[] {
  let rows: string[][];
  try {
    const header = text.split(/\r?\n/).find((line) => line.trim() !== "") ?? "";
    rows = parse(text, { separator: separatorOf(header) ?? ",", fieldsPerRecord: -1 });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const line = /line (\d+)/.exec(error.message)?.[1];
    throw unreadable(`${what} is no CSV${line ? ` from line ${line} on` : ""}: a quote is missing`);
  }
  const [header = [], ...body] = rows;
  const columns = header.map(columnName);
  return body.flatMap((cells, i): Entry[] => {
    if (cells.every((cell) => cell.trim() === "")) return [];
    const raw = Object.fromEntries(
      columns.map((column, at) => [column, cells[at]?.trim() ?? ""] as const)
        .filter(([column]) => FIELDS.has(column)),
    );
    return [{ where: `row ${i + 2}`, raw }];
  });
}

function jsonEntries(text: string, what: string): Entry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable(`${what} begins like JSON and is none`);
  }
  const list = Array.isArray(value)
    ? value
    : value !== null && typeof value === "object" && "devices" in value
    ? value.devices
    : undefined;
  if (!Array.isArray(list)) throw unreadable(`${what} is no JSON array of devices`);
  return list.map((item, i) => ({
    where: `entry ${i + 1}`,
    raw: typeof item === "string" ? { serial: item } : isRecord(item) ? item : {},
  }));
}

function isRecord(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The device of an entry, or what is wrong with it; its values are not repeated. */
function judge(raw: Raw): ListedDevice | string {
  const { serial } = raw;
  if (typeof serial !== "string" || serial === "") return "it names no serial";
  if (!/^[A-Za-z0-9]{10,32}$/.test(serial)) return "its serial is not 10 to 32 letters and digits";
  const name = raw["name"] ?? "";
  const username = raw["username"] ?? "";
  const passwordFile = raw["password_file"] ?? "";
  for (const text of [name, username, passwordFile]) {
    // deno-lint-ignore no-control-regex -- they are what is looked for
    if (typeof text !== "string" || /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/.test(text)) {
      return "a field holds something else than printable text";
    }
  }
  if ((name as string).length > MAX_NAME_LENGTH) {
    return `its name is longer than ${MAX_NAME_LENGTH} characters`;
  }
  const ports = numbers(raw["ports"], 65_535);
  const channels = numbers(raw["channels"], 1_024);
  if (ports === "bad") return "its ports are not numbers from 1 to 65535";
  if (channels === "bad") return "its channels are not numbers from 1 to 1024";
  return {
    serial,
    ...(name === "" ? {} : { name: name as string }),
    ...(ports ? { ports } : {}),
    ...(channels ? { channels } : {}),
    ...(username === "" ? {} : { username: username as string }),
    ...(passwordFile === "" ? {} : { passwordFile: passwordFile as string }),
  };
}

/** Numbers of a JSON array, or of a text with anything but digits between them. */
function numbers(value: unknown, max: number): readonly number[] | "bad" | undefined {
  if (value === undefined || value === "") return undefined;
  const items = Array.isArray(value) ? value : String(value).split(/[\s,;+|]+/);
  const list = items.map((item) => /^\d{1,5}$/.test(String(item)) ? Number(item) : NaN);
  const good = list.length > 0 && list.length <= 64 &&
    list.every((number) => number >= 1 && number <= max);
  return good ? [...new Set(list)] : "bad";
}

function unreadable(what: string): FailureError {
  return new FailureError({
    reason: "config",
    what: `${what}.`,
    advice: "A list is a serial a line, CSV with a column named serial, or a JSON array.",
  });
}

function badEntry(what: string, where: string, why: string): Failure {
  return {
    reason: "config",
    what: `${what}, ${where}: ${why}.`,
    advice: "Correct the entry; the other devices were checked.",
    facts: { where },
  };
}
