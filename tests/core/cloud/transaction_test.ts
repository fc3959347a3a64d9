import { assert, assertEquals } from "@std/assert";
import type { ExchangeName } from "../../../lib/core/cloud/exchange.ts";
import { header } from "../../../lib/core/cloud/message.ts";
import {
  ACCOUNT,
  type Arrival,
  CloudRun,
  HEALTHY,
  LockedDevice,
  MAIN,
  type Reply,
  reply,
  type Script,
  SILENT,
} from "./scripted_cloud.ts";

/** Asserts every send of an exchange, and the silence one millisecond before it. */
function assertSends(
  exchange: ExchangeName,
  scripts: Partial<Record<ExchangeName, Script>>,
  times: readonly number[],
  options: ConstructorParameters<typeof CloudRun>[1] = {},
): CloudRun {
  const run = new CloudRun({ ...scripts, [exchange]: SILENT }, options).start(0);
  times.forEach((at, i) => {
    if (at > 0) assertEquals(run.runUntil(at - 1).sentAt(exchange).length, i, `before ${at}`);
    assertEquals(run.runUntil(at).sentAt(exchange).length, i + 1, `at ${at}`);
  });
  run.runUntil(25_000);
  assertEquals(run.sentAt(exchange), [...times], exchange);
  return run;
}

Deno.test("a request is resent after 500 ms, doubling, and given up after 10 s", () => {
  assertSends("lookup", {}, [0, 500, 1500, 3500, 7500]);
  assertSends("warm-up", {}, [0]);
  assertSends("device-info", {}, [50, 550, 1550, 3550, 7550]);
  assertSends("p2p-channel", {}, [50, 550, 1550, 3550, 7550], { path: "direct" });
  assertSends("online-relay", {}, [0, 500, 1500, 3500, 7500]);
});

Deno.test("relay-channel is resent after 2 s, doubling", () => {
  assertSends("relay-channel", {}, [150, 2150, 6150]);
});

Deno.test("an authenticated p2p-channel is resent after 2 s, and twice at most", () => {
  assertSends("p2p-channel", new LockedDevice().scripts, [100, 2100, 6100], {
    credentials: ACCOUNT,
    path: "direct",
  });
});

Deno.test("an authenticated p2p-channel is never resent after its 100", () => {
  const trying = (a: Arrival): Reply[] => [reply(a, 100, [], { afterMs: 700 })];
  const scripts = { ...new LockedDevice().scripts, "p2p-channel": trying };
  const run = new CloudRun(scripts, { credentials: ACCOUNT, path: "direct" }).start(60_000);
  assertEquals(run.sentAt("p2p-channel"), [100]);
  assertEquals(run.event("failed")?.at, 10_100);
});

Deno.test("a p2p-channel without account is resent also after its 100", () => {
  const trying = (a: Arrival): Reply[] => [reply(a, 100, [], { afterMs: 20 })];
  const run = new CloudRun({ "p2p-channel": trying }, { path: "direct" }).start(60_000);
  assertEquals(run.sentAt("p2p-channel"), [50, 550, 1550, 3550, 7550]);
  assertEquals(run.told.filter((type) => type === "trying").length, 1);
});

Deno.test("a resend has the same identity and fresh crypto", () => {
  const device = new LockedDevice();
  const scripts = { ...device.scripts, "p2p-channel": SILENT };
  const run = new CloudRun(scripts, { credentials: ACCOUNT, path: "direct" }).start(60_000);
  const calls = run.of("p2p-channel");
  assertEquals(calls.length, 3);
  for (const same of ["CreateDate", "Identify", "RandSalt", "UserName"]) {
    assertEquals(new Set(calls.map((call) => call.body.get(same))).size, 1, same);
  }
  assertEquals(new Set(calls.map((call) => call.cseq)).size, 1);
  for (const fresh of ["Nonce", "DevAuth", "LocalAddr"]) {
    assertEquals(new Set(calls.map((call) => call.body.get(fresh))).size, 3, fresh);
  }
  assertEquals(new Set(calls.map((call) => header(call.request, "X-WSSE"))).size, 3);
});

Deno.test("device nonces are signed 32-bit integers of both signs", () => {
  const nonces = Array.from({ length: 20 }, (_, seed) => {
    const run = new CloudRun(new LockedDevice().scripts, { credentials: ACCOUNT, seed });
    return run.start(2000).arrivals.map((a) => a.body.get("Nonce")).filter((nonce) =>
      nonce !== undefined
    );
  }).flat().map(Number);
  assertEquals(new Set(nonces).size, 40);
  assert(nonces.every((nonce) => Number.isInteger(nonce) && nonce === (nonce | 0)));
  assert(nonces.some((nonce) => nonce < 0));
  assert(nonces.some((nonce) => nonce > 0));
});

Deno.test("an answer with CSeq 0 counts when exactly one request is open there", () => {
  const zero = (script: Script): Script => (a) =>
    script(a).map((r) => ({ ...r, data: replaceCseq(r.data, a.cseq, "0") }));
  for (const exchange of ["p2p-channel", "relay-agent", "relay-start", "relay-channel"] as const) {
    const run = new CloudRun({ [exchange]: zero(HEALTHY[exchange]) }).start(9_000);
    assert(run.event("channel"), exchange);
    assert(run.event("relay-ready"), exchange);
    assertEquals(run.of(exchange).length, 1);
  }
  // Three requests are open at the main server: nobody can say whose answer it is.
  const run = new CloudRun({ lookup: zero(HEALTHY["lookup"]), "online-relay": SILENT }).start(400);
  assertEquals(run.event("registered"), undefined);
});

Deno.test("a 4xx with a foreign CSeq counts only when exactly one request is open there", () => {
  const foreign = (status: number): Script => (a) => [reply(a, status, undefined, { cseq: "777" })];
  assertEquals(new CloudRun({ "p2p-channel": foreign(404) }).start(9_000).reason, "device-offline");
  assertEquals(new CloudRun({ "p2p-channel": foreign(200) }).start(9_000).reason, undefined);
  assertEquals(new CloudRun({ "p2p-channel": foreign(503) }).start(9_000).reason, undefined);
  const several = new CloudRun({ lookup: foreign(404), "online-relay": SILENT }).start(400);
  assertEquals(several.reason, undefined);
});

Deno.test("a 4xx with the CSeq of a finished request is a late twin", () => {
  const run = new CloudRun({ "p2p-channel": SILENT }).start(60);
  const lookup = run.of("lookup")[0]!;
  run.inject("device", MAIN, reply(lookup, 404, undefined).data);
  run.runUntil(5_000);
  assertEquals(run.reason, undefined);
  assert(run.traces.some((t) => t.name === "datagram-dropped" && t.data["reason"] === "late"));
});

Deno.test("many answers in a row neither match nor grow anything", () => {
  const run = new CloudRun({ "p2p-channel": SILENT }, { path: "direct" }).start(60);
  const lookup = run.of("lookup")[0]!;
  for (let i = 0; i < 10_000; i++) {
    run.inject("device", MAIN, reply(lookup, 200, undefined, { cseq: String(1000 + i) }).data);
  }
  assertEquals(run.arrivals.filter((a) => a.at === 60).length, 0);
  run.runUntil(60_000);
  assertEquals(run.reason, "device-silent");
});

function replaceCseq(data: Uint8Array, from: string, to: string): Uint8Array {
  const text = new TextDecoder().decode(data);
  return new TextEncoder().encode(text.replace(`CSeq: ${from}\r\n`, `CSeq: ${to}\r\n`));
}
