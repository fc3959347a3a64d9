import { assertEquals, assertThrows } from "@std/assert";
import { formatSize, parseSize } from "../../lib/cli/size.ts";
import { InvalidValue } from "../../lib/cli/usage.ts";

const LIMITS = { minBytes: 65_536, maxBytes: 2 ** 30 };

Deno.test("a size is a number and a binary unit", () => {
  assertEquals(parseSize("64KiB", LIMITS), 65_536);
  assertEquals(parseSize("4MiB", LIMITS), 4_194_304);
  assertEquals(parseSize("1.5MiB", LIMITS), 1_572_864);
  assertEquals(parseSize("1GiB", LIMITS), 2 ** 30);
});

Deno.test("what is no size within the limits is refused with the limits", () => {
  for (
    const text of ["4", "4MB", "4mib", "4 MiB", "-4MiB", "", "MiB", "63KiB", "1025MiB", "1e9KiB"]
  ) {
    assertThrows(() => parseSize(text, LIMITS), InvalidValue, "from 64KiB to 1GiB", text);
  }
});

Deno.test("sizes are written in the largest unit they reach", () => {
  assertEquals([12, 1024, 96 * 1024, 1_572_864, 2 ** 31].map(formatSize), [
    "12B",
    "1KiB",
    "96KiB",
    "1.5MiB",
    "2GiB",
  ]);
});
