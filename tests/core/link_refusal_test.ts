import { assert, assertEquals } from "@std/assert";
import { CREDENTIALS, ObservedLink } from "../support/link_observer.ts";

Deno.test("a locked device without an account at hand says so, and is asked once", () => {
  const link = new ObservedLink({ device: { authType: 1 } });
  const { failure } = link.end();
  assertEquals(failure?.reason, "auth-required");
  assertEquals(link.requests("/p2p-channel").length, 1);
  assertEquals(link.w.world.counters.authTransactions, 0);
});

Deno.test("a wrong password is judged exactly once, on whatever path", () => {
  for (const path of ["auto", "direct", "relay"] as const) {
    const link = new ObservedLink({
      device: { authType: 1 },
      link: { path, credentials: { username: "admin", password: "wrong" } },
    });
    const { failure } = link.end();
    assertEquals(failure?.reason, "auth-rejected", path);
    assert(!JSON.stringify(failure).includes("wrong"));
    link.w.runFor(60_000);
    assertEquals(link.w.world.counters.authTransactions, 1, path);
  }
});

Deno.test("a wrong password is judged once though every answer is lost", () => {
  const link = new ObservedLink({
    device: { authType: 1 },
    link: { credentials: { username: "admin", password: "wrong" } },
  });
  const { w } = link;
  w.runUntil(() => link.requests("/p2p-channel").length > 0);
  w.network.setLink((_from, to) => to === "client" ? { lossRate: 1 } : { latencyMs: 50 });
  link.end();
  assertEquals(w.world.counters.authTransactions, 1);
});

Deno.test("the right password opens a locked device", () => {
  const link = new ObservedLink({ device: { authType: 1 }, link: { credentials: CREDENTIALS } });
  link.w.handshake();
  assertEquals(link.w.link.state, "ready");
  assertEquals(Object.values(link.w.world.counters.authFailures), [0, 0, 0]);
});

Deno.test("an account is not sent to a device that asks for none", () => {
  const link = new ObservedLink({ link: { credentials: CREDENTIALS } });
  link.w.handshake();
  assertEquals(link.w.link.state, "ready");
  assertEquals(link.w.world.counters.unexpectedAuth, 0);
  assertEquals(link.w.world.counters.authTransactions, 0);
});

Deno.test("a serial that the cloud has never heard of is unknown", () => {
  const link = new ObservedLink({ link: { serial: "NOSUCHSERIAL000" } });
  const { failure, at } = link.end();
  assertEquals([failure?.reason, at - link.w.startedAt], ["device-unknown", 100]);
});

Deno.test("a device that is not registered is offline", () => {
  const link = new ObservedLink({ device: { isOnline: false } });
  const { failure, at } = link.end();
  // One round trip more for the relay that is being asked.
  assertEquals([failure?.reason, at - link.w.startedAt], ["device-offline", 300]);
});

Deno.test("a device that stopped to register is offline", () => {
  const link = new ObservedLink({
    device: { registerIntervalMs: 1e9 },
    cloud: { registrationLifetimeMs: 500 },
  });
  assertEquals(link.end().failure?.reason, "device-offline");
});

Deno.test("a silent cloud is unreachable after 10 s, and not before", () => {
  const link = new ObservedLink({ cloud: { silent: ["main"] } });
  const { w } = link;
  const closed = (): boolean => w.link.state === "closed";
  link.expectAt(w.startedAt + 10_000, closed, "the end");
  assertEquals(w.event("closed")?.failure?.reason, "cloud-unreachable");
  const lookups = link.requests("/online/p2psrv").map(({ at }) => at - w.startedAt);
  assertEquals(lookups, [0, 500, 1_500, 3_500, 7_500]);
});

Deno.test("a device that does not hear of us is silent after 10 s", () => {
  const link = new ObservedLink({ device: { silent: ["channel"] }, link: { path: "direct" } });
  const { w } = link;
  w.runUntil(() => link.requests("/p2p-channel").length > 0);
  const calledAt = link.requests("/p2p-channel")[0]!.at;
  w.network.run({ untilMs: calledAt + 9_999 });
  assertEquals(w.link.state, "handshake");
  const { failure } = link.end();
  assertEquals(failure?.reason, "device-silent");
});

Deno.test("a silent US server alone fails no link to a device that asks for no login", () => {
  for (const credentials of [undefined, CREDENTIALS]) {
    const link = new ObservedLink({ cloud: { silent: ["us"] }, link: { credentials } });
    link.w.handshake();
    assertEquals(link.w.link.state, "ready");
  }
});

Deno.test("a silent US server keeps a locked device's salt to itself: the cloud is to blame", () => {
  const link = new ObservedLink({
    device: { authType: 1 },
    cloud: { silent: ["us"] },
    link: { credentials: CREDENTIALS },
  });
  assertEquals(link.end().failure?.reason, "cloud-unreachable");
  assertEquals(link.w.world.counters.authTransactions, 0, "the password was not judged");
});

Deno.test("a wrong clock is a warning, and corrected", () => {
  const link = new ObservedLink({
    device: { authType: 1 },
    link: { credentials: CREDENTIALS },
    clientClockAheadMs: -3 * 3_600_000,
  });
  link.w.handshake();
  assertEquals(link.w.link.state, "ready");
  assertEquals(link.warnings, ["clock-skew"]);
  assertEquals(Object.values(link.w.world.counters.authFailures), [0, 0, 0]);
});

Deno.test("an unreadable answer ends the handshake as a matter of protocol", () => {
  const link = new ObservedLink();
  const { w } = link;
  w.runUntil(() => link.requests("/online/p2psrv").length > 0);
  const request = link.requests("/online/p2psrv")[0]!;
  const cseq = /CSeq: (-?\d+)/.exec(new TextDecoder().decode(request.data))![1];
  const answer = `HTTP/1.1 200 OK\r\nCSeq: ${cseq}\r\n\r\n<body><US>not an address</US></body>`;
  w.client.deliver({
    socket: "main",
    from: request.to,
    data: new TextEncoder().encode(answer),
  });
  assertEquals(link.end().failure?.reason, "protocol");
});
