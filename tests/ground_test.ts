import { assertEquals } from "@std/assert";
import { seededRandom } from "../lib/core/random.ts";
import { parseEndpoint } from "../lib/core/bytes.ts";

Deno.test("the same seed gives the same bytes", () => {
  assertEquals(seededRandom(7).bytes(32), seededRandom(7).bytes(32));
});

Deno.test("an endpoint is an IPv4 literal and a port", () => {
  assertEquals(parseEndpoint("192.0.2.80:8802"), { ip: "192.0.2.80", port: 8802 });
});
