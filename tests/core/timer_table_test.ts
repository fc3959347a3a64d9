import { assert, assertEquals } from "@std/assert";
import { TimerTable } from "../../lib/core/timer_table.ts";

Deno.test("the earliest timer is the deadline, in order of names at one instant", () => {
  const timers = new TimerTable(["b", "a"]);
  assertEquals(timers.earliest(), undefined);
  timers.set("a", 10);
  assertEquals(timers.earliest(), { at: 10, reason: "a" });
  timers.set("b", 10);
  assertEquals(timers.earliest(), { at: 10, reason: "b" });
  timers.set("a", 9);
  assertEquals(timers.earliest(), { at: 9, reason: "a" });
});

Deno.test("a timer is taken when it is due, once, and not before", () => {
  const timers = new TimerTable(["a"]);
  assert(!timers.take("a", 1e9));
  timers.set("a", 10);
  assert(!timers.take("a", 9));
  assert(timers.isSet("a"));
  assert(timers.take("a", 10));
  assert(!timers.take("a", 10));
  assertEquals(timers.earliest(), undefined);
  timers.set("a", 5);
  timers.clearAll();
  assertEquals(timers.at("a"), Infinity);
});
