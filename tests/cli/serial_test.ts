import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkSerial } from "../../lib/cli/serial.ts";
import { FailureError } from "../../lib/core/failure.ts";

Deno.test("a serial is taken as typed", () => {
  for (const text of ["0123456789", "7c03e8CPAG0001F", "A".repeat(32)]) {
    assertEquals(checkSerial(text), text);
  }
});

Deno.test("a malformed serial is a usage failure that does not repeat it", () => {
  const table: readonly [string, string][] = [
    ["", "has 0 characters"],
    ["A", "has 1 character."],
    ["secret123", "has 9 characters"],
    ["A".repeat(33), "has 33 characters"],
    ["ABCDE-12345", "character 6"],
    ["ABCDE12345\n", "character 11"],
    ["ÄBCDE12345", "character 1 "],
    [" ABCDE12345", "character 1 "],
  ];
  for (const [text, message] of table) {
    const error = assertThrows(() => checkSerial(text), FailureError, message);
    assertEquals(error.reason, "usage");
    assert(text === "" || text === "A" || !error.message.includes(text), text);
  }
});
