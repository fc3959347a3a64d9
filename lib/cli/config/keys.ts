/**
 * Every key of a configuration. Validation, the JSON Schema and the tunnels' options are made from
 * these rows and nothing else.
 *
 * @module
 */
import type { Option } from "../option.ts";
import * as options from "../options.ts";

/** One key of a device, or of the defaults of all. */
export interface Key {
  /** As written in the file. */
  readonly name: string;
  /** The option whose values it takes; one parser for the command line and the file. */
  readonly option: Option<unknown>;
  /** For the JSON Schema. */
  readonly form: "text" | "number" | "list";
  readonly help: string;
}

function key(option: Option<unknown>, changes: Partial<Key> = {}): Key {
  return {
    name: option.name.replaceAll("-", "_"),
    option,
    form: "text",
    help: option.help,
    ...changes,
  };
}

/** Keys that a device and the defaults have. */
export const SHARED_KEYS: readonly Key[] = [
  key(options.USERNAME, { name: "user" }),
  key(options.TYPE),
  key(options.PATH),
  key(options.PREFER),
  key(options.PREFER),
  key(options.CLOUD),
  key(options.DIALECT),
  key(options.APP_KEY_FILE, {
    help: "user and key of the app of another brand; relative to the configuration",
  }),
  key(options.TIMEOUT),
  key(options.MAX_CLIENTS, { form: "number" }),
  key(options.CLIENT_BUFFER),
  key(options.RECEIVE_WINDOW),
  key(options.HEARTBEAT),
  key(options.DEAD_AFTER),
  key(options.RETRY_MIN),
  key(options.RETRY_MAX),
  key(options.MAX_RETRIES, {
    form: "number",
    help: "failures in a row before the device is given up; without it, it never is",
  }),
  key(options.SESSION_COOLDOWN),
  key(options.AUTH_RETRY, { help: "wait after a refused login, or never; default 300s" }),
  key(options.WAIT),
];

/** Where a password is; one of them at most. */
export const PASSWORD_KEYS = {
  password: "the password itself; rather use one of the others, or ${DAHUA_P2P_NAME}",
  password_file: "file that holds the password and nothing else; relative to the configuration",
  password_credential: "name of a systemd credential (LoadCredential=NAME:...)",
} as const;

/** Name of a key for a password. */
export type PasswordKey = keyof typeof PASSWORD_KEYS;

/** Keys of a device alone. */
export const DEVICE_ONLY_KEYS = {
  serial: "serial number, as printed on the device",
  ports: "ports to serve, [BIND:]LOCAL:REMOTE; one of them or a list",
  enabled: "false leaves the device alone",
} as const;

/** Keys of the file. */
export const TOP_KEYS = {
  defaults: "for every device that does not say otherwise",
  devices: "by name; names appear in output and metrics",
  http: "[HOST:]PORT of the status page",
  status_file: "file that holds the status of all devices, replaced every 10s",
  handshakes: "handshakes at a time, 1 to 32; default 4",
} as const;

/** Text of a name of a device: it stands in lines that are split at blanks. */
export const NAME_FORM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A credential's name is a file name. */
export const CREDENTIAL_FORM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;
