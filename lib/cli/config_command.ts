/**
 * `dahua-p2p config check` and `config schema`.
 *
 * @module
 */
import { formatListen } from "../net/forward.ts";
import type { Command, CommandContext } from "./command.ts";
import { loadConfig } from "./config/config_file.ts";
import { ConfigError, problemLine } from "./config/problem.ts";
import { configSchema } from "./config/schema.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { COMMON_OPTIONS } from "./options.ts";
import { CONFIG } from "./run_options.ts";
import { usageError } from "./usage.ts";

/** The command `config`. */
export const CONFIG_COMMAND: Command = {
  name: "config",
  synopsis: ["dahua-p2p config check --config FILE", "dahua-p2p config schema"],
  summary: "Says all that is wrong with a configuration, or prints its JSON Schema.",
  options: [CONFIG, ...COMMON_OPTIONS],
  operands: { min: 1, max: 1, what: "check or schema", words: ["check"] },
  notes: [
    {
      title: "Exit codes",
      lines: ["0 nothing is wrong   78 something is: each problem with its line on standard error"],
    },
  ],
  run: (context) => Promise.resolve(runConfigCommand(context)),
};

function runConfigCommand(context: CommandContext): ExitCode {
  const { operands: [word], host } = context;
  switch (word) {
    case "check":
      return checkConfig(context);
    case "schema":
      host.stdout.line(JSON.stringify(configSchema(), undefined, 2));
      return EXIT.ok;
    default:
      throw usageError("config is followed by check or schema.", "dahua-p2p config check.");
  }
}

function checkConfig({ settings, host, log, redactor }: CommandContext): ExitCode {
  const file = configPath(settings.get(CONFIG));
  try {
    const { devices, http } = loadConfig(file, host, log);
    for (const { name, serial, isEnabled, options } of devices) {
      const ports = (options.forwards ?? []).map(({ bind, localPort, remotePort }) =>
        `${formatListen(bind, localPort)}>${remotePort}`
      );
      const state = isEnabled ? "" : " disabled";
      host.stdout.line(`${name} ${redactor.deviceName(serial)} ${ports.join(",")}${state}`);
    }
    if (http) host.stdout.line(`http ${formatListen(http.hostname, http.port)}`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) host.stderr.line(problemLine(file, problem));
    return EXIT.config;
  }
}

/** The file that must be named. */
export function configPath(path: string | undefined): string {
  if (path === undefined) {
    throw usageError("No configuration is named.", "Give it with --config FILE.");
  }
  return path;
}
