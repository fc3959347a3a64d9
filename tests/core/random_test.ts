import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { randomBelow, seededRandom } from "../../lib/core/random.ts";

Deno.test("the same seed gives the same bytes, another seed others", () => {
  assertEquals(seededRandom(7).bytes(32), seededRandom(7).bytes(32));
  const firsts = new Set(Array.from({ length: 1000 }, (_, seed) => seededRandom(seed).uint32()));
  assertEquals(firsts.size, 1000);
});

Deno.test("the upper bits of a seed count too", () => {
  assertNotEquals(seededRandom(1).uint32(), seededRandom(1 + 2 ** 32).uint32());
});

Deno.test("values are unsigned 32-bit integers and fill their range evenly", () => {
  const random = seededRandom(1);
  const buckets = new Array<number>(16).fill(0);
  for (let i = 0; i < 16_000; i++) {
    const value = random.uint32();
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 32);
    buckets[value >>> 28]!++;
  }
  // Five standard deviations around 1000.
  for (const count of buckets) assert(count > 840 && count < 1160, `${count} of 1000`);
});

Deno.test("an integer below a bound reaches both ends and never the bound", () => {
  const random = seededRandom(2);
  const seen = new Set(Array.from({ length: 200 }, () => randomBelow(random, 3)));
  assertEquals([...seen].sort(), [0, 1, 2]);
  assertEquals(randomBelow(random, 1), 0);
  assert(Array.from({ length: 100 }, () => randomBelow(random, 2 ** 32)).some((n) => n > 2 ** 31));
});
