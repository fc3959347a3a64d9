import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import fc from "fast-check";
import { DecodeError } from "../../lib/core/errors.ts";
import {
  type DeviceRoute,
  MAX_MEMORY_LENGTH,
  MAX_REMEMBERED,
  Memory,
  NewerMemoryError,
} from "../../lib/core/memory.ts";

const SERIAL = "EXAMPLE0SERIAL0";
const DAY_MS = 86_400_000;
const ROUTE: DeviceRoute = { cloud: "dolynk", dialect: "dmss", sign: "skip", path: "direct" };
const never = (): number => 0;

function text(
  change: (root: Record<string, unknown>, device: Record<string, unknown>) => void,
): string {
  const memory = new Memory(never);
  memory.remember(SERIAL, ROUTE);
  const root = JSON.parse(memory.toText());
  change(root, Object.values(root.devices)[0] as Record<string, unknown>);
  return JSON.stringify(root);
}

Deno.test("what was remembered is recalled, also from the text", () => {
  const memory = new Memory(never);
  assertEquals(memory.recall(SERIAL), undefined);
  assert(memory.remember(SERIAL, ROUTE));
  const read = Memory.parse(memory.toText(), never);
  assertEquals(read.recall(SERIAL), ROUTE);
  assertEquals(read.recall("EXAMPLE0SERIAL1"), undefined);
  assertEquals(read.size, 1);
});

Deno.test("the text holds no serial and nothing beyond what was decided", () => {
  const memory = new Memory(() => 20_702 * DAY_MS + 5);
  const extra = { ...ROUTE, password: "secret" };
  memory.remember(SERIAL, extra);
  const root = JSON.parse(memory.toText());
  assertEquals(Object.keys(root), ["version", "devices"]);
  assertEquals(Object.values(root.devices), [{ ...ROUTE, day: 20_702 }]);
  assertFalse(memory.toText().includes(SERIAL));
});

Deno.test("the same on the same day is no news, anything else is", () => {
  let now = 0;
  const memory = new Memory(() => now);
  assert(memory.remember(SERIAL, ROUTE));
  now = DAY_MS - 1;
  assertFalse(memory.remember(SERIAL, ROUTE));
  assert(memory.remember(SERIAL, { ...ROUTE, path: "relay" }));
  now = DAY_MS;
  assert(memory.remember(SERIAL, { ...ROUTE, path: "relay" }));
});

Deno.test("the longest unseen device is forgotten when there are too many", () => {
  let now = 0;
  const memory = new Memory(() => now);
  for (let i = 0; i <= MAX_REMEMBERED; i++) {
    memory.remember(`S${i}`, ROUTE);
    if (i === 0) now = DAY_MS;
  }
  assertEquals(memory.size, MAX_REMEMBERED);
  assertEquals(memory.recall("S0"), undefined);
  assertEquals(memory.recall(`S${MAX_REMEMBERED}`), ROUTE);
  assert(memory.toText().length <= MAX_MEMORY_LENGTH);
  assertEquals(Memory.parse(memory.toText(), never).size, MAX_REMEMBERED);
});

Deno.test("a damaged text is refused, wherever the damage is", () => {
  const damaged = [
    "",
    "{",
    "[]",
    "null",
    '"text"',
    text((root) => delete root["version"]),
    text((root) => root["version"] = 0),
    text((root) => root["version"] = "1"),
    text((root) => delete root["devices"]),
    text((root) => root["devices"] = []),
    text((root) => root["devices"] = { "x": {} }),
    text((root) => root["devices"] = { [SERIAL]: {} }),
    text((_, device) => delete device["cloud"]),
    text((_, device) => device["cloud"] = "a b"),
    text((_, device) => device["cloud"] = "x".repeat(300)),
    text((_, device) => device["dialect"] = "other"),
    text((_, device) => device["sign"] = true),
    text((_, device) => device["path"] = "pigeon"),
    text((_, device) => device["day"] = -1),
    text((_, device) => device["day"] = 0.5),
    " ".repeat(MAX_MEMORY_LENGTH + 1),
  ];
  for (const bad of damaged) {
    const error = assertThrows(() => Memory.parse(bad, never), DecodeError);
    assertFalse(error instanceof NewerMemoryError, bad.slice(0, 40));
  }
});

Deno.test("a text of a later release is told from a damaged one", () => {
  assertThrows(() => Memory.parse(text((root) => root["version"] = 2), never), NewerMemoryError);
});

Deno.test("any text gives a memory or a DecodeError", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (any) => {
    try {
      Memory.parse(any, never);
    } catch (error) {
      assert(error instanceof DecodeError);
    }
  }));
});

Deno.test("any routes survive the text", () => {
  const route = fc.record<DeviceRoute>({
    cloud: fc.constantFrom("easy4ip", "dolynk", "p2p.example.com:8800", "192.0.2.1:1"),
    dialect: fc.constantFrom("smartpss", "dmss"),
    sign: fc.constantFrom("ask", "skip"),
    path: fc.constantFrom("direct", "relay"),
  });
  fc.assert(fc.property(fc.dictionary(fc.string({ minLength: 1 }), route), (routes) => {
    const memory = new Memory(never);
    for (const [serial, one] of Object.entries(routes)) memory.remember(serial, one);
    const read = Memory.parse(memory.toText(), never);
    for (const [serial, one] of Object.entries(routes)) {
      assertEquals(read.recall(serial), { ...one });
    }
  }));
});
