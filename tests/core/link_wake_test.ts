import { assertEquals } from "@std/assert";
import { ObservedLink } from "../support/link_observer.ts";

/** A link that is ready, to a device that says nothing by itself. */
function ready(path: "auto" | "relay"): ObservedLink {
  const link = new ObservedLink({
    device: { heartbeatIntervalMs: 1e9, sessionSilenceMs: 1e9 },
    link: { path },
  });
  link.w.handshake();
  link.w.runFor(7_000);
  return link;
}

/** The driver believes that the machine slept. */
function wake({ w }: ObservedLink): number {
  w.client.act((now) => w.link.wake(now));
  return w.network.now;
}

Deno.test("a session that was lost in sleep is given up 8 s after waking, not 30", () => {
  for (const path of ["auto", "relay"] as const) {
    const link = ready(path);
    const { w } = link;
    link.cut();
    const wokeAt = wake(link);
    link.expectAt(wokeAt + 8_000, () => w.link.state !== "ready", "the loss");
    const { failure } = link.end();
    assertEquals(failure?.reason, "peer-silent");
    assertEquals(failure?.facts, { silentMs: 8_000, slept: true });
  }
});

Deno.test("a session that survived the sleep goes on", () => {
  for (const path of ["auto", "relay"] as const) {
    const link = ready(path);
    wake(link);
    link.w.runFor(120_000);
    assertEquals(link.w.link.state, "ready");
    assertEquals(link.warnings, []);
  }
});

Deno.test("waking twice within the patience does not prolong it for ever", () => {
  const link = ready("relay");
  const { w } = link;
  link.cut();
  const wokeAt = wake(link);
  for (let i = 0; i < 20 && w.link.state === "ready"; i++) {
    w.runFor(3_000);
    if (w.link.state === "ready") wake(link);
  }
  // A machine that sleeps again and again is held to the patience of one that does not.
  assertEquals(w.network.now - wokeAt <= 31_000, true);
});
