import { assertEquals } from "@std/assert";
import { SleepWatch } from "../../lib/net/sleep_watch.ts";

Deno.test("only a jump of the wall clock against the monotonic one is a sleep", () => {
  const clocks = { wall: 1_000_000, monotonic: 0 };
  const watch = new SleepWatch({ wall: () => clocks.wall, monotonic: () => clocks.monotonic });
  const jumps: number[] = [];
  const listening = watch.listen((jumpMs) => jumps.push(jumpMs));
  const pass = (wallMs: number, monotonicMs: number): void => {
    clocks.wall += wallMs;
    clocks.monotonic += monotonicMs;
    watch.check();
  };
  try {
    pass(2_000, 2_000);
    pass(600_000, 600_000); // a busy machine: both clocks moved
    pass(2_900, 2_000); // a small correction
    pass(-3_600_000, 2_000); // set back
    assertEquals(jumps, []);
    pass(3_602_000, 2_000);
    assertEquals(jumps, [3_600_000]);
    pass(2_000, 2_000);
    assertEquals(jumps.length, 1, "one sleep is told once");
  } finally {
    listening[Symbol.dispose]();
  }
  pass(1e9, 1);
  assertEquals(jumps.length, 1);
});

Deno.test("a watch nobody listens to keeps no timer", () => {
  const watch = new SleepWatch();
  const first = watch.listen(() => {});
  const second = watch.listen(() => {});
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  // The sanitizer of the test runner finds the timer that this would leave.
  second[Symbol.dispose]();
});
