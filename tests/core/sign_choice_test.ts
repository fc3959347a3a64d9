import { assertEquals } from "@std/assert";
import type { Failure } from "../../lib/core/failure.ts";
import { relayZombie, sessionsFull } from "../../lib/core/link_failures.ts";
import { nextSign, type SignChoice } from "../../lib/core/sign_choice.ts";
import { LinkWorld } from "../support/link_world.ts";

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

Deno.test("a device that a sign harms is found out in 12 s, and the next session carries data", () => {
  const answer = (bytes: Uint8Array): Uint8Array => bytes;
  const services = new Map([[554, { answer }]]);
  const device = { sign: "harmful" } as const;
  const talk = (sign: SignChoice): LinkWorld => {
    const world = new LinkWorld({ device, services, link: { sign } });
    world.handshake();
    const realm = world.connect(554);
    world.client.act((now) => world.link.write(realm, new Uint8Array(100), now));
    return world;
  };
  const asked = talk("ask");
  assertEquals(asked.link.path, "direct");
  asked.runFor(11_000);
  assertEquals(asked.link.state, "ready", "not yet");
  asked.runFor(3_000);
  const failure = asked.event("closed")!.failure!;
  assertEquals(failure.reason, "relay-zombie");
  const next = nextSign(failure, "ask", "direct");
  const other = talk(next);
  other.runFor(20_000);
  assertEquals([other.link.state, other.link.path], ["ready", "direct"]);
  assertEquals(other.event("realm-readable") !== undefined, true);
});

Deno.test("a device that wants a sign leaves BINDs unanswered without one, and grants them with it", () => {
  const services = new Map([[554, {}]]);
  const device = { sign: "required" } as const;
  const reasonOf = (sign: SignChoice): string => {
    const world = new LinkWorld({ device, services, link: { sign } });
    world.handshake();
    world.connect(554);
    const end = world.event("realm-closed");
    return end ? end.reason : world.event("realm-connected") ? "connected" : "nothing";
  };
  assertEquals(reasonOf("skip"), "bind-timeout");
  assertEquals(reasonOf(nextSign(sessionsFull(10_000), "skip", "direct")), "connected");
});
