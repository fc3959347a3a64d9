/**
 * Checks a value against the part of JSON Schema that this project's own schemas use; properties that
 * a schema does not name are problems too, so that the schema cannot fall behind.
 *
 * @module
 */

/** The keywords in use. */
interface Schema {
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
}

/** A schema with named parts. */
export class SchemaCheck {
  readonly #root: Schema;

  private constructor(root: Schema) {
    this.#root = root;
  }

  /** Reads a schema. */
  static async load(url: URL): Promise<SchemaCheck> {
    return new SchemaCheck(JSON.parse(await Deno.readTextFile(url)));
  }

  /** What is wrong with a value, by the part of this name. */
  problems(value: unknown, name: string): readonly string[] {
    const part = this.#root.$defs?.[name];
    if (!part) throw new RangeError(`no part ${name}`);
    return [...check(value, part, name)];
  }
}

function* check(value: unknown, schema: Schema, place: string): Generator<string> {
  const type = Array.isArray(value) ? "array" : typeof value;
  if (schema.type !== undefined && schema.type !== type) yield `${place} is ${type}`;
  if (schema.const !== undefined && schema.const !== value) yield `${place} is ${value}`;
  if (schema.enum && !schema.enum.includes(value)) yield `${place} is ${value}`;
  if (Array.isArray(value) && schema.items) {
    for (const [i, item] of value.entries()) yield* check(item, schema.items, `${place}[${i}]`);
  }
  if (type !== "object" || schema.type !== "object") return;
  const object = value as Readonly<Record<string, unknown>>;
  for (const name of schema.required ?? []) if (!(name in object)) yield `${place} lacks ${name}`;
  for (const [name, item] of Object.entries(object)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known) yield* check(item, known, `${place}.${name}`);
    else yield `${place}.${name} is not described`;
  }
}
