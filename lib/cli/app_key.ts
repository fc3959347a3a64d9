/**
 * The pair by which the app of another brand proves itself to that brand's cloud.
 *
 * ```text
 * default\00112233445566778899aabbccddeeff        {"user": "default\\0011…", "key": "…"}
 * 0123456789abcdef0123456789abcdef
 * ```
 *
 * @module
 */
import type { AppAccount } from "../core/cloud/wsse.ts";
import type { Host } from "./host.ts";
import type { Log } from "./log.ts";
import { APP_KEY_FILE } from "./options.ts";
import { quoted } from "./printable.ts";
import { readSecretFile } from "./secret_file.ts";
import type { Settings } from "./settings.ts";
import { configError } from "./usage.ts";

const FORM = 'It must hold the user on one line and the key on the next, or {"user": …, "key": …}.';

/**
 * The pair to use, or nothing for the built-in one. A file that others can read is warned about.
 *
 * @throws {FailureError} `config` when the file holds no pair.
 */
export function readAppKey(
  settings: Settings,
  host: Host,
  log: Pick<Log, "warning">,
): AppAccount | undefined {
  const path = settings.get(APP_KEY_FILE);
  return path === undefined ? undefined : readAppKeyFile(path, host, log);
}

/**
 * The pair in a file. One that others can read is warned about.
 *
 * @throws {FailureError} `config` when the file holds no pair.
 */
export function readAppKeyFile(
  path: string,
  host: Host,
  log: Pick<Log, "warning">,
): AppAccount {
  const label = path === "-" ? "Standard input" : `The app key file ${quoted(path)}`;
  const { text, readers } = readSecretFile(path, label, FORM, host);
  const app = text.trimStart().startsWith("{") ? fromJson(text) : fromLines(text);
  if (!app || !isWord(app.user) || !isWord(app.key)) {
    throw configError(`${label} holds no user and key of an app.`, FORM);
  }
  if (readers === "others") {
    log.warning({
      reason: "config",
      what: `${label} can be read by other users of this machine.`,
      advice: "Take that away with chmod 600.",
    });
  }
  return app;
}

function fromLines(text: string): AppAccount | undefined {
  const [user, key, ...rest] = text.split(/\r?\n/).map((line) => line.trim());
  if (user === undefined || key === undefined || rest.some((line) => line !== "")) return undefined;
  return { user, key };
}

function fromJson(text: string): AppAccount | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { user, key } = value as Readonly<Record<string, unknown>>;
  return typeof user === "string" && typeof key === "string" ? { user, key } : undefined;
}

/** What can stand between the quotes of a header. */
function isWord(text: string): boolean {
  return /^[\x21\x23-\x7e]{1,128}$/.test(text);
}
