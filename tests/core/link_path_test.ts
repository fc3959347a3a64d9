import { assert, assertEquals } from "@std/assert";
import { ObservedLink } from "../support/link_observer.ts";

/** First line of the device's 200 to p2p-channel. */
const DEVICE_200 = "200 Server Nat Info!";

Deno.test("a device that never punches is reached through the relay 3 s after its 200", () => {
  const link = new ObservedLink({ device: { silent: ["never-punches"] } });
  const { w } = link;
  w.runUntil(() => w.event("device") !== undefined);
  const calledAt = link.receivedAt(DEVICE_200);
  link.expectAt(calledAt + 3_000, () => w.link.state === "ready", "ready");
  assertEquals(w.link.path, "relay");
  assertEquals(link.warnings, ["punch-failed"]);
  const realm = w.connect(80);
  w.runUntil(() => w.bytes(realm).length === 100, 1_000);
  assertEquals(w.bytes(realm).length, 100);
});

Deno.test("candidates are probed every 500 ms until the relay takes over, and not after", () => {
  const link = new ObservedLink({ device: { silent: ["never-punches"] } });
  const { w } = link;
  w.handshake();
  w.runFor(20_000);
  const calledAt = link.receivedAt(DEVICE_200);
  const rounds = link.sent.filter(({ data }) => data[0] === 0xff)
    .map(({ at }) => at - calledAt);
  assertEquals([...new Set(rounds)], [0, 500, 1000, 1500, 2000, 2500, 3000]);
});

Deno.test("with the direct path alone, punching that fails for 3 s is the end", () => {
  const link = new ObservedLink({
    device: { silent: ["never-punches"] },
    link: { path: "direct" },
  });
  const { w } = link;
  w.runUntil(() => w.event("device") !== undefined);
  const calledAt = link.receivedAt(DEVICE_200);
  w.network.run({ untilMs: calledAt + 2_999 });
  assertEquals(w.link.state, "handshake");
  const { failure, at } = link.end();
  assertEquals(failure?.reason, "punch-failed");
  // One round trip more for the relay that was asked for a sign.
  assertEquals(at - calledAt, 3_100);
  assertEquals(link.warnings, []);
});

Deno.test("a device that is found but speaks no PTCP is given up on both paths", () => {
  const link = new ObservedLink({ device: { silent: ["ptcp"] } });
  const { w } = link;
  w.runUntil(() => w.events.some((e) => e.type === "phase" && e.phase === "punch"));
  const foundAt = w.network.now;
  link.expectAt(foundAt + 5_000, () => link.warnings.includes("punch-failed"), "the warning");
  const { failure } = link.end();
  assertEquals(failure?.reason, "relay-busy");
  assertEquals(w.event("ready"), undefined);
});

Deno.test("with the direct path alone, a device that speaks no PTCP has no session to spare", () => {
  const link = new ObservedLink({ device: { silent: ["ptcp"] }, link: { path: "direct" } });
  assertEquals(link.end().failure?.reason, "sessions-full");
});

Deno.test("a device that never joins the agent leaves the relay busy", () => {
  const link = new ObservedLink({
    device: { silent: ["never-joins"] },
    link: { path: "relay" },
  });
  const { w } = link;
  const called = (): number | undefined => link.requests("/relay-channel")[0]?.at;
  w.runUntil(() => called() !== undefined);
  const calledAt = called()!;
  w.network.run({ untilMs: calledAt + 9_999 });
  assertEquals(w.link.state, "handshake");
  const { failure, at } = link.end();
  // One round trip more to give the place back.
  assertEquals([failure?.reason, at - calledAt], ["relay-busy", 10_100]);
  assertEquals(failure?.facts, { step: "relay-channel" });
});

Deno.test("a silent agent costs a direct path nothing but the sign", () => {
  const link = new ObservedLink({ cloud: { silent: ["agent"] } });
  const { w } = link;
  w.runUntil(() => w.events.some((e) => e.type === "phase" && e.phase === "session"));
  // The sign is waited for, but for no longer than a relay may take.
  link.expectAt(w.network.now + 4_000, () => w.link.state === "ready", "ready");
  assertEquals(w.link.path, "direct");
  assertEquals(link.warnings, []);
});

Deno.test("a silent agent is the end when the relay is all there is", () => {
  const link = new ObservedLink({ cloud: { silent: ["agent"] }, link: { path: "relay" } });
  const { w } = link;
  w.runFor(9_000);
  assertEquals(w.link.state, "handshake");
  assertEquals(link.end().failure?.reason, "relay-busy");
});

Deno.test("a device that says no more than Trying is reached through the relay", () => {
  const link = new ObservedLink({ device: { silent: ["after-trying"] } });
  const { w } = link;
  w.runFor(10_000);
  assertEquals(w.link.state, "handshake");
  w.handshake();
  assertEquals(w.link.path, "relay");
  assertEquals(link.warnings, ["punch-failed"]);
});

Deno.test("while the direct path carries, the relay session says nothing but acks", () => {
  const link = new ObservedLink({ device: { heartbeatIntervalMs: 7_000 } });
  const { w } = link;
  w.handshake();
  assertEquals(w.link.path, "direct");
  const readyAt = w.network.now;
  w.runFor(30_000);
  const onRelay = link.segments("main", readyAt + 200);
  assert(onRelay.every(({ data }) => data.length === 24), "only empty segments");
  const direct = link.segments("device", readyAt).filter(({ data }) => data.length === 36);
  assertEquals(direct.length, 6, "a heartbeat every 5 s");
});

Deno.test("over the relay nobody asks for a sign", () => {
  const link = new ObservedLink({ link: { path: "relay" }, device: { sign: "required" } });
  const { w } = link;
  w.handshake();
  w.connect(80);
  const kinds = link.segments("main").map(({ data }) => data[24]);
  assertEquals(kinds.filter((kind) => kind === 0x17 || kind === 0x19), []);
});
