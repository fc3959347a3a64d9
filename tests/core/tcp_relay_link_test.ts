import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { utf8 } from "../../lib/core/bytes.ts";
import { encodeFrame } from "../../lib/core/realm/frame.ts";
import type { Reason } from "../../lib/core/failure.ts";
import { ROUND_TRIP_MS } from "../sim/network.ts";
import {
  LinkWorld,
  type LinkWorldOptions,
  type Service,
  TCP_AGENT,
} from "../support/link_world.ts";

const CREDENTIALS = { username: "admin", password: "admin123" };
const ECHO: Service = { answer: (bytes) => bytes.slice() };
const SERVICES = new Map<number, Service>([[80, { greeting: utf8("hello") }], [81, ECHO]]);
const POLICY = "p2p,udprelay,tcprelay";

/** A world whose device comes to TCP relays, and a link that wants one. */
function tcpWorld(options: LinkWorldOptions = {}): LinkWorld {
  return new LinkWorld({
    services: SERVICES,
    ...options,
    device: { policy: POLICY, ...options.device },
    link: { path: "tcp-relay", ...options.link },
  });
}

function reasonOf(w: LinkWorld): Reason | undefined {
  w.handshake();
  return w.event("closed")?.failure?.reason;
}

for (const authType of [0, 1] as const) {
  Deno.test(`a session over the TCP relay carries bytes both ways, authentication type ${authType}`, () => {
    const w = tcpWorld({
      device: { authType },
      link: authType ? { credentials: CREDENTIALS } : {},
    });
    w.handshake();
    assertEquals(w.link.state, "ready");
    assertEquals(w.event("ready"), { type: "ready", path: "tcp-relay" });
    assertEquals(w.event("warning"), undefined);
    const hello = w.connect(80);
    assert(w.runUntil(() => w.bytes(hello).length >= 5));
    assertEquals(w.bytes(hello), utf8("hello"));
    const echo = w.connect(81);
    w.client.act((now) => w.link.write(echo, utf8("and back"), now));
    assert(w.runUntil(() => w.bytes(echo).length >= 8));
    assertEquals(w.bytes(echo), utf8("and back"));
    const { counters } = w.world;
    assertEquals(counters.authTransactions, authType ? 2 : 0);
    assertEquals(counters.allocations, 0, "no UDP relay is asked for");
    assertEquals(counters.stunRequests, 0, "nothing is punched");
    assertEquals(counters.tcpRelays, 1);
  });
}

Deno.test("the TCP relay is ready within eleven round trips", () => {
  const w = tcpWorld();
  w.handshake();
  const trips = w.elapsedMs / ROUND_TRIP_MS;
  assert(trips <= 11, `${trips} round trips`);
});

Deno.test("a clean stop says DISC for every realm, then closes the connection", () => {
  const w = tcpWorld();
  w.handshake();
  w.connect(80);
  w.client.act((now) => w.link.stop(now));
  assert(w.runUntil(() => w.link.state === "closed", 2_000));
  assertEquals(w.event("closed"), { type: "closed" });
  assert(w.event("tcp-close"));
  w.runFor(1_000);
  const { counters, tcpAgent } = w.world;
  assertEquals([counters.realmsOpen, counters.tcpRelays, tcpAgent.connectionCount], [0, 0, 0]);
  assertEquals(counters.sessionsOpen, 0);
});

Deno.test("two megabytes each way stay whole, and no buffer grows beyond its limit", () => {
  const size = 2_000_000;
  const down = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);
  const up = Uint8Array.from({ length: size }, (_, i) => (i * 17 + (i >>> 9)) & 0xff);
  const w = tcpWorld({ services: new Map([[90, { greeting: down }], [91, {}]]) });
  w.handshake();
  const source = w.connect(90);
  const sink = w.connect(91);
  let sent = 0;
  for (let steps = 0; sent < size && steps < 20_000; steps++) {
    sent += w.client.act((now) => w.link.write(sink, up.subarray(sent), now));
    assert(w.link.carrier!.connection.unacknowledgedBytes <= 65_536);
    w.runFor(10);
  }
  assert(w.runUntil(() => w.bytes(source).length >= size));
  assertEquals(w.bytes(source), down);
  const taken = (): number =>
    (w.services.received.get(91) ?? []).reduce((sum, chunk) => sum + chunk.length, 0);
  assert(w.runUntil(() => taken() >= size));
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of w.services.received.get(91)!) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  assertEquals(all, up);
});

Deno.test("keepalives leave every 7 s", () => {
  const w = tcpWorld();
  w.handshake();
  w.runFor(1_000);
  const before = w.world.counters.heartbeatsIn;
  w.runFor(70_000);
  assertEquals(w.world.counters.heartbeatsIn - before, 10);
  assertEquals(w.link.state, "ready");
});

Deno.test("a peer that sends no keepalives is not given up for being idle", () => {
  const w = tcpWorld({
    device: { heartbeatIntervalMs: 3_600_000 },
  });
  w.handshake();
  w.runFor(300_000);
  assertEquals(w.link.state, "ready");
  const realm = w.connect(80);
  assert(w.runUntil(() => w.bytes(realm).length === 5));
});

Deno.test("a peer whose keepalives stop is given up after 30 s", () => {
  const w = tcpWorld();
  w.handshake();
  w.runFor(20_000);
  w.tcpConnection!.peer!.isFrozen = true;
  const at = w.network.now;
  assert(w.runUntil(() => w.link.state === "closed"));
  assertEquals(w.event("closed")?.failure?.reason, "peer-silent");
  const afterMs = w.network.now - at;
  assert(afterMs > 24_000 && afterMs < 31_000, `${afterMs} ms`);
});

Deno.test("bytes that nobody takes for 20 s end the session", () => {
  const w = tcpWorld();
  w.handshake();
  const realm = w.connect(81);
  w.client.act((now) => w.link.write(realm, utf8("alive"), now));
  assert(w.runUntil(() => w.bytes(realm).length === 5));
  w.tcpConnection!.isFrozen = true;
  const big = new Uint8Array(65_536);
  for (let i = 0; i < 10; i++) {
    w.client.act((now) => w.link.write(realm, big, now));
    w.runFor(100);
  }
  // One piece is with the driver, which cannot write it.
  w.client.act((now) => w.link.pollStream(now));
  assert(w.runUntil(() => w.link.state === "closed"));
  assertEquals(w.event("closed")?.failure?.reason, "data-stalled");
});

Deno.test("a realm that nobody reads closes the window of the device, and only that", () => {
  const size = 12_000_000;
  const w = tcpWorld({ services: new Map([[90, { greeting: new Uint8Array(size) }]]) });
  w.handshake();
  const realm = w.client.act((now) => w.link.bind(90, now));
  // The link world reads at once: take the reader away.
  const read = w.link.read.bind(w.link);
  let taken = 0;
  w.link.read = () => [];
  w.runFor(60_000);
  assert(w.link.isStreamPaused, "reading pauses");
  assertEquals(w.link.state, "ready");
  assert(w.world.counters.bytesOut < 6_000_000, `${w.world.counters.bytesOut} left the device`);
  for (let steps = 0; taken < size && steps < 10_000; steps++) {
    taken += w.client.act((now) =>
      read(realm, 1 << 20, now).reduce((sum, chunk) => sum + chunk.length, 0)
    );
    w.runFor(20);
  }
  assertEquals(taken, size);
  assert(!w.link.isStreamPaused);
});

Deno.test("in auto the TCP relay is the last resort, when the policy names it", () => {
  const w = tcpWorld({
    device: { paths: "relay" },
    cloud: { refusesRelayStart: true },
    link: { path: "auto" },
  });
  w.handshake();
  assertEquals(w.link.state, "ready");
  assertEquals(w.link.path, "tcp-relay");
  const warnings = w.events.flatMap((e) => e.type === "warning" ? [e.failure] : []);
  assertEquals(warnings.map(({ reason }) => reason), ["punch-failed", "relay-busy"]);
  assertStringIncludes(warnings[1]!.what, "using the TCP relay, which is experimental");
  const realm = w.connect(80);
  assert(w.runUntil(() => w.bytes(realm).length === 5));
  w.client.act((now) => w.link.stop(now));
  w.runFor(3_000);
  assertEquals(w.world.counters.openLeases, 0);
});

Deno.test("in auto nobody asks for a TCP relay while another path works", () => {
  for (const paths of ["both", "relay"] as const) {
    const w = tcpWorld({ device: { paths }, link: { path: "auto" } });
    w.handshake();
    assertEquals(w.link.path, paths === "both" ? "direct" : "relay");
    assertEquals(w.world.counters.requests["tcprelay-channel"], 0);
    assertEquals(w.event("tcp-connect"), undefined);
  }
});

Deno.test("in auto there is no TCP relay for a device whose policy does not name it", () => {
  const w = new LinkWorld({ device: { paths: "relay" }, cloud: { refusesRelayStart: true } });
  assertEquals(reasonOf(w), "relay-busy");
  assertEquals(w.world.counters.requests["tcprelay-channel"], 0);
});

Deno.test("a path that was chosen is not replaced by the TCP relay", () => {
  const cloud = { refusesRelayStart: true };
  const relay = tcpWorld({ device: { paths: "relay" }, cloud, link: { path: "relay" } });
  assertEquals(reasonOf(relay), "relay-busy");
  const direct = tcpWorld({ device: { paths: "relay" }, link: { path: "direct" } });
  assertEquals(reasonOf(direct), "punch-failed");
  for (const w of [relay, direct]) {
    assertEquals(w.world.counters.requests["tcprelay-channel"], 0);
  }
});

Deno.test("every way in which the TCP relay can fail has its reason", () => {
  const failing = (options: LinkWorldOptions): Reason | undefined => reasonOf(tcpWorld(options));
  assertEquals(failing({ device: { policy: "p2p,udprelay" } }), "relay-busy");
  assertEquals(failing({ device: { silent: ["never-joins"] } }), "relay-busy");
  for (const tcpAgent of ["refuses", "silent", "closes"] as const) {
    assertEquals(failing({ cloud: { tcpAgent } }), "relay-busy", tcpAgent);
  }
  assertEquals(failing({ cloud: { tcpAgent: "garbage" } }), "protocol");
  assertEquals(failing({ device: { silent: ["channel"] } }), "device-silent");
  assertEquals(failing({ device: { isOnline: false } }), "device-offline");
  const deaf = tcpWorld();
  deaf.tcp.unlisten(TCP_AGENT);
  assertEquals(reasonOf(deaf), "relay-busy");
  assertStringIncludes(deaf.event("closed")!.failure!.what, "cannot be reached");
});

Deno.test("a failed handshake leaves no connection behind", () => {
  for (const tcpAgent of ["refuses", "silent", "closes", "garbage"] as const) {
    const w = tcpWorld({ cloud: { tcpAgent } });
    assert(reasonOf(w));
    w.runFor(40_000);
    assertEquals(w.world.tcpAgent.connectionCount, 0, tcpAgent);
  }
});

Deno.test("a device that never joins is waited for by no longer than the relay's patience", () => {
  const w = tcpWorld({ device: { silent: ["never-joins"] } });
  assertEquals(reasonOf(w), "relay-busy");
  assert(w.elapsedMs < 12_000, `${w.elapsedMs} ms`);
});

Deno.test("stopping in the middle of the handshake closes the connection", () => {
  const w = tcpWorld({ device: { silent: ["never-joins"] } });
  assert(w.runUntil(() => w.event("tcp-connect") !== undefined));
  w.runFor(150);
  w.client.act((now) => w.link.stop(now));
  assert(w.runUntil(() => w.link.state === "closed", 1_000));
  assertEquals(w.event("closed"), { type: "closed" });
  w.runFor(1_000);
  assertEquals(w.world.tcpAgent.connectionCount, 0);
});

Deno.test("a wrong version nibble, or any other nonsense, resets the session with its reason", () => {
  const heartbeat = encodeFrame({ type: "heartbeat" });
  const wrongVersion = heartbeat.slice();
  wrongVersion[0] = 0x23;
  for (
    const bytes of [wrongVersion, utf8("HTTP/1.1 502 Bad Gateway\r\n\r\n"), new Uint8Array(40)]
  ) {
    const w = tcpWorld();
    w.handshake();
    const realm = w.connect(81);
    w.tcpAgentNode.act((now) => w.world.tcpAgent.inject(bytes, now));
    assert(w.runUntil(() => w.link.state === "closed", 5_000));
    assertEquals(w.event("closed")?.failure?.reason, "protocol");
    assert(w.events.some((e) => e.type === "realm-closed" && e.realm === realm));
    w.runFor(1_000);
    assertEquals(w.world.tcpAgent.connectionCount, 0);
  }
});

Deno.test("frames nobody expects do no harm", () => {
  const w = tcpWorld();
  w.handshake();
  const realm = w.connect(81);
  for (
    const frame of [
      encodeFrame({ type: "service" }),
      encodeFrame({ type: "sign", value: Uint8Array.of(1, 2, 3, 4) }),
      encodeFrame({ type: "status", realm: 0x7777, status: "DISC" }),
      encodeFrame({ type: "data", realm: 0x7777, data: new Uint8Array(50) }),
      encodeFrame({ type: "heartbeat" }),
    ]
  ) {
    w.tcpAgentNode.act((now) => w.world.tcpAgent.inject(frame, now));
  }
  w.client.act((now) => w.link.write(realm, utf8("still here"), now));
  assert(w.runUntil(() => w.bytes(realm).length === 10, 5_000));
  assertEquals(w.link.state, "ready");
});

Deno.test("an agent that closes ends the session, its realms and its reason", () => {
  const w = tcpWorld();
  w.handshake();
  const realm = w.connect(81);
  w.tcpAgentNode.act((now) => w.world.tcpAgent.dropAll(now));
  assert(w.runUntil(() => w.link.state === "closed", 2_000));
  const { failure } = w.event("closed")!;
  assertEquals(failure?.reason, "peer-silent");
  assertStringIncludes(failure!.what, "relay-closed");
  assert(w.events.some((e) => e.type === "realm-closed" && e.realm === realm));
});

Deno.test("a reboot of the device ends the session over the TCP relay", () => {
  const w = tcpWorld();
  w.handshake();
  w.deviceNode.act((now) => w.device.reboot(now));
  assert(w.runUntil(() => w.link.state === "closed", 5_000));
  assertEquals(w.event("closed")?.failure?.reason, "peer-silent");
});

Deno.test("a wrong clock is corrected before the agent judges it", () => {
  const w = tcpWorld({ clientClockAheadMs: 3_600_000 });
  w.handshake();
  assertEquals(w.link.path, "tcp-relay");
  assertEquals(w.world.counters.requests["tcprelay/client-bind"], 1);
});

Deno.test("the token is neither traced nor told", () => {
  for (const tcpAgent of ["serves", "refuses", "garbage"] as const) {
    const w = tcpWorld({ cloud: { tcpAgent } });
    w.handshake();
    w.client.act((now) => w.link.stop(now));
    w.runFor(2_000);
    const told = JSON.stringify([w.traces, w.events]);
    assert(!/[0-9A-F]{32}/.test(told), "no token");
    assert(!told.includes("PasswordDigest"));
  }
});
