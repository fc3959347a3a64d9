import { assertEquals, assertThrows } from "@std/assert";
import { formatDuration, parseDuration } from "../../lib/cli/duration.ts";
import { InvalidValue } from "../../lib/cli/usage.ts";

const WIDE = { minMs: 0, maxMs: 1e12 };

Deno.test("a duration is a number and its unit", () => {
  const table: readonly [string, number][] = [
    ["500ms", 500],
    ["10s", 10_000],
    ["1.5s", 1500],
    ["0.001s", 1],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["0s", 0],
  ];
  for (const [text, ms] of table) assertEquals(parseDuration(text, WIDE), ms, text);
});

Deno.test("what is no duration is refused, bare numbers first of all", () => {
  const refused = [
    "10",
    "",
    "s",
    "-1s",
    "+1s",
    "1 s",
    "10S",
    "1m30s",
    "1e3s",
    "0x10s",
    ".5s",
    "5.s",
  ];
  for (const text of [...refused, "NaNs", "١s", "9999999999s", "1d", "1us", "10s\n"]) {
    assertThrows(() => parseDuration(text, WIDE), InvalidValue, "", text);
  }
});

Deno.test("the limits of a duration are inside it", () => {
  const limits = { minMs: 1000, maxMs: 3_600_000 };
  assertEquals(parseDuration("1s", limits), 1000);
  assertEquals(parseDuration("60m", limits), 3_600_000);
  assertThrows(() => parseDuration("999ms", limits), InvalidValue, "from 1s to 1h");
  assertThrows(() => parseDuration("3601s", limits), InvalidValue, "from 1s to 1h");
});

Deno.test("durations are written with one or two units and never show sixty of one", () => {
  const table: readonly [number, string][] = [
    [0, "0ms"],
    [37.6, "38ms"],
    [999.4, "999ms"],
    [999.6, "1s"],
    [1900, "1.9s"],
    [30_000, "30s"],
    [59_949, "59.9s"],
    [59_999, "1m"],
    [60_000, "1m"],
    [250_000, "4m10s"],
    [3_599_999, "59m59s"],
    [3_600_000, "1h"],
    [15_120_000, "4h12m"],
    [100 * 3_600_000, "100h"],
  ];
  for (const [ms, text] of table) assertEquals(formatDuration(ms), text);
});
