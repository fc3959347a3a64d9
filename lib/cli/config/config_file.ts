/**
 * A configuration from its file.
 *
 * @module
 */
import { readAppKeyFile } from "../app_key.ts";
import { readPasswordFile } from "../credentials.ts";
import type { Host } from "../host.ts";
import type { Log } from "../log.ts";
import { quoted } from "../printable.ts";
import { configError } from "../usage.ts";
import { type Config, MAX_CONFIG_LENGTH, parseConfig } from "./config.ts";

/**
 * Reads a configuration and the secrets it refers to.
 *
 * @throws {ConfigError} With everything that is wrong with it.
 * @throws {FailureError} `config` when there is no such file.
 */
export function loadConfig(path: string, host: Host, log: Pick<Log, "warning">): Config {
  return parseConfig(readConfigText(path, host), path, {
    env: host.env,
    folder: path.replace(/[/\\]?[^/\\]*$/, "") || (/^[/\\]/.test(path) ? "/" : "."),
    readPassword: (file) => readPasswordFile(file, host),
    readAppKey: (file) => readAppKeyFile(file, host, log),
  });
}

function readConfigText(path: string, host: Host): string {
  const advice = "Give the file with --config FILE.";
  const chunks: string[] = [];
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    const file = host.open(path);
    try {
      const buffer = new Uint8Array(65_536);
      let length = 0;
      for (let n = file.readSync(buffer); n; n = file.readSync(buffer)) {
        chunks.push(decoder.decode(buffer.subarray(0, n), { stream: true }));
        if ((length += n) > MAX_CONFIG_LENGTH) break;
      }
      chunks.push(decoder.decode());
    } finally {
      file.close();
    }
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Deno.errors.PermissionDenied
      ? "permission denied"
      : error instanceof TypeError
      ? "it is no UTF-8 text"
      : "it is no readable file";
    throw configError(`The configuration ${quoted(path)} cannot be read: ${why}.`, advice);
  }
  return chunks.join("");
}
