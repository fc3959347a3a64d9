import { assert, assertEquals } from "@std/assert";
import { RelayHosts } from "../../../lib/core/cloud/relay_hosts.ts";
import type { Endpoint } from "../../../lib/core/types.ts";
import {
  AGENT,
  type Arrival,
  CloudRun,
  HEALTHY,
  RELAY,
  reply,
  type Script,
  SILENT,
  TOKEN,
} from "./scripted_cloud.ts";

/** `/online/relay` names these in turn, the last one for ever. */
function naming(...hosts: readonly string[]): Script {
  return (
    a,
  ) => [reply(a, 200, [["Address", `${hosts[Math.min(a.before, hosts.length - 1)]}:8900`]])];
}

/** Only this host answers. */
function onlyAt(ip: string, script: Script): Script {
  return (a) => a.to.ip === ip ? script(a) : [];
}

const targets = (arrivals: readonly Arrival[]): Endpoint[] =>
  arrivals.filter((a, i, all) => all.findIndex((b) => b.cseq === a.cseq) === i).map((a) => a.to);

Deno.test("a relay server silent for a second is not waited for: the next one is asked too", () => {
  const run = new CloudRun({
    "online-relay": naming("192.0.2.21", "192.0.2.22", RELAY.ip),
    "relay-agent": onlyAt(RELAY.ip, HEALTHY["relay-agent"]),
  }).start(60_000);
  assertEquals(targets(run.of("relay-agent")).map(({ ip }) => ip), [
    "192.0.2.21",
    "192.0.2.22",
    RELAY.ip,
  ]);
  // Lookup and one p2p-channel round trip, then a second and a lookup for each dead one.
  assertEquals(run.event("lease")?.at, 2_250);
  assert(run.event("relay-ready"));
  assertEquals(run.sentAt("relay-unbind"), []);
});

Deno.test("one relay server that never answers is asked again after its rest, and given up after 12 s", () => {
  const run = new CloudRun({ "relay-agent": SILENT }).start(60_000);
  const first = [...new Set(run.of("relay-agent").map(({ cseq }) => cseq))].map((cseq) =>
    run.of("relay-agent").find((a) => a.cseq === cseq)!.at
  );
  assertEquals(first, [50, 7_250]);
  assertEquals(run.event("relay-failed")?.at, 12_050);
  assertEquals(run.event("relay-failed")?.failure.reason, "relay-busy");
  assert(run.sentAt("online-relay").length <= 16, "lookups are bounded");
  assertEquals(run.reason, undefined, "the direct path may still carry the link");
});

Deno.test("never more than four places are asked for, over all sessions of a process", () => {
  const relayHosts = new RelayHosts();
  const dead = (n: number): Script => naming(...[1, 2, 3, 4, 5, 6].map((i) => `192.0.${n}.${i}`));
  const runs = [10, 11].map((n) =>
    new CloudRun({ "online-relay": dead(n), "relay-agent": SILENT }, { relayHosts })
  );
  for (const run of runs) run.start(0);
  for (let now = 10; now <= 30_000; now += 10) for (const run of runs) run.runUntil(now);
  const spans = runs.flatMap((run) => {
    const all = run.of("relay-agent");
    return [...new Set(all.map(({ cseq }) => cseq))].map((cseq) => {
      const at = all.find((a) => a.cseq === cseq)!.at;
      return { at, until: at + 4_000 };
    });
  });
  assert(spans.length >= 6, "more hosts than may be asked at a time");
  for (const { at } of spans) {
    const underWay = spans.filter((span) => span.at <= at && at < span.until).length;
    assert(underWay <= 4, `${underWay} at ${at}`);
  }
  for (const run of runs) assertEquals(run.event("relay-failed")?.failure.reason, "relay-busy");
});

Deno.test("a dead relay server is known to the next session", () => {
  const relayHosts = new RelayHosts();
  const scripts = {
    "online-relay": naming("192.0.2.21", RELAY.ip),
    "relay-agent": onlyAt(RELAY.ip, HEALTHY["relay-agent"]),
  };
  new CloudRun(scripts, { relayHosts, path: "relay" }).start(4_500);
  const next = new CloudRun(scripts, { relayHosts, path: "relay" });
  next.now = 5_000;
  next.start(20_000);
  assertEquals(targets(next.of("relay-agent")).map(({ ip }) => ip), [RELAY.ip]);
  assert(next.event("relay-ready"));
});

Deno.test("a place that is granted after another one is given back at once", () => {
  const run = new CloudRun({
    "online-relay": naming("192.0.2.21", RELAY.ip),
    "relay-agent": (a) =>
      a.to.ip === RELAY.ip
        ? HEALTHY["relay-agent"](a)
        : [reply(a, 200, [["Agent", "192.0.2.31:31407"], ["Token", "LATE"]], { afterMs: 1_500 })],
  }).start(60_000);
  assertEquals(run.event("relay-ready")?.agent, AGENT);
  const [unbind] = run.of("relay-unbind");
  assertEquals([unbind?.to.ip, unbind?.request.path], ["192.0.2.21", "/relay/unbind/LATE"]);
  assertEquals(run.of("relay-start").every(({ to }) => to.ip === AGENT.ip), true);
});

Deno.test("an agent that never starts is given back, and left alone until it has rested", () => {
  const run = new CloudRun({ "relay-start": (a) => a.at < 4000 ? [] : HEALTHY["relay-start"](a) });
  run.start(60_000);
  // The silent one, and the one at the same host that was not even started.
  assertEquals(run.sentAt("relay-unbind").map((at) => Math.floor(at / 1000)), [4, 4]);
  assert(run.of("relay-unbind").every(({ to }) => to === RELAY || to.ip === RELAY.ip));
  assertEquals(run.sentAt("relay-start").filter((at) => at > 4_100 && at < 7_100), []);
  assert(run.event("relay-ready"));
});

Deno.test("another agent is started at once when one is silent", () => {
  const run = new CloudRun({
    "relay-agent": (a) => [
      reply(a, 200, [["Agent", `192.0.2.${31 + a.before}:31407`], [
        "Token",
        `${TOKEN}${a.before}`,
      ]]),
    ],
    "relay-start": (a) => a.to.ip === "192.0.2.31" ? [] : HEALTHY["relay-start"](a),
  }).start(6_000);
  assertEquals(run.event("lease")?.lease.agent.ip, "192.0.2.32");
  assert(run.event("lease")!.at < 4_500);
  assertEquals(run.of("relay-unbind").map((a) => a.request.path), [`/relay/unbind/${TOKEN}0`]);
});

Deno.test("a place that is still asked for at the release is given back when it is granted", () => {
  for (const until of [50, 60, 99]) {
    const run = new CloudRun().start(until).release();
    assertEquals(run.event("released"), undefined);
    run.runUntil(60_000);
    assertEquals(run.of("relay-unbind").map((a) => [a.at, a.socket, a.to]), [
      [100, "main", RELAY],
    ]);
    assertEquals(run.event("released")?.at, 150);
    assertEquals(run.sentAt("relay-start"), []);
    assertEquals(run.signaling.pollDeadline(), undefined);
  }
});

Deno.test("a place that is never granted holds the release up for no longer than its request", () => {
  const run = new CloudRun({ "relay-agent": SILENT }).start(60).release().runUntil(60_000);
  assertEquals(run.event("released")?.at, 4_050);
  assertEquals(run.sentAt("relay-unbind"), []);
});
