/**
 * Options of the commands about many devices.
 *
 * @module
 */
import { parseListen } from "./address.ts";
import { parsePlainText, switchOption, valueOption } from "./option.ts";

/** `--http`. */
export const HTTP = valueOption({
  name: "http",
  placeholder: "[HOST:]PORT",
  help: "status page: /livez /readyz /status /metrics; for this machine alone unless HOST is given",
  parse: parseListen,
});

/** `--status-file`. */
export const STATUS_FILE = valueOption({
  name: "status-file",
  placeholder: "FILE",
  help: "file that holds the status of all devices as JSON, replaced every 10s",
  parse: parsePlainText,
});

/** `--all`. */
export const ALL = switchOption({ name: "all", help: "ready only when every device is" });
