/**
 * Every option there is. The help, the parser and the environment read these rows and nothing else.
 *
 * @module
 */
import { parseCloudChoice, parseForward } from "./address.ts";
import { CHECK_OPTIONS } from "./check_options.ts";
import { parseDuration } from "./duration.ts";
import {
  integerFrom,
  oneOf,
  type Option,
  parsePlainText,
  switchOption,
  valueOption,
} from "./option.ts";
import { RUN_OPTIONS } from "./run_options.ts";
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
  placeholder: "auto|direct|relay|tcp-relay",
  help: "way to the device; auto uses the relay when no direct path is found, and at last the " +
    "experimental tcp-relay if the device names it",
  shownDefault: "auto",
  parse: oneOf("auto", "direct", "relay", "tcp-relay"),
});

/** `--prefer`. */
export const PREFER = valueOption({
  name: "prefer",
  placeholder: "direct|relay",
  help: "which way auto takes when both can be had; relay where a direct path is never found",
  shownDefault: "direct",
  parse: oneOf("direct", "relay"),
});

/** `--cloud`. */
export const CLOUD = valueOption({
  name: "cloud",
  placeholder: "auto|easy4ip|dolynk|HOST[:PORT]",
  help: "cloud the device is bound to; auto asks one after another and remembers which knew it",
  shownDefault: "auto",
  parse: parseCloudChoice,
});

/** `--dialect`. */
export const DIALECT = valueOption({
  name: "dialect",
  placeholder: "smartpss|dmss",
  help: "how the cloud is talked to",
  shownDefault: "as the cloud's own app does",
  parse: oneOf("smartpss", "dmss"),
});

/** `--app-key-file`. */
export const APP_KEY_FILE = valueOption({
  name: "app-key-file",
  placeholder: "FILE",
  help: "user and key of the cloud's own app, on two lines or as JSON; for other brands' clouds",
  parse: parsePlainText,
});

/** `--no-state`. */
export const NO_STATE = switchOption({
  name: "no-state",
  help: "neither read nor write what is remembered about devices between runs",
});

/** `--timeout`. */
export const TIMEOUT = valueOption({
  name: "timeout",
  placeholder: "DURATION",
  help: "limit for the whole handshake",
  shownDefault: "30s",
  parse: (text) => parseDuration(text, { minMs: 1000, maxMs: 3_600_000 }),
});

/** `--heartbeat`. */
export const HEARTBEAT = valueOption({
  name: "heartbeat",
  placeholder: "DURATION",
  help: "interval of the heartbeats that keep the session alive",
  shownDefault: "5s",
  parse: (text) => parseDuration(text, { minMs: 500, maxMs: 30_000 }),
});

/** `--dead-after`. */
export const DEAD_AFTER = valueOption({
  name: "dead-after",
  placeholder: "DURATION",
  help: "silence of the device after which the session is lost",
  shownDefault: "30s",
  parse: (text) => parseDuration(text, { minMs: 1_000, maxMs: 600_000 }),
});

/** `--retry-min`. */
export const RETRY_MIN = valueOption({
  name: "retry-min",
  placeholder: "DURATION",
  help: "first wait before another attempt; it doubles with each failure",
  shownDefault: "1s",
  parse: (text) => parseDuration(text, { minMs: 100, maxMs: 3_600_000 }),
});

/** `--retry-max`. */
export const RETRY_MAX = valueOption({
  name: "retry-max",
  placeholder: "DURATION",
  help: "longest wait before another attempt",
  shownDefault: "60s",
  parse: (text) => parseDuration(text, { minMs: 100, maxMs: 86_400_000 }),
});

/** `--max-retries`. */
export const MAX_RETRIES = valueOption({
  name: "max-retries",
  placeholder: "N",
  help: "failures in a row before it ends, the first attempt's too; 0 = end with the first; " +
    "without it a first attempt that fails ends it, and later ones are repeated for ever",
  parse: integerFrom(0, 1_000_000),
});

/** `--session-cooldown`. */
export const SESSION_COOLDOWN = valueOption({
  name: "session-cooldown",
  placeholder: "DURATION",
  help: "wait after a session, so that the device has let go of it",
  shownDefault: "30s after a lost one, 10s after a clean close",
  parse: (text) => parseDuration(text, { minMs: 0, maxMs: 3_600_000 }),
});

/** `--auth-retry`. */
export const AUTH_RETRY = valueOption({
  name: "auth-retry",
  placeholder: "DURATION|never",
  help: "wait after a refused login; devices lock out after a few",
  shownDefault: "never",
  parse: (text): number | "never" =>
    text === "never" ? text : parseDuration(text, { minMs: 60_000, maxMs: 86_400_000 }),
});

/** `--wait`. */
export const WAIT = valueOption({
  name: "wait",
  placeholder: "DURATION",
  help: "how long a local client that comes while there is no session waits for one before it is " +
    "told so",
  shownDefault: "0s",
  parse: (text) => parseDuration(text, { minMs: 0, maxMs: 600_000 }),
});

/** Options of the life of a session, and after it. */
export const RETRY_OPTIONS = [
  HEARTBEAT,
  DEAD_AFTER,
  RETRY_MIN,
  RETRY_MAX,
  MAX_RETRIES,
  SESSION_COOLDOWN,
  AUTH_RETRY,
  WAIT,
] as const;

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

/** `--receive-window`. */
export const RECEIVE_WINDOW = valueOption({
  name: "receive-window",
  placeholder: "SIZE",
  help: "bytes the device may have in flight; more than 64 KiB is faster on long ways, " +
    "but no real device has been seen to be offered it",
  shownDefault: "64KiB, unscaled",
  parse: (text) => parseSize(text, { minBytes: 16 * 2 ** 10, maxBytes: 16 * 2 ** 20 }),
});

/** `--capture`. */
export const CAPTURE = valueOption({
  name: "capture",
  placeholder: "FILE.pcapng",
  help: "write what the sockets carry, for Wireshark; logins, digests and tokens are blanked, " +
    "pictures are not",
  parse: parsePlainText,
});

/** `--capture-secrets`. */
export const CAPTURE_SECRETS = switchOption({
  name: "capture-secrets",
  help: "leave logins, digests and tokens in a capture as they are",
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
  PREFER,
  CLOUD,
  DIALECT,
  APP_KEY_FILE,
  NO_STATE,
  TIMEOUT,
  MAX_CLIENTS,
  CLIENT_BUFFER,
  RECEIVE_WINDOW,
  CAPTURE,
  CAPTURE_SECRETS,
  JSON_LINES,
  ...RETRY_OPTIONS,
  ...CHECK_OPTIONS,
  ...RUN_OPTIONS,
  ...COMMON_OPTIONS,
];
