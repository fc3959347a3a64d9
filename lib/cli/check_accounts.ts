/**
 * The accounts of the devices that are checked: those of a configuration and those of a list.
 *
 * @module
 */
import type { DeviceCredentials } from "../net/connect.ts";
import type { CheckedDevice } from "./check_devices.ts";
import type { CommandContext } from "./command.ts";
import type { ConfiguredDevice } from "./config/config.ts";
import { loadConfig } from "./config/config_file.ts";
import { ConfigError, problemLine } from "./config/problem.ts";
import { quoted } from "./printable.ts";
import { CONFIG } from "./run_options.ts";
import { readSecretFile } from "./secret_file.ts";
import { configError } from "./usage.ts";

/**
 * The devices of `--config`, with their secrets made known to the redactor.
 *
 * @returns Nothing without a configuration.
 * @throws {FailureError} `config` when it is wrong; every problem has been printed then.
 */
export function configuredDevices(
  { settings, host, log, redactor }: CommandContext,
): readonly ConfiguredDevice[] | undefined {
  const file = settings.get(CONFIG);
  if (file === undefined) return undefined;
  let devices: readonly ConfiguredDevice[];
  try {
    ({ devices } = loadConfig(file, host, log));
  } catch (error) {
    if (error instanceof ConfigError) {
      for (const problem of error.problems) host.stderr.line(problemLine(file, problem));
    }
    throw error;
  }
  for (const { credentials, options: { app } } of devices) {
    if (credentials) redactor.addSecret(credentials.password);
    if (app) redactor.addSecret(app.key);
  }
  return devices;
}

/**
 * The accounts that lists name, by serial.
 *
 * @throws {FailureError} `config` when one is not whole or its password cannot be read.
 */
export function readAccounts(
  devices: readonly CheckedDevice[],
  { host, redactor }: CommandContext,
): ReadonlyMap<string, DeviceCredentials> {
  const accounts = new Map<string, DeviceCredentials>();
  const advice = "password_file names a file that holds the password and nothing else.";
  for (const { serial, entry: { username, passwordFile } } of devices) {
    if (username === undefined && passwordFile === undefined) continue;
    if (username === undefined || passwordFile === undefined) {
      throw configError("A list names a user without a password file, or the reverse.", advice);
    }
    const label = `The password file ${quoted(passwordFile)}`;
    const password = readSecretFile(passwordFile, label, advice, host).text.replace(/\r?\n$/, "");
    // deno-lint-ignore no-control-regex -- they are what is looked for
    if (password === "" || /[\u0000-\u001f\u007f]/.test(password)) {
      throw configError(`${label} holds no password of one line.`, advice);
    }
    redactor.addSecret(password);
    accounts.set(serial, { username, password });
  }
  return accounts;
}
