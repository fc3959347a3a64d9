import { assertEquals } from "@std/assert";
import { ObservedLink } from "../support/link_observer.ts";

/** Kinds of the sign frames that the client sent, with the socket, in order; resends merged. */
function signFrames(link: ObservedLink): string[] {
  const kinds = [...link.segments("main"), ...link.segments("device")]
    .sort((a, b) => a.at - b.at)
    .filter(({ data }) => data.length >= 36 && data[24]! >= 0x17 && data[24]! <= 0x1b)
    .map(({ socket, data }) => `${socket} 0x${data[24]!.toString(16)}`);
  return [...new Set(kinds)];
}

/** When the client first sent a frame of this kind. */
function sentAt(link: ObservedLink, kind: number): number {
  const all = [...link.segments("main"), ...link.segments("device")];
  return all.find(({ data }) => data[24] === kind && data.length >= 36)!.at;
}

Deno.test("a device that needs the sign gets it, and then grants realms", () => {
  const link = new ObservedLink({ device: { sign: "required" } });
  link.w.handshake();
  assertEquals(signFrames(link), ["main 0x17", "device 0x19"]);
  const realm = link.w.connect(80);
  assertEquals(link.w.event("realm-connected"), { type: "realm-connected", realm });
  assertEquals(signFrames(link), ["main 0x17", "device 0x19", "device 0x1b"]);
  assertEquals(link.w.world.counters.bindsIgnored, 0);
});

Deno.test("an agent that gives no sign is waited for 2 s, then the link goes on without", () => {
  const link = new ObservedLink({ device: { sign: "unanswered" } });
  const { w } = link;
  w.runUntil(() => signFrames(link).length > 0);
  const askedAt = sentAt(link, 0x17);
  link.expectAt(askedAt + 2_000, () => w.link.state === "ready", "ready");
  assertEquals(w.link.path, "direct");
  assertEquals(signFrames(link), ["main 0x17"]);
  w.connect(80);
  assertEquals(w.event("realm-connected")?.type, "realm-connected");
});

Deno.test("a sign that the device ignores for 2 s is given up, on the same connection", () => {
  const link = new ObservedLink({ device: { sign: "ignored" } });
  const { w } = link;
  w.runUntil(() => signFrames(link).length > 1);
  const presentedAt = sentAt(link, 0x19);
  link.expectAt(presentedAt + 2_000, () => w.link.state === "ready", "ready");
  assertEquals(signFrames(link), ["main 0x17", "device 0x19"]);
  w.connect(80);
  assertEquals(w.event("realm-connected")?.type, "realm-connected");
  assertEquals(link.segments("device").filter(({ data }) => data[13] === 2).length, 1, "one SYN");
});

Deno.test("a link told to skip the sign never mentions it", () => {
  const link = new ObservedLink({ device: { sign: "harmful" }, link: { sign: "skip" } });
  const { w } = link;
  w.handshake();
  assertEquals(w.link.path, "direct");
  const realm = w.connect(80);
  w.runUntil(() => w.bytes(realm).length === 100, 1_000);
  assertEquals(w.bytes(realm).length, 100);
  assertEquals(signFrames(link), []);
});

Deno.test("a session that the sign made a zombie is lost 12 s after a realm's last byte", () => {
  const link = new ObservedLink({ device: { sign: "harmful" } });
  const { w } = link;
  w.handshake();
  const realm = w.connect(80);
  assertEquals(w.event("realm-connected"), { type: "realm-connected", realm });
  w.runFor(30_000);
  assertEquals(w.link.state, "ready", "a realm that sends nothing proves nothing");
  w.client.act((now) => w.link.write(realm, new Uint8Array(10), now));
  w.runFor(5_000);
  w.client.act((now) => w.link.write(realm, new Uint8Array(10), now));
  const lastAt = w.network.now;
  w.network.run({ untilMs: lastAt + 11_999 });
  assertEquals(w.link.state, "ready");
  const { failure, at } = link.end();
  assertEquals(failure?.reason, "relay-zombie");
  assertEquals(failure?.facts, { sentBytes: 20, silentMs: 12_000, path: "direct" });
  assertEquals(at - lastAt, 12_100, "12 s, and the relay's answer to the unbind");
});

Deno.test("clients that give up every 5 s do not hide a zombie", () => {
  const link = new ObservedLink({ device: { sign: "harmful" } });
  const { w } = link;
  w.handshake();
  const startedAt = w.network.now;
  const oneClient = (): void => {
    if (w.link.state !== "ready") return;
    const realm = w.client.act((now) => w.link.bind(80, now));
    w.client.act((now) => w.link.write(realm, new Uint8Array(10), now));
    w.network.schedule(w.network.now + 5_000, () => {
      w.client.act((now) => w.link.close(realm, now));
      oneClient();
    });
  };
  oneClient();
  const { failure, at } = link.end();
  assertEquals(failure?.reason, "relay-zombie");
  assertEquals(at - startedAt, 12_100);
});

Deno.test("a client that leaves before an answer can come does not doom its link", () => {
  const link = new ObservedLink({ services: new Map([[80, {}]]) });
  const { w } = link;
  w.handshake();
  const realm = w.connect(80);
  w.client.act((now) => w.link.write(realm, new Uint8Array(10), now));
  w.runFor(500);
  w.client.act((now) => w.link.close(realm, now));
  w.runFor(60_000);
  assertEquals(w.link.state, "ready");
});
