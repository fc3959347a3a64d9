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
import { readSecretFile } from "./secret_file.ts";
import { askSecret } from "./secret_prompt.ts";
import type { Settings } from "./settings.ts";
import { configError, usageError } from "./usage.ts";

/** The person pressed Ctrl-C when asked for the password. */
export class PromptInterruptedError extends Error {
  override readonly name = "PromptInterruptedError";
}

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
    return readPasswordFile(path, host);
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

/**
 * The password in a file that holds it and nothing else.
 *
 * @throws {FailureError} `config` when it cannot be read or holds no password.
 */
export function readPasswordFile(path: string, host: Host): string {
  const { text } = readSecretFile(path, describeFile(path), WAYS, host);
  return checked(withoutLineEnd(text), describeFile(path));
}

function describeFile(path: string): string {
  return path === "-" ? "Standard input" : `The password file ${quoted(path)}`;
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
