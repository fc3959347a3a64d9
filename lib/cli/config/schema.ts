/**
 * The JSON Schema of a configuration, for editors. The program itself is stricter: it also judges
 * values and what belongs together.
 *
 * @module
 */
import { FORWARD } from "../options.ts";
import {
  DEVICE_ONLY_KEYS,
  type Key,
  NAME_FORM,
  PASSWORD_KEYS,
  SHARED_KEYS,
  TOP_KEYS,
} from "./keys.ts";

/** A part of a JSON Schema. */
type Schema = Readonly<Record<string, unknown>>;

/** `${DAHUA_P2P_NAME}` may stand for any value. */
const VARIABLE = { type: "string", pattern: "^\\$\\{DAHUA_P2P_[A-Z0-9_]+(:[^}]*)?\\}$" } as const;

/** The whole schema, draft 2020-12. */
export function configSchema(): Schema {
  const shared = Object.fromEntries(SHARED_KEYS.map((key) => [key.name, keySchema(key)]));
  const passwords = Object.fromEntries(
    Object.entries(PASSWORD_KEYS).map(([name, help]) => [name, text(help)]),
  );
  const defaults = mapping({ ...shared, ...passwords }, TOP_KEYS.defaults);
  const port = { ...text(FORWARD.help), examples: ["1554:554", "0:80"] };
  const device = {
    ...mapping({
      serial: {
        description: DEVICE_ONLY_KEYS.serial,
        anyOf: [{ type: "string", pattern: "^[A-Za-z0-9]{10,32}$" }, VARIABLE],
      },
      ports: {
        description: DEVICE_ONLY_KEYS.ports,
        anyOf: [port, { type: "array", items: port, minItems: 1, maxItems: 32 }],
      },
      enabled: { description: DEVICE_ONLY_KEYS.enabled, anyOf: [{ type: "boolean" }, VARIABLE] },
      ...shared,
      ...passwords,
    }),
    required: ["serial", "ports"],
  };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "dahua-p2p configuration",
    ...mapping({
      defaults,
      devices: {
        description: TOP_KEYS.devices,
        type: "object",
        propertyNames: { pattern: NAME_FORM.source },
        additionalProperties: device,
        minProperties: 1,
      },
      http: {
        description: TOP_KEYS.http,
        anyOf: [{ type: "integer", minimum: 0, maximum: 65535 }, { type: "string" }],
      },
      status_file: text(TOP_KEYS.status_file),
      handshakes: {
        description: TOP_KEYS.handshakes,
        anyOf: [{ type: "integer", minimum: 1, maximum: 32 }, VARIABLE],
      },
    }),
    required: ["devices"],
  };
}

function mapping(properties: Schema, description?: string): Schema {
  return {
    ...(description === undefined ? {} : { description }),
    type: "object",
    properties,
    additionalProperties: false,
  };
}

function text(description: string): Schema {
  return { description, type: "string", minLength: 1 };
}

function keySchema({ option, form, help }: Key): Schema {
  const { shownDefault, placeholder = "" } = option;
  const words = placeholder.split("|");
  // `auto|direct|relay` are words; `DURATION|never` are not.
  const isChoice = words.length > 1 && words.every((word) => /^[a-z0-9-]+$/.test(word));
  const value: Schema[] = isChoice
    // YAML reads a bare 0 as a number.
    ? [{ enum: words.flatMap((word) => /^\d+$/.test(word) ? [word, Number(word)] : [word]) }]
    : form === "number"
    ? [{ type: "integer", minimum: 0 }]
    : [{ type: "string", minLength: 1 }];
  return {
    description: shownDefault === undefined || help !== option.help
      ? help
      : `${help}; default ${shownDefault}`,
    anyOf: form === "text" && !isChoice ? value : [...value, VARIABLE],
  };
}
