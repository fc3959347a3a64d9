/**
 * The device account: its name from an option, its password from wherever it is kept.
 *
 * @module
 */
import { FailureError } from "../core/failure.ts";
import type { DeviceCredentials } from "../net/connect.ts";
import type { Host } from "./host.ts";
import { PASSWORD, PASSWORD_FILE, USERNAME } from "./options.ts";
import { quoted } from "./printable.ts";
import { askSecret } from "./secret_prompt.ts";
import type { Settings } from "./settings.ts";
import { configError, usageError } from "./usage.ts";

/** The person pressed Ctrl-C when asked for the password. */
export class PromptInterruptedError extends Error {
  override readonly name = "PromptInterruptedError";
}

/** Longest password file, in bytes: anything longer is no password. */
const MAX_FILE_BYTES = 4096;

const WAYS = "Set DAHUA_P2P_PASSWORD_FILE, or use --password-file FILE.";

/**
 * The account to use, or nothing when none is given.
 *
 * @throws {FailureError} `config` when there is no usable password, `usage` when options contradict.
 * @throws {PromptInterruptedError} When the person gives up at the prompt.
 */
export function readCredentials(settings: Settings, host: Host): DeviceCredentials | undefined {
  const username = settings.get(USERNAME);
  const given = settings.chosen(PASSWORD, PASSWORD_FILE);
  if (username === undefined) {
    if (given === undefined) return undefined;
    const raise = settings.source(given) === "flag" ? usageError : configError;
    throw raise(`${settings.label(given)} is given without a user name.`, "Add --username NAME.");
  }
  return { username, password: readPassword(username, given, settings, host) };
}

function readPassword(
  username: string,
  given: unknown,
  settings: Settings,
  host: Host,
): string {
  if (given === PASSWORD) return checked(settings.get(PASSWORD) ?? "", settings.label(PASSWORD));
  const path = given === PASSWORD_FILE ? settings.get(PASSWORD_FILE) : undefined;
  const terminal = host.stdin.isTerminal() && host.stderrIsTerminal;
  if (path !== undefined && !(path === "-" && terminal)) {
    return checked(withoutLineEnd(readText(path, host)), describeFile(path));
  }
  if (!terminal) {
    throw configError(
      "There is a user name but no password, and no terminal to ask for one.",
      WAYS,
    );
  }
  const answer = askSecret(`Password of ${quoted(username)}: `, host.stdin, host.stderr);
  if (answer.type === "interrupted") throw new PromptInterruptedError("interrupted");
  return checked(answer.type === "secret" ? answer.secret : "", "The answer");
}

function describeFile(path: string): string {
  return path === "-" ? "Standard input" : `The password file ${quoted(path)}`;
}

/** Reads a bounded text, also from what is no regular file: a pipe, a file descriptor. */
function readText(path: string, host: Host): string {
  const buffer = new Uint8Array(MAX_FILE_BYTES + 1);
  let length = 0;
  try {
    const file = path === "-" ? undefined : host.open(path);
    try {
      while (length < buffer.length) {
        const count = (file ?? host.stdin).readSync(buffer.subarray(length));
        if (count === null || count === 0) break;
        length += count;
      }
    } finally {
      file?.close();
    }
  } catch (error) {
    throw configError(`${describeFile(path)} cannot be read: ${cause(error)}.`, WAYS);
  }
  if (length > MAX_FILE_BYTES) {
    throw configError(`${describeFile(path)} is longer than ${MAX_FILE_BYTES} bytes.`, WAYS);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
  } catch {
    throw configError(`${describeFile(path)} is not UTF-8 text.`, WAYS);
  }
}

function cause(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return "it is no readable file";
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function checked(password: string, where: string): string {
  if (password === "") throw configError(`${where} holds no password.`, WAYS);
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(password)) {
    throw new FailureError({
      reason: "config",
      what: `${where} holds more than one line, or control characters.`,
      advice: "It must hold the password and nothing else.",
    });
  }
  return password;
}
