import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Backoff, BACKOFF_DEFAULTS, type BackoffOptions } from "../../lib/core/backoff.ts";
import { seededRandom } from "../../lib/core/random.ts";

function backoff(options: Partial<BackoffOptions> = {}, seed = 1): Backoff {
  return new Backoff({ ...BACKOFF_DEFAULTS, ...options }, seededRandom(seed));
}

Deno.test("waits double from half to a whole second up to a minute, whatever chance says", () => {
  fc.assert(fc.property(fc.integer({ min: 0 }), (seed) => {
    const b = backoff({}, seed);
    for (let failures = 1; failures <= 12; failures++) {
      const ceilingMs = Math.min(60_000, 1_000 * 2 ** (failures - 1));
      const waitMs = b.next("cloud-unreachable", 0);
      assert(waitMs !== "never" && waitMs >= ceilingMs / 2 && waitMs <= ceilingMs);
    }
  }));
});

Deno.test("a lost session is not replaced before the device has dropped it", () => {
  const waitMs = backoff().next("peer-silent", 5_000);
  assert(waitMs !== "never" && waitMs >= 30_000);
});

Deno.test("a minute of health makes the next wait the first again", () => {
  const b = backoff({ lostCooldownMs: 0 });
  for (let i = 0; i < 8; i++) b.next("peer-silent", 0);
  const unhealthyMs = b.next("peer-silent", 59_999);
  assert(unhealthyMs !== "never" && unhealthyMs >= 30_000);
  const healthyMs = b.next("peer-silent", 60_000);
  assert(healthyMs !== "never" && healthyMs <= 1_000);
});

Deno.test("a refused login is final, or retried only at the pace that was asked for", () => {
  for (const reason of ["auth-required", "auth-rejected", "lockout", "app-rejected"] as const) {
    assertEquals(backoff().next(reason, 0), "never");
    assertEquals(backoff({ authRetryMs: 300_000 }).next(reason, 0), 300_000);
  }
});

Deno.test("what no retry can mend is final", () => {
  for (const reason of ["config", "usage", "listen-in-use", "auth-salt"] as const) {
    assertEquals(backoff().next(reason, 0), "never");
  }
});

Deno.test("an unknown serial is asked for at the slowest pace from the start", () => {
  const waitMs = backoff().next("device-unknown", 0);
  assert(waitMs !== "never" && waitMs >= 30_000 && waitMs <= 60_000);
});

Deno.test("with no retries allowed the first failure is the last", () => {
  assertEquals(backoff({ maxRetries: 0 }).next("cloud-unreachable", 0), "never");
  const b = backoff({ maxRetries: 2 });
  assert(b.next("device-silent", 0) !== "never");
  assert(b.next("device-silent", 0) !== "never");
  assertEquals(b.next("device-silent", 0), "never");
});
