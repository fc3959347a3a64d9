import { assert, assertEquals } from "@std/assert";
import { ObservedLink } from "../support/link_observer.ts";

/** A link that is ready on `path`, to a device that says nothing by itself. */
function ready(path: "direct" | "relay"): ObservedLink {
  const link = new ObservedLink({
    device: { heartbeatIntervalMs: 1e9, sessionSilenceMs: 1e9 },
    link: { path: path === "relay" ? "relay" : "auto" },
  });
  link.w.handshake();
  assertEquals(link.w.link.path, path);
  return link;
}

/** When the last segment of the device reached the client's connection. */
function lastHeardAt({ w }: ObservedLink): number {
  return w.link.carrier!.connection.lastReceiveAt!;
}

/** Instants of the client's STUN requests since `at`, duplicates merged. */
function punches(link: ObservedLink, at: number): number[] {
  const requests = link.sent.filter((s) => s.at >= at && s.socket === "device");
  return [...new Set(requests.filter(({ data }) => data[0] === 0xff).map((s) => s.at))];
}

Deno.test("a quiet session lives as long as its heartbeats are acknowledged", () => {
  for (const path of ["direct", "relay"] as const) {
    const link = ready(path);
    link.w.runFor(300_000);
    assertEquals(link.w.link.state, "ready");
    assertEquals(link.warnings, []);
    assertEquals(punches(link, 110_000), [], "no re-punch while the device answers");
  }
});

Deno.test("the first heartbeat leaves 5 s after the session is ready, the next 5 s later", () => {
  const link = ready("relay");
  const readyAt = link.w.network.now;
  link.w.runFor(15_500);
  const beats = link.segments("main", readyAt).filter(({ data }) => data[24] === 0x13);
  assertEquals(beats.map(({ at }) => at - readyAt), [5_000, 10_000, 15_000]);
});

Deno.test("on the direct path silence is answered by a punch after 10 s and every 4 s", () => {
  const link = ready("direct");
  const { w } = link;
  w.runFor(20_000);
  const heardAt = lastHeardAt(link);
  link.cut();
  w.runUntil(() => w.link.state !== "ready");
  const at = punches(link, heardAt + 1).map((instant) => instant - heardAt);
  assertEquals(at.slice(0, 3), [10_000, 14_000, 18_000]);
  assert(at.every((ms, i) => i === 0 || ms - at[i - 1]! === 4_000));
});

Deno.test("over the relay nobody punches into the silence", () => {
  const link = ready("relay");
  link.w.runFor(20_000);
  const heardAt = lastHeardAt(link);
  link.cut();
  link.w.runUntil(() => link.w.link.state !== "ready");
  assertEquals(punches(link, heardAt), []);
});

Deno.test("bytes that nobody acknowledges for 20 s are a stall", () => {
  for (const path of ["direct", "relay"] as const) {
    const link = ready(path);
    const { w } = link;
    w.runFor(7_000);
    link.cut();
    // The next heartbeat is the first that gets lost.
    w.runUntil(() => w.link.carrier!.connection.unacknowledgedBytes > 0);
    const sentAt = w.network.now;
    link.expectAt(sentAt + 20_000, () => w.link.state !== "ready", "the stall");
    const { failure } = link.end();
    assertEquals(failure?.reason, "data-stalled");
    assertEquals(failure?.facts, { bytes: 12, stalledMs: 20_000 });
  }
});

Deno.test("a session without a word for 30 s is dead, even with nothing to be acknowledged", () => {
  const link = ready("direct");
  const { w } = link;
  w.runFor(6_000);
  // With heartbeats off nothing is in flight: only the silence tells.
  w.link.carrier!.realms.heartbeats = "off";
  w.runFor(200);
  const heardAt = lastHeardAt(link);
  link.cut();
  link.expectAt(heardAt + 30_000, () => w.link.state !== "ready", "the end");
  const { failure } = link.end();
  assertEquals(failure?.reason, "peer-silent");
  assertEquals(failure?.facts, { silentMs: 30_000 });
});

Deno.test("a client's NAT that forgets is met by a re-punch, and the session goes on", () => {
  const link = ready("direct");
  const { w } = link;
  w.runFor(10_000);
  // From now on the device's datagrams find nobody, until the client has punched again.
  let isOpen = false;
  w.network.setLink((from, to) => {
    if (from === "client" && to === "device" && punches(link, w.startedAt + 5_000).length > 0) {
      isOpen = true;
    }
    return to === "client" && from === "device" && !isOpen ? { lossRate: 1 } : { latencyMs: 50 };
  });
  w.runFor(60_000);
  assertEquals(w.link.state, "ready");
  assertEquals(isOpen, true);
  assertEquals(link.warnings, []);
});

Deno.test("two BINDs without an answer are the end of a session", () => {
  const link = new ObservedLink({ device: { maxRealms: 0 } });
  const { w } = link;
  w.handshake();
  const bind = (): void => void w.client.act((now) => w.link.bind(80, now));
  bind();
  w.runFor(15_000);
  assertEquals(w.link.state, "ready", "one may be lost on the device");
  bind();
  const secondAt = w.network.now;
  w.network.run({ untilMs: secondAt + 9_999 });
  assertEquals(w.link.state, "ready");
  const { failure } = link.end();
  assertEquals(failure?.reason, "relay-zombie");
  assertEquals(w.events.filter((e) => e.type === "realm-closed").length, 2);
});

Deno.test("a device that reboots under a transfer is noticed, and nothing hangs", () => {
  const link = ready("direct");
  const { w } = link;
  const realm = w.connect(80);
  w.deviceNode.act((now) => w.device.reboot(now));
  const rebootedAt = w.network.now;
  w.client.act((now) => w.link.write(realm, new Uint8Array(5_000), now));
  const { failure, at } = link.end();
  assertEquals(failure?.reason, "data-stalled");
  assertEquals(Math.round((at - rebootedAt) / 1_000), 20);
});
