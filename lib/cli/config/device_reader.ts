/**
 * One device of a configuration, with the defaults of all.
 *
 * @module
 */
import { FailureError } from "../../core/failure.ts";
import type { AppAccount } from "../../core/cloud/wsse.ts";
import type { DeviceCredentials } from "../../net/connect.ts";
import { type Option, parseSwitch } from "../option.ts";
import { APP_KEY_FILE, FORWARD, TYPE, USERNAME } from "../options.ts";
import { checkSerial } from "../serial.ts";
import { Settings } from "../settings.ts";
import { tunnelOptions } from "../tunnel_settings.ts";
import { InvalidValue } from "../usage.ts";
import type { ConfigSurroundings, ConfiguredDevice } from "./config.ts";
import { type Findings, type Mapping, scalar } from "./findings.ts";
import { CREDENTIAL_FORM, PASSWORD_KEYS, type PasswordKey, SHARED_KEYS } from "./keys.ts";

/** More is a mistake: a device grants about eight streams. */
const MAX_PORTS = 32;

/** Where a password is. */
interface PasswordPlace {
  readonly key: PasswordKey;
  readonly value: string;
  /** The mapping that says so. */
  readonly path: readonly string[];
}

/** Values that a device may have from the defaults. */
export interface SharedValues {
  /** As written, by option; each was read once and is allowed. */
  readonly given: ReadonlyMap<Option<unknown>, readonly string[]>;
  readonly password?: PasswordPlace | undefined;
}

/** Reads devices; what is wrong with them is noted. */
export class DeviceReader {
  readonly #surroundings: ConfigSurroundings;
  readonly #findings: Findings;
  /** A file named in the defaults is read once, not for each device. */
  readonly #passwords = new Map<string, string | undefined>();

  constructor(surroundings: ConfigSurroundings, findings: Findings) {
    this.#surroundings = surroundings;
    this.#findings = findings;
  }

  /** The values of a mapping that the defaults and every device may have. */
  shared(values: Mapping, path: readonly string[]): SharedValues {
    const given = new Map<Option<unknown>, readonly string[]>();
    for (const { name, option } of SHARED_KEYS) {
      const text = scalar(
        values,
        name,
        (written) => {
          option.parse(written);
          return written;
        },
        this.#findings,
        path,
      );
      if (text !== undefined) given.set(option, [text]);
    }
    return { given, password: this.#passwordPlace(values, path) };
  }

  /** A device, or nothing when it lacks what it needs. */
  device(
    name: string,
    values: Mapping,
    path: readonly string[],
    defaults: SharedValues | undefined,
  ): ConfiguredDevice | undefined {
    const own = this.shared(values, path);
    const given = new Map([...defaults?.given ?? [], ...own.given]);
    const ports = this.#ports(values, path);
    if (ports) given.set(FORWARD, ports);
    const serial = scalar(values, "serial", checkSerial, this.#findings, path);
    if (values.serial === undefined) {
      this.#findings.add(path, "There is no serial.", "Add serial: and what the label says.");
    }
    const isEnabled = scalar(values, "enabled", parseSwitch, this.#findings, path) ?? true;
    const options = this.#options(given, path);
    if (serial === undefined || !options) return undefined;
    const password = own.password ?? defaults?.password;
    const credentials = this.#credentials(given, password, path, isEnabled);
    const app = isEnabled ? this.#app(given, values, path) : undefined;
    return { name, serial, isEnabled, options: { ...options, app }, credentials };
  }

  #options(
    given: ReadonlyMap<Option<unknown>, readonly string[]>,
    path: readonly string[],
  ): ConfiguredDevice["options"] | undefined {
    try {
      // The same words as on the command line mean the same.
      const settings = new Settings({ given, operands: [] }, [...given.keys()], () => undefined);
      return tunnelOptions(settings);
    } catch (error) {
      if (!(error instanceof FailureError)) throw error;
      const { what, advice } = error.failure;
      this.#findings.add(path, asKeys(what), asKeys(advice));
      return undefined;
    }
  }

  #ports(values: Mapping, path: readonly string[]): readonly string[] | undefined {
    const { ports } = values;
    if (ports === undefined) {
      this.#findings.add(path, "There are no ports.", 'Add ports: ["1554:554"].');
      return undefined;
    }
    const list = Array.isArray(ports) ? ports : [ports];
    if (list.length === 0 || list.length > MAX_PORTS) {
      this.#findings.add([...path, "ports"], `There must be 1 to ${MAX_PORTS} ports.`);
      return undefined;
    }
    return list.every((port) => this.#isPort(port, path)) ? list : undefined;
  }

  #isPort(port: unknown, path: readonly string[]): port is string {
    try {
      if (typeof port !== "string") throw new InvalidValue("a text like 1554:554");
      FORWARD.parse(port);
      return true;
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      this.#findings.add(
        [...path, "ports"],
        "A port is not allowed.",
        `Allowed: ${error.allowed}.`,
      );
      return false;
    }
  }

  #passwordPlace(values: Mapping, path: readonly string[]): PasswordPlace | undefined {
    const keys = (Object.keys(PASSWORD_KEYS) as PasswordKey[]).filter((key) =>
      values[key] !== undefined
    );
    const [key, second] = keys;
    if (key === undefined) return undefined;
    if (second !== undefined) {
      this.#findings.add([...path, second], `This and ${key} exclude each other.`);
    }
    const value = scalar(values, key, (text) => text, this.#findings, path);
    return value === undefined ? undefined : { key, value, path };
  }

  #credentials(
    given: ReadonlyMap<Option<unknown>, readonly string[]>,
    place: PasswordPlace | undefined,
    path: readonly string[],
    isEnabled: boolean,
  ): DeviceCredentials | undefined {
    const username = given.get(USERNAME)?.[0];
    if (username === undefined) {
      if (given.get(TYPE)?.[0] === "1") {
        this.#findings.add(path, "Type 1 needs an account.", "Add user and a password.");
      }
      // Defaults may bring a password for those devices that have a user.
      if (place && place.path === path) {
        this.#findings.add([...path, place.key], "There is a password but no user.", "Add user.");
      }
      return undefined;
    }
    if (!place) {
      const ways = Object.keys(PASSWORD_KEYS).join(", ");
      this.#findings.add(path, "There is a user but no password.", `Add one of ${ways}.`);
      return undefined;
    }
    if (!isEnabled) return undefined;
    const password = this.#password(place);
    return password === undefined ? undefined : { username, password };
  }

  #app(
    given: ReadonlyMap<Option<unknown>, readonly string[]>,
    values: Mapping,
    path: readonly string[],
  ): AppAccount | undefined {
    const file = given.get(APP_KEY_FILE)?.[0];
    if (file === undefined) return undefined;
    try {
      return this.#surroundings.readAppKey(this.#resolve(file));
    } catch (error) {
      if (!(error instanceof FailureError)) throw error;
      const place = values.app_key_file === undefined ? ["defaults"] : path;
      this.#findings.add([...place, "app_key_file"], error.failure.what, error.failure.advice);
      return undefined;
    }
  }

  #resolve(file: string): string {
    return isAbsolute(file) ? file : `${this.#surroundings.folder}/${file}`;
  }

  #password(place: PasswordPlace): string | undefined {
    const { key, value } = place;
    if (key === "password") return value;
    const cached = `${key} ${value}`;
    if (!this.#passwords.has(cached)) this.#passwords.set(cached, this.#readPassword(place));
    return this.#passwords.get(cached);
  }

  #readPassword({ key, value, path }: PasswordPlace): string | undefined {
    const { env, readPassword } = this.#surroundings;
    let file = value;
    if (key === "password_credential") {
      const directory = env("CREDENTIALS_DIRECTORY");
      if (!CREDENTIAL_FORM.test(value) || directory === undefined) {
        this.#findings.add(
          [...path, key],
          directory === undefined ? "systemd passes no credentials." : "This is no name.",
          "The service needs LoadCredential=NAME:FILE.",
        );
        return undefined;
      }
      file = `${directory}/${value}`;
    } else file = this.#resolve(value);
    try {
      return readPassword(file);
    } catch (error) {
      if (!(error instanceof FailureError)) throw error;
      this.#findings.add([...path, key], error.failure.what, "");
      return undefined;
    }
  }
}

function isAbsolute(path: string): boolean {
  return /^([/\\]|[A-Za-z]:[/\\])/.test(path);
}

/** Names options as the file does: `--retry-min` is `retry_min`. */
function asKeys(text: string): string {
  return text.replace(/--([a-z][a-z-]*)/g, (_, name: string) => name.replaceAll("-", "_"));
}
