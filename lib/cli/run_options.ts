/**
 * Options of the commands about many devices.
 *
 * @module
 */
import { parseListen } from "./address.ts";
import { parsePlainText, switchOption, valueOption } from "./option.ts";

/** `--config`. */
export const CONFIG = valueOption({
  name: "config",
  placeholder: "FILE",
  help: "configuration of many devices, YAML; dahua-p2p config schema prints what it may hold",
  parse: parsePlainText,
});

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

/** All of them. */
export const RUN_OPTIONS = [CONFIG, HTTP, STATUS_FILE, ALL] as const;
