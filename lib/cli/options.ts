/**
 * Every option there is. The help, the parser and the environment read these rows and nothing else.
 *
 * @module
 */
import { parseCloud, parseForward } from "./address.ts";
import { parseDuration } from "./duration.ts";
import {
  integerFrom,
  oneOf,
  type Option,
  parsePlainText,
  switchOption,
  valueOption,
} from "./option.ts";
import { parseSize } from "./size.ts";

/** `-u`. */
export const USERNAME = valueOption({
  name: "username",
  short: "u",
  placeholder: "NAME",
  help: "account of the device itself, not of the vendor's app",
  parse: parsePlainText,
});

/** `-p`. */
export const PASSWORD = valueOption({
  name: "password",
  short: "p",
  placeholder: "PASSWORD",
  help: "its password; every user of this machine can see it here, so rather use:",
  secrecy: "secret",
  parse: parsePlainText,
});

/** `--password-file`. */
export const PASSWORD_FILE = valueOption({
  name: "password-file",
  placeholder: "FILE",
  help: "read the password from FILE, - for standard input; " +
    "without either it is asked for on a terminal",
  parse: parsePlainText,
});

/** `-d`. */
export const DEBUG = switchOption({
  name: "debug",
  short: "d",
  help: "protocol trace on standard error; with credentials also opens the stream in ffplay",
});

/** `-t`. */
export const TYPE = valueOption({
  name: "type",
  short: "t",
  placeholder: "auto|0|1",
  help: "device authentication when the session is set up; auto does what the device asks for",
  shownDefault: "auto",
  parse: oneOf("auto", "0", "1"),
});

/** `-L`. */
export const FORWARD = valueOption({
  name: "forward",
  short: "L",
  placeholder: "[BIND:]LOCAL:REMOTE",
  help: "listen on LOCAL (0 = any free port) and carry to the device's port REMOTE; " +
    "may be repeated, all share one session",
  shownDefault: "127.0.0.1:554:554, or local port 1554 where 554 cannot be had",
  occurrence: "repeatable",
  parse: parseForward,
});

/** `-r`. */
export const RELAY = switchOption({ name: "relay", short: "r", help: "same as --path relay" });

/** `--path`. */
export const PATH = valueOption({
  name: "path",
  placeholder: "auto|direct|relay",
  help: "way to the device; auto uses the relay when no direct path is found",
  shownDefault: "auto",
  parse: oneOf("auto", "direct", "relay"),
});

/** `--cloud`. */
export const CLOUD = valueOption({
  name: "cloud",
  placeholder: "HOST[:PORT]",
  help: "another cloud than the built-in one",
  parse: parseCloud,
});

/** `--timeout`. */
export const TIMEOUT = valueOption({
  name: "timeout",
  placeholder: "DURATION",
  help: "limit for the whole handshake",
  shownDefault: "30s",
  parse: (text) => parseDuration(text, { minMs: 1000, maxMs: 3_600_000 }),
});

/** `--max-clients`. */
export const MAX_CLIENTS = valueOption({
  name: "max-clients",
  placeholder: "N",
  help: "local clients at once",
  shownDefault: "32",
  parse: integerFrom(1, 1024),
});

/** `--client-buffer`. */
export const CLIENT_BUFFER = valueOption({
  name: "client-buffer",
  placeholder: "SIZE",
  help: "bytes kept for a client that reads slowly",
  shownDefault: "4MiB",
  parse: (text) => parseSize(text, { minBytes: 64 * 2 ** 10, maxBytes: 2 ** 30 }),
});

/** `--json`. */
export const JSON_LINES = switchOption({
  name: "json",
  help: "READY and LOST as JSON lines on standard output",
});

/** `--show-serials`. */
export const SHOW_SERIALS = switchOption({
  name: "show-serials",
  help: "serials and addresses in full in all output; passwords never appear",
});

/** `--log-level`. */
export const LOG_LEVEL = valueOption({
  name: "log-level",
  placeholder: "error|warn|info|debug|trace",
  help: "least important messages on standard error",
  shownDefault: "info",
  parse: oneOf("error", "warn", "info", "debug", "trace"),
});

/** `--log-format`. */
export const LOG_FORMAT = valueOption({
  name: "log-format",
  placeholder: "text|json",
  help: "form of the messages on standard error",
  shownDefault: "text",
  parse: oneOf("text", "json"),
});

/** `-q`. */
export const QUIET = switchOption({
  name: "quiet",
  short: "q",
  help: "same as --log-level warn",
});

/** `-h`. */
export const HELP = switchOption({
  name: "help",
  short: "h",
  help: "print this help",
  environment: "no",
});

/** `-V`. */
export const VERSION = switchOption({
  name: "version",
  short: "V",
  help: "print the version",
  environment: "no",
});

/** Options of every command. */
export const COMMON_OPTIONS = [
  SHOW_SERIALS,
  LOG_LEVEL,
  LOG_FORMAT,
  QUIET,
  HELP,
  VERSION,
] as const;

/** Every option of every command. */
export const ALL_OPTIONS: readonly Option<unknown>[] = [
  USERNAME,
  PASSWORD,
  PASSWORD_FILE,
  DEBUG,
  TYPE,
  FORWARD,
  RELAY,
  PATH,
  CLOUD,
  TIMEOUT,
  MAX_CLIENTS,
  CLIENT_BUFFER,
  JSON_LINES,
  ...COMMON_OPTIONS,
];
