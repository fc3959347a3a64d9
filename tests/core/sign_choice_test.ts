import { assertEquals } from "@std/assert";
import type { Failure } from "../../lib/core/failure.ts";
import { relayZombie, sessionsFull } from "../../lib/core/link_failures.ts";
import { nextSign } from "../../lib/core/sign_choice.ts";

Deno.test("a direct session that carries nothing, or opens nothing, changes the choice", () => {
  for (const failure of [relayZombie(4100, 12_000, "direct"), sessionsFull(10_000)]) {
    assertEquals(nextSign(failure, "ask", "direct"), "skip");
    assertEquals(nextSign(failure, "skip", "direct"), "ask");
  }
});

Deno.test("over the relay, or without a session, the sign is not to blame", () => {
  for (const failure of [relayZombie(4100, 12_000, "relay"), sessionsFull(10_000)]) {
    for (const path of ["relay", undefined] as const) {
      assertEquals(nextSign(failure, "ask", path), "ask");
      assertEquals(nextSign(failure, "skip", path), "skip");
    }
  }
});

Deno.test("any other failure leaves the choice as it is", () => {
  for (const reason of ["peer-silent", "data-stalled", "auth-rejected", "port-closed"] as const) {
    const failure: Failure = { reason, what: "", advice: "" };
    assertEquals(nextSign(failure, "ask", "direct"), "ask", reason);
    assertEquals(nextSign(failure, "skip", "direct"), "skip", reason);
  }
});
