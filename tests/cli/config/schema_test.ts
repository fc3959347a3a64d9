import { assertEquals } from "@std/assert";
import { SHARED_KEYS } from "../../../lib/cli/config/keys.ts";
import { configSchema } from "../../../lib/cli/config/schema.ts";

const PUBLISHED = new URL("../../../scripts/dahua-p2p.schema.json", import.meta.url);

Deno.test("the published schema is the one made from the keys: `config schema` writes it", () => {
  assertEquals(
    Deno.readTextFileSync(PUBLISHED),
    `${JSON.stringify(configSchema(), undefined, 2)}\n`,
  );
});

Deno.test("the schema knows every key of a device and refuses all others", () => {
  // deno-lint-ignore no-explicit-any -- a JSON value that this test walks
  const schema = configSchema() as any;
  const device = schema.properties.devices.additionalProperties;
  assertEquals(device.additionalProperties, false);
  assertEquals(schema.additionalProperties, false);
  for (const { name } of SHARED_KEYS) {
    assertEquals(name in device.properties, true, name);
    assertEquals(name in schema.properties.defaults.properties, true, name);
  }
  assertEquals("serial" in schema.properties.defaults.properties, false);
  assertEquals(device.properties.path.anyOf[0], { enum: ["auto", "direct", "relay", "tcp-relay"] });
});
