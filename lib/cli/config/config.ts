/**
 * A configuration of many devices: strict, with the line of whatever is wrong, and all that is wrong
 * at once.
 *
 * ```yaml
 * defaults: { user: viewer, password_file: /run/secrets/cam }
 * http: 127.0.0.1:9554
 * devices:
 *   front-door: { serial: "...", ports: ["1554:554"] }
 *   shop-nvr: { serial: "...", ports: ["1555:554", "0:37777"], path: relay }
 * ```
 *
 * @module
 */
import { parse } from "@std/yaml";
import type { AppAccount } from "../../core/cloud/wsse.ts";
import type { DeviceCredentials } from "../../net/connect.ts";
import { formatListen } from "../../net/forward.ts";
import type { TunnelOptions } from "../../net/tunnel.ts";
import { type ListenAddress, parseListen } from "../address.ts";
import type { ReadEnvironment } from "../settings.ts";
import { InvalidValue } from "../usage.ts";
import { DeviceReader } from "./device_reader.ts";
import { DEVICE_ONLY_KEYS, NAME_FORM, PASSWORD_KEYS, SHARED_KEYS, TOP_KEYS } from "./keys.ts";
import { Findings, isMapping, type Mapping, scalar } from "./findings.ts";
import { ConfigError } from "./problem.ts";
import { expandVariables } from "./variables.ts";

/** One device as configured. */
export interface ConfiguredDevice {
  readonly name: string;
  readonly serial: string;
  readonly isEnabled: boolean;
  readonly options: TunnelOptions;
  readonly credentials?: DeviceCredentials | undefined;
}

/** A whole configuration. */
export interface Config {
  /** In the order of the file. */
  readonly devices: readonly ConfiguredDevice[];
  readonly http?: ListenAddress | undefined;
  readonly statusFile?: string | undefined;
  /** Handshakes at a time. */
  readonly handshakes?: number | undefined;
}

/** What a configuration refers to. */
export interface ConfigSurroundings {
  readonly env: ReadEnvironment;
  /** The password in a file; @throws {FailureError} `config`. */
  readonly readPassword: (path: string) => string;
  /** The app's pair in a file; @throws {FailureError} `config`. */
  readonly readAppKey: (path: string) => AppAccount;
  /** Folder that relative paths start from. */
  readonly folder: string;
}

/** Longest text: 500 devices need a tenth of it. */
export const MAX_CONFIG_LENGTH = 2_000_000;

/** More devices than this is a mistake: users have 30, and check 500. */
const MAX_DEVICES = 1_000;

const MAX_HANDSHAKES = 32;

/**
 * Reads a configuration.
 *
 * @param file As the person named it, for messages.
 * @throws {ConfigError} With everything that is wrong.
 */
export function parseConfig(
  text: string,
  file: string,
  surroundings: ConfigSurroundings,
): Config {
  const findings = new Findings(text);
  const root = parseYaml(text, file, findings);
  const values = root && expand(root, [], surroundings.env, findings);
  const config = isMapping(values) ? readConfig(values, surroundings, findings) : undefined;
  if (!config || findings.problems.length > 0) {
    const byLine = findings.problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
    throw new ConfigError(file, byLine);
  }
  return config;
}

function parseYaml(text: string, file: string, findings: Findings): Mapping | undefined {
  if (text.length > MAX_CONFIG_LENGTH) {
    findings.add([], `It is longer than ${MAX_CONFIG_LENGTH} characters.`);
    return undefined;
  }
  try {
    // Every scalar stays text: what it means is for the key's own parser to say.
    const root = parse(text, { schema: "failsafe" });
    if (root === null || root === "" || root === undefined) {
      findings.add([], "It is empty.", "It needs at least devices.");
      return undefined;
    }
    return findings.mapping(root, [], Object.keys(TOP_KEYS)) ? root : undefined;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "YamlSyntaxError") throw error;
    const at = /^(.*?) at line (\d+), column (\d+)/s.exec(error.message);
    throw new ConfigError(file, [{
      line: at ? Number(at[2]) : undefined,
      place: "",
      // What follows is the line itself, and may hold a password.
      what: `No YAML: ${at?.[1] ?? "it cannot be read"}.`,
      advice: "",
    }]);
  }
}

/** Replaces variables in all values, whatever their depth. */
function expand(
  value: unknown,
  path: readonly string[],
  env: ReadEnvironment,
  findings: Findings,
): unknown {
  if (typeof value === "string") {
    try {
      return expandVariables(value, env);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      findings.add(path, "A reference to a variable is not allowed.", `Allowed: ${error.allowed}.`);
      return undefined;
    }
  }
  if (Array.isArray(value)) return value.map((item) => expand(item, path, env, findings));
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, expand(item, [...path, key], env, findings)]),
  );
}

function readConfig(root: Mapping, surroundings: ConfigSurroundings, findings: Findings): Config {
  const defaults = root.defaults === undefined ? {} : root.defaults;
  const reader = new DeviceReader(surroundings, findings);
  const sharedKeys = [...SHARED_KEYS.map(({ name }) => name), ...Object.keys(PASSWORD_KEYS)];
  const shared = findings.mapping(defaults, ["defaults"], sharedKeys)
    ? reader.shared(defaults, ["defaults"])
    : undefined;
  const devices: ConfiguredDevice[] = [];
  if (root.devices === undefined) {
    findings.add([], "There are no devices.", "List them under devices.");
  } else if (findings.mapping(root.devices, ["devices"], [])) {
    const entries = Object.entries(root.devices);
    if (entries.length === 0) findings.add(["devices"], "There are no devices.");
    if (entries.length > MAX_DEVICES) {
      findings.add(["devices"], `There are more than ${MAX_DEVICES} devices.`);
    }
    for (const [name, value] of entries.slice(0, MAX_DEVICES)) {
      const path = ["devices", name];
      if (!NAME_FORM.test(name)) {
        findings.add(path, "A name is made of letters, digits, dots, dashes and underscores.");
      }
      const known = [...Object.keys(DEVICE_ONLY_KEYS), ...sharedKeys];
      if (!findings.mapping(value, path, known)) continue;
      const device = reader.device(name, value, path, shared);
      if (device) devices.push(device);
    }
  }
  findClashes(devices, findings);
  return {
    devices,
    http: scalar(root, "http", parseListen, findings),
    statusFile: scalar(root, "status_file", (text) => text, findings),
    handshakes: scalar(root, "handshakes", parseHandshakes, findings),
  };
}

/** Devices that want the same, of which only one can have it. */
function findClashes(devices: readonly ConfiguredDevice[], findings: Findings): void {
  const serials = new Map<string, string>();
  const places = new Map<string, string>();
  for (const { name, serial, isEnabled, options } of devices) {
    if (!isEnabled) continue;
    const other = serials.get(serial);
    if (other !== undefined) {
      findings.add(
        ["devices", name, "serial"],
        `This is the serial of ${other}, too.`,
        "One session serves all ports of a device: list them all there.",
      );
    }
    serials.set(serial, name);
    for (const { bind, localPort } of options.forwards ?? []) {
      const place = formatListen(bind, localPort);
      const first = places.get(place);
      if (localPort !== 0 && first !== undefined) {
        findings.add(
          ["devices", name, "ports"],
          `${place} is taken by ${first}.`,
          "Each port needs a local port of its own; 0 takes any free one.",
        );
      }
      places.set(place, name);
    }
  }
}

function parseHandshakes(text: string): number {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MAX_HANDSHAKES) {
    throw new InvalidValue(`a whole number from 1 to ${MAX_HANDSHAKES}`);
  }
  return count;
}
