import { assert, assertEquals } from "@std/assert";
import type { LinkWorldOptions } from "../support/link_world.ts";
import { CREDENTIALS, ObservedLink } from "../support/link_observer.ts";

const LOCKED: LinkWorldOptions = {
  device: { authType: 1, sign: "required" },
  link: { credentials: CREDENTIALS },
};

/** Nothing of the link is left here, and nothing of it at the relay. */
function assertGone(link: ObservedLink, why: string): void {
  const { w } = link;
  assertEquals(w.link.state, "closed", why);
  assertEquals(w.event("closed"), { type: "closed" }, `${why}: an end that was asked for`);
  assertEquals(w.link.pollDeadline(), undefined, why);
  assertEquals(w.link.pollTransmit(), undefined, why);
  w.runFor(1_000);
  assertEquals(w.world.counters.openLeases, 0, `${why}: the lease is given back`);
  assertEquals(w.world.agent.activeLeases, 0, why);
}

Deno.test("stopping at any moment of the handshake ends the link and gives the lease back", () => {
  for (const options of [{}, LOCKED, { link: { path: "relay" } }] as const) {
    for (let ms = 0; ms <= 1_200; ms += 25) {
      const link = new ObservedLink(options);
      const { w } = link;
      w.runFor(ms);
      w.client.act((now) => w.link.stop(now));
      assert(w.runUntil(() => w.link.state === "closed", 2_000), `stopped after ${ms} ms`);
      assertGone(link, `stopped after ${ms} ms`);
    }
  }
});

Deno.test("a link that never started ends at once", () => {
  const { w } = new ObservedLink();
  w.client.act((now) => w.link.stop(now));
  w.client.act((now) => w.link.stop(now));
  w.runFor(5_000);
  assertEquals(w.events.filter(({ type }) => type === "closed").length, 1);
});

Deno.test("stopping a session says DISC for every realm and is done in two round trips", () => {
  const link = new ObservedLink();
  const { w } = link;
  w.handshake();
  const realms = [w.connect(80), w.connect(80)];
  assertEquals(w.world.counters.realmsOpen, realms.length);
  const stoppedAt = w.network.now;
  w.client.act((now) => w.link.stop(now));
  const { at, failure } = link.end(5_000);
  assertEquals(failure, undefined);
  assertEquals(at - stoppedAt, 200);
  assertEquals(w.world.counters.realmsOpen, 0);
  assertGone(link, "after a session");
});

Deno.test("a stop on a dead line takes its 4.5 s and no more", () => {
  const link = new ObservedLink();
  const { w } = link;
  w.handshake();
  w.connect(80);
  link.cut();
  const stoppedAt = w.network.now;
  w.client.act((now) => w.link.stop(now));
  link.expectAt(stoppedAt + 4_500, () => w.link.state === "closed", "the end");
  assertEquals(w.event("closed"), { type: "closed" });
});

Deno.test("a failure while stopping does not become the reason", () => {
  const link = new ObservedLink();
  const { w } = link;
  w.handshake();
  w.connect(80);
  w.deviceNode.act((now) => w.device.stop(now));
  w.client.act((now) => w.link.stop(now));
  assertEquals(link.end(6_000).failure, undefined);
});

Deno.test("a session lost by itself gives its lease back too", () => {
  const link = new ObservedLink({ link: { path: "relay" } });
  const { w } = link;
  w.handshake();
  w.deviceNode.act((now) => w.device.stop(now));
  assertEquals(link.end().failure?.reason, "data-stalled");
  w.runFor(1_000);
  assertEquals(w.world.counters.openLeases, 0);
  assertEquals(link.requests("/relay/unbind").length, 1);
});
