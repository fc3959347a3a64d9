import { assert, assertEquals, assertThrows } from "@std/assert";
import type { OptionalBackoff } from "../../lib/core/backoff.ts";
import { StateError } from "../../lib/core/errors.ts";
import type { Failure, Reason } from "../../lib/core/failure.ts";
import { seededRandom } from "../../lib/core/random.ts";
import { Supervisor, type SupervisorEvent } from "../../lib/core/supervisor.ts";

const failure = (reason: Reason): Failure => ({ reason, what: "It failed.", advice: "" });

const SILENT = failure("peer-silent");

function supervisor(backoff?: OptionalBackoff, giveUp?: "first" | "none"): Supervisor {
  return new Supervisor({ random: seededRandom(1), backoff, giveUp });
}

function events(machine: Supervisor): SupervisorEvent[] {
  const all: SupervisorEvent[] = [];
  for (let e = machine.pollEvent(); e; e = machine.pollEvent()) all.push(e);
  return all;
}

/** Lets the wait pass and takes the attempt up; how long the wait was. */
function nextAttempt(machine: Supervisor, now: number): number {
  const { at } = machine.pollDeadline()!;
  machine.handleTimeout(at - 1);
  assertEquals(events(machine).filter(({ type }) => type === "attempt"), []);
  machine.handleTimeout(at);
  assertEquals(events(machine).at(-1)?.type, "attempt");
  return at - now;
}

Deno.test("a supervisor asks for one session, and for none while there is one", () => {
  const machine = supervisor();
  machine.start(0);
  assertEquals(events(machine), [{ type: "attempt", attempt: 1 }]);
  machine.handleTimeout(1e9);
  machine.retryNow(1e9);
  assertEquals(events(machine), []);
  machine.succeeded(1e9);
  machine.handleTimeout(2e9);
  machine.retryNow(2e9);
  assertEquals(events(machine), []);
  assertEquals(machine.pollDeadline(), undefined);
  assertEquals([machine.state, machine.sessions], ["up", 1]);
});

Deno.test("a lost session is made again, never before its cool-down", () => {
  const machine = supervisor({ lostCooldownMs: 30_000 });
  machine.start(0);
  machine.succeeded(2_000);
  events(machine);
  machine.lost(SILENT, 12_000);
  assertEquals(events(machine), [
    { type: "down", failure: SILENT, upMs: 10_000, retryInMs: 30_000 },
  ]);
  assertEquals(machine.retryAt, 42_000);
  assertEquals(nextAttempt(machine, 12_000), 30_000);
});

Deno.test("a session that ended cleanly waits for the clean cool-down and counts as no failure", () => {
  const machine = supervisor({ cleanCooldownMs: 10_000 });
  machine.start(0);
  machine.succeeded(0);
  events(machine);
  machine.lost(undefined, 5_000);
  assertEquals(events(machine), [
    { type: "down", failure: undefined, upMs: 5_000, retryInMs: 10_000 },
  ]);
  assertEquals(machine.failures, 0);
  assertEquals(nextAttempt(machine, 5_000), 10_000);
});

Deno.test("attempts that fail wait longer each time, up to the longest, for ever", () => {
  const machine = supervisor({ retryMinMs: 1_000, retryMaxMs: 60_000 });
  machine.start(0);
  events(machine);
  let now = 0;
  const waits: number[] = [];
  for (let i = 0; i < 200; i++) {
    machine.failed(SILENT, now);
    const wait = nextAttempt(machine, now);
    waits.push(wait);
    now += wait;
  }
  waits.forEach((wait, i) => {
    const full = Math.min(60_000, 1_000 * 2 ** i);
    assert(wait >= full / 2 && wait <= full, `wait ${i} is ${wait}`);
  });
  // Jitter: no two waits at the limit are the same.
  assertEquals(new Set(waits.slice(10)).size, 190);
});

Deno.test("a minute of health makes the waits begin anew, less does not", () => {
  for (const [upMs, failures] of [[59_999, 6], [60_000, 1]] as const) {
    const machine = supervisor({ healthyAfterMs: 60_000 });
    machine.start(0);
    let now = 0;
    for (let i = 0; i < 5; i++) {
      events(machine);
      machine.failed(SILENT, now);
      now += nextAttempt(machine, now);
    }
    machine.succeeded(now);
    machine.lost(SILENT, now + upMs);
    assertEquals(machine.failures, failures, `${upMs}`);
  }
});

Deno.test("a refused login ends it, unless a wait is given for it", () => {
  for (const reason of ["auth-rejected", "auth-required", "lockout", "app-rejected"] as const) {
    const machine = supervisor();
    machine.start(0);
    events(machine);
    machine.failed(failure(reason), 5);
    assertEquals(events(machine), [{ type: "ended", failure: failure(reason), upMs: 0 }]);
    machine.handleTimeout(1e12);
    machine.retryNow(1e12);
    assertEquals(events(machine), [], "an end is an end");

    const patient = supervisor({ authRetryMs: 300_000 });
    patient.start(0);
    events(patient);
    patient.failed(failure(reason), 0);
    assertEquals(nextAttempt(patient, 0), 300_000);
  }
});

Deno.test("with giveUp first, only the first session must succeed", () => {
  const machine = supervisor({}, "first");
  machine.start(0);
  events(machine);
  machine.failed(SILENT, 9);
  assertEquals(events(machine), [{ type: "ended", failure: SILENT, upMs: 0 }]);

  const lucky = supervisor({}, "first");
  lucky.start(0);
  lucky.succeeded(0);
  events(lucky);
  lucky.lost(SILENT, 100);
  const now = 100 + nextAttempt(lucky, 100);
  lucky.failed(SILENT, now);
  nextAttempt(lucky, now);
});

Deno.test("no retries: the first loss is the end, with how long it was up", () => {
  const machine = supervisor({ maxRetries: 0 });
  machine.start(0);
  machine.succeeded(0);
  events(machine);
  machine.lost(SILENT, 7_000);
  assertEquals(events(machine), [{ type: "ended", failure: SILENT, upMs: 7_000 }]);
});

Deno.test("a number of retries is a number of failures in a row", () => {
  const machine = supervisor({ maxRetries: 3 });
  machine.start(0);
  events(machine);
  let now = 0;
  for (let i = 0; i < 3; i++) {
    machine.failed(SILENT, now);
    now += nextAttempt(machine, now);
  }
  machine.failed(SILENT, now);
  assertEquals(events(machine).at(-1)?.type, "ended");
});

Deno.test("retryNow cuts a wait short and makes the next ones short again", () => {
  const machine = supervisor();
  machine.start(0);
  events(machine);
  let now = 0;
  for (let i = 0; i < 8; i++) {
    machine.failed(SILENT, now);
    now += nextAttempt(machine, now);
  }
  machine.failed(SILENT, now);
  events(machine);
  machine.retryNow(now + 1);
  assertEquals(machine.pollDeadline(), { at: now + 1, reason: "retry" });
  machine.handleTimeout(now + 1);
  assertEquals(events(machine), [{ type: "attempt", attempt: 10 }]);
  machine.failed(SILENT, now + 2);
  assert(nextAttempt(machine, now + 2) <= 1_000);
});

Deno.test("a start can be put off, while the device frees a session of somebody before us", () => {
  const machine = supervisor();
  machine.start(100, 10_100);
  assertEquals([events(machine), machine.state], [[], "waiting"]);
  assertEquals(nextAttempt(machine, 100), 10_000);
});

Deno.test("a stopped supervisor hears nothing more", () => {
  for (const state of ["attempting", "up", "waiting"] as const) {
    const machine = supervisor();
    machine.start(0);
    if (state !== "attempting") machine.succeeded(0);
    if (state === "waiting") machine.lost(SILENT, 1);
    assertEquals(machine.state, state);
    events(machine);
    machine.stop(10);
    assertEquals(events(machine), [
      { type: "ended", failure: undefined, upMs: state === "up" ? 10 : 0 },
    ]);
    machine.failed(SILENT, 11);
    machine.lost(SILENT, 11);
    machine.retryNow(11);
    machine.handleTimeout(1e9);
    machine.stop(12);
    assertEquals([events(machine), machine.pollDeadline()], [[], undefined]);
  }
});

Deno.test("starting twice or succeeding unasked is the caller's mistake", () => {
  const machine = supervisor();
  assertThrows(() => machine.succeeded(0), StateError);
  machine.start(0);
  assertThrows(() => machine.start(0), StateError);
});

Deno.test("an option that is there and undefined has its default", () => {
  const machine = supervisor({ retryMaxMs: undefined, lostCooldownMs: undefined });
  machine.start(0);
  machine.succeeded(0);
  events(machine);
  machine.lost(SILENT, 1);
  assertEquals(nextAttempt(machine, 1), 30_000);
});
