import { assertEquals } from "@std/assert";
import type { Carrier } from "../../lib/core/carrier.ts";
import { Liveness, LIVENESS_DEFAULTS } from "../../lib/core/liveness.ts";

/** What a watch reads of a session, at will. */
function watch(path: "direct" | "relay" = "direct"): {
  readonly connection: {
    lastReceiveAt: number;
    oldestUnackedAt: number | undefined;
    lastProgressAt: number;
    unacknowledgedBytes: number;
  };
  readonly liveness: Liveness;
} {
  const connection = {
    lastReceiveAt: 0,
    oldestUnackedAt: undefined as number | undefined,
    lastProgressAt: 0,
    unacknowledgedBytes: 100,
  };
  const carrier = { path, connection } as unknown as Carrier;
  return { connection, liveness: new Liveness(carrier, LIVENESS_DEFAULTS, 0) };
}

Deno.test("bytes that wait long are no stall while others ahead of them are acknowledged", () => {
  const { connection, liveness } = watch();
  connection.oldestUnackedAt = 1_000;
  connection.lastProgressAt = 15_000;
  connection.lastReceiveAt = 30_000;
  assertEquals(liveness.judge(34_999), { type: "fine" });
  assertEquals(liveness.nextAt(34_999), 35_000);
  const verdict = liveness.judge(35_000);
  assertEquals(verdict.type === "dead" && verdict.failure.reason, "data-stalled");
});

Deno.test("progress long ago does not hurry bytes that were sent just now", () => {
  const { connection, liveness } = watch();
  connection.oldestUnackedAt = 100_000;
  connection.lastProgressAt = 1_000;
  connection.lastReceiveAt = 119_000;
  assertEquals(liveness.judge(119_999), { type: "fine" });
});

Deno.test("silence asks for a punch on the direct path only", () => {
  assertEquals(watch("direct").liveness.judge(10_000), { type: "repunch" });
  assertEquals(watch("relay").liveness.judge(10_000), { type: "fine" });
  assertEquals(watch("direct").liveness.judge(9_999), { type: "fine" });
});

Deno.test("the next instant of judgement is never one that has nothing to say", () => {
  for (const path of ["direct", "relay"] as const) {
    const { liveness } = watch(path);
    for (let at = 0, said = "fine"; said !== "dead";) {
      at = liveness.nextAt(at);
      said = liveness.judge(at).type;
      assertEquals(said === "fine", false, `${path} at ${at}`);
    }
  }
});
