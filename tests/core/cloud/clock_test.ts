import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatCreated, parseServerDate, ServerClock } from "../../../lib/core/cloud/clock.ts";

Deno.test("the cloud's ISO date and the one of RFC 9110 are read", () => {
  const expected = Date.UTC(2024, 5, 7, 2, 31, 52);
  assertEquals(parseServerDate("2024-06-07T02:31:52Z"), expected);
  assertEquals(parseServerDate(" 2024-06-07T02:31:52.123Z "), expected);
  assertEquals(parseServerDate("2024-06-07T05:31:52+03:00"), expected);
  assertEquals(parseServerDate("2024-06-06T22:01:52-04:30"), expected);
  assertEquals(parseServerDate("Fri, 07 Jun 2024 02:31:52 GMT"), expected);
});

Deno.test("what is no date is none", () => {
  for (
    const text of [
      "",
      "now",
      "2024-13-07T02:31:52Z",
      "2024-00-07T02:31:52Z",
      "2024-06-32T02:31:52Z",
      "2024-06-07T24:31:52Z",
      "2024-06-07T02:61:52Z",
      "2024-06-07 02:31:52",
      "Fri, 07 Jux 2024 02:31:52 GMT",
      "Fri, 07 unJ 2024 02:31:52 GMT",
    ]
  ) {
    assertEquals(parseServerDate(text), undefined, text);
  }
});

Deno.test("any instant is written as the language itself would", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
    const expected = new Date(seconds * 1000).toISOString().slice(0, 19);
    assertEquals(formatCreated(seconds * 1000 + 999, "Z"), `${expected}Z`);
    assertEquals(parseServerDate(formatCreated(seconds * 1000, "+00:00")), seconds * 1000);
  }));
  assertEquals(formatCreated(-5, "Z"), "1970-01-01T00:00:00Z");
  assertEquals(formatCreated(1e18, "Z"), "9999-12-31T23:59:59Z");
});

Deno.test("the clock follows the last date it could read", () => {
  let local = Date.UTC(2024, 5, 7, 2, 31, 0);
  const clock = new ServerClock(() => local);
  assertEquals([clock.known, clock.offsetMs, clock.skewed], [false, 0, false]);
  clock.observe(undefined);
  clock.observe("rubbish");
  assertEquals(clock.known, false);
  clock.observe("2024-06-07T02:32:00Z");
  assertEquals([clock.known, clock.offsetMs, clock.skewed], [true, 60_000, false]);
  clock.observe("2024-06-07T02:29:59Z");
  assertEquals([clock.offsetMs, clock.skewed], [-61_000, true]);
  local += 5_000;
  assertEquals(clock.now(), Date.UTC(2024, 5, 7, 2, 30, 4));
});
