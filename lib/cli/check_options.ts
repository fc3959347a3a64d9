/**
 * Options of `check` and `report`.
 *
 * @module
 */
import { CHECK_LEVELS } from "../health/check_level.ts";
import type { Shard } from "../health/shard.ts";
import { parseDuration } from "./duration.ts";
import {
  integerFrom,
  oneOf,
  type Option,
  parsePlainText,
  switchOption,
  valueOption,
} from "./option.ts";
import { InvalidValue } from "./usage.ts";

/** `--level`. */
export const LEVEL = valueOption({
  name: "level",
  placeholder: "cloud|session|port|rtsp|media",
  help: "how far to check; each level includes the ones before it, cloud costs the device nothing",
  shownDefault: "rtsp",
  parse: oneOf(...CHECK_LEVELS),
});

/** `--port`. */
export const PORT = valueOption({
  name: "port",
  placeholder: "PORT",
  help: "port of the device that must be granted; may be repeated",
  shownDefault: "554",
  occurrence: "repeatable",
  parse: integerFrom(1, 65_535),
});

/** `--channel`. */
export const CHANNEL = valueOption({
  name: "channel",
  placeholder: "N[-M]",
  help: "channels to describe, of which the first is watched at level media; may be repeated",
  shownDefault: "1",
  occurrence: "repeatable",
  parse: parseChannels,
});

/** `--file`. */
export const FILE = valueOption({
  name: "file",
  placeholder: "LIST",
  help: "check the devices of LIST too: a serial and a name a line, CSV with a column serial, or " +
    "JSON; - for standard input",
  parse: parsePlainText,
});

/** `--shard`. */
export const SHARD = valueOption({
  name: "shard",
  placeholder: "I/N",
  help: "check only part I (from 0) of N; every device is in exactly one part",
  parse: parseShard,
});

/** `--concurrency`. */
export const CONCURRENCY = valueOption({
  name: "concurrency",
  placeholder: "N",
  help: "devices at once; of those at most 4 make a session at a time",
  shownDefault: "32 at level cloud, 8 above",
  parse: integerFrom(1, 256),
});

/** `--rate`. */
export const RATE = valueOption({
  name: "rate",
  placeholder: "N",
  help: "devices begun in a second at most",
  parse: integerFrom(1, 1000),
});

/** `--splay`. */
export const SPLAY = valueOption({
  name: "splay",
  placeholder: "DURATION",
  help: "wait a random part of this before beginning; it does not count for --timeout",
  parse: (text) => parseDuration(text, { minMs: 0, maxMs: 3_600_000 }),
});

/** `--timeout`, as `check` means it. */
export const CHECK_TIMEOUT = valueOption({
  name: "timeout",
  placeholder: "DURATION",
  help: "limit for the whole run, and so for every device",
  shownDefault: "30s for each device, none for the run",
  parse: (text) => parseDuration(text, { minMs: 1000, maxMs: 24 * 3_600_000 }),
});

/** `--media-time`. */
export const MEDIA_TIME = valueOption({
  name: "media-time",
  placeholder: "DURATION",
  help: "how long the video is watched at level media",
  shownDefault: "5s",
  parse: (text) => parseDuration(text, { minMs: 500, maxMs: 300_000 }),
});

/** `--key-frame-timeout`. */
export const KEY_FRAME_TIMEOUT = valueOption({
  name: "key-frame-timeout",
  placeholder: "DURATION",
  help: "how long the first key frame may take at level media",
  shownDefault: "10s",
  parse: (text) => parseDuration(text, { minMs: 500, maxMs: 60_000 }),
});

/** `--json`, as `check` and `report` mean it. */
export const CHECK_JSON = switchOption({
  name: "json",
  help: "one JSON object a line on standard output",
});

/** `--nagios`. */
export const NAGIOS = switchOption({
  name: "nagios",
  help: "one line with figures, exit code 0 to 3; relay in use or a slow handshake is a warning",
});

/** `--textfile`. */
export const TEXTFILE = valueOption({
  name: "textfile",
  placeholder: "FILE",
  help: "metrics for the textfile collector of node_exporter; written whatever happens",
  parse: parsePlainText,
});

/** `--junit`. */
export const JUNIT = valueOption({
  name: "junit",
  placeholder: "FILE",
  help: "JUnit report",
  parse: parsePlainText,
});

/** `--ping-url`. */
export const PING_URL = valueOption({
  name: "ping-url",
  placeholder: "URL",
  help: "watchdog that is told of the run: URL/start before it, URL/<exit code> after it",
  secrecy: "secret",
  parse: parseWebUrl,
});

/** `--on-change`. */
export const ON_CHANGE = valueOption({
  name: "on-change",
  placeholder: "COMMAND",
  help: "run for each device whose state is not that of the last check, with the result in " +
    "CHECK_DEVICE, CHECK_STATE, CHECK_PREVIOUS_STATE, CHECK_REASON, CHECK_MESSAGE and CHECK_JSON",
  parse: parsePlainText,
});

/** `--history`. */
export const HISTORY = valueOption({
  name: "history",
  placeholder: "FILE",
  help: "keep every result in FILE: SQLite, or JSON lines when it ends in .jsonl",
  parse: parsePlainText,
});

/** `--state-dir`. */
export const STATE_DIR = valueOption({
  name: "state-dir",
  placeholder: "DIR",
  help: "where runs leave word for each other: running tunnels, locks, last states",
  shownDefault: "$XDG_STATE_HOME/dahua-p2p, ~/.local/state/dahua-p2p, …",
  parse: parsePlainText,
});

/** `--since`. */
export const SINCE = valueOption({
  name: "since",
  placeholder: "SPAN",
  help: "how far back the report goes: 12h, 30d, 8w",
  shownDefault: "30d",
  parse: parseSpan,
});

/** `--html`. */
export const HTML = valueOption({
  name: "html",
  placeholder: "FILE",
  help: "write the report as one HTML page with charts",
  parse: parsePlainText,
});

/** Every option above, for what must know them all. */
export const CHECK_OPTIONS: readonly Option<unknown>[] = [
  LEVEL,
  PORT,
  CHANNEL,
  FILE,
  SHARD,
  CONCURRENCY,
  RATE,
  SPLAY,
  MEDIA_TIME,
  KEY_FRAME_TIMEOUT,
  NAGIOS,
  TEXTFILE,
  JUNIT,
  PING_URL,
  ON_CHANGE,
  HISTORY,
  STATE_DIR,
  SINCE,
  HTML,
];

const MAX_CHANNELS = 64;
const MAX_CHANNEL = 1_024;

function parseChannels(text: string): readonly number[] {
  const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(text) ?? [];
  const from = Number(first ?? NaN);
  const count = Number(last ?? NaN) - from + 1;
  if (!(from >= 1 && from + count - 1 <= MAX_CHANNEL && count >= 1 && count <= MAX_CHANNELS)) {
    throw new InvalidValue(`a channel or up to ${MAX_CHANNELS} in a row (1, 1-16)`);
  }
  return Array.from({ length: count }, (_, i) => from + i);
}

function parseShard(text: string): Shard {
  const [, index, count] = /^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? [];
  const shard = { index: Number(index ?? NaN), count: Number(count ?? NaN) };
  if (!(shard.count >= 1 && shard.index < shard.count)) {
    throw new InvalidValue("I/N with I from 0 to N-1 (0/4, 3/4)");
  }
  return shard;
}

function parseWebUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new InvalidValue("an http or https URL");
  return url;
}

const SPAN_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 };

function parseSpan(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([hdw])$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidValue("hours, days or weeks (12h, 30d, 8w)");
  return Number(count) * SPAN_MS[unit!]!;
}
