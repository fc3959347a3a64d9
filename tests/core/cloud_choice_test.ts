import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { cloudCandidates, CloudChoice } from "../../lib/core/cloud_choice.ts";
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import { DMSS } from "../../lib/core/cloud/dmss.ts";
import * as failures from "../../lib/core/cloud/failures.ts";
import { StateError } from "../../lib/core/errors.ts";
import type { Failure, Reason } from "../../lib/core/failure.ts";

function names(...args: Parameters<typeof cloudCandidates>): string[] {
  return cloudCandidates(...args).map(({ cloud, dialectName }) => `${cloud} ${dialectName}`);
}

function course(...told: Failure[]): { warnings: Failure[]; failure: Failure | undefined } {
  const choice = new CloudChoice(cloudCandidates({}));
  const warnings: Failure[] = [];
  for (const failure of told) {
    const step = choice.failed(failure);
    if (step.type === "failed") return { warnings, failure: step.failure };
    warnings.push(step.warning);
  }
  return { warnings, failure: undefined };
}

Deno.test("SmartPSS on easy4ip is asked first, DMSS on dolynk next", () => {
  assertEquals(names({}), ["easy4ip smartpss", "dolynk dmss"]);
  assertEquals(names({ cloud: "auto" }), ["easy4ip smartpss", "dolynk dmss"]);
  const [first, second] = cloudCandidates({});
  assertEquals(first!.dialect.cloud, SMARTPSS.cloud);
  assertEquals(second!.dialect, DMSS);
});

Deno.test("what worked last time is asked first, and the others still are", () => {
  assertEquals(names({}, { cloud: "dolynk", dialect: "dmss" }), [
    "dolynk dmss",
    "easy4ip smartpss",
  ]);
  assertEquals(names({}, { cloud: "dolynk", dialect: "smartpss" })[0], "easy4ip smartpss");
  assertEquals(names({}, { cloud: "gone.example:1", dialect: "dmss" }), names({}));
  assertEquals(names({ cloud: "easy4ip" }, { cloud: "dolynk", dialect: "dmss" }), [
    "easy4ip smartpss",
  ]);
});

Deno.test("a cloud or a dialect that is chosen is the only one", () => {
  assertEquals(names({ cloud: "easy4ip" }), ["easy4ip smartpss"]);
  assertEquals(names({ cloud: "dolynk" }), ["dolynk dmss"]);
  assertEquals(names({ dialect: "dmss" }), ["dolynk dmss"]);
  assertEquals(names({ dialect: "smartpss" }), ["easy4ip smartpss"]);
});

Deno.test("another app's form on a cloud keeps the cloud's own pair", () => {
  const [candidate] = cloudCandidates({ cloud: "easy4ip", dialect: "dmss" });
  assertEquals(candidate!.dialect.methods, DMSS.methods);
  assertEquals(candidate!.dialect.account, SMARTPSS.account);
  assertEquals(candidate!.dialect.cloud, SMARTPSS.cloud);
});

Deno.test("an OEM's cloud has its host, its pair and SmartPSS's form unless told otherwise", () => {
  const app = { user: "default\\0123", key: "abc" };
  const cloud = { host: "p2p.example.com", port: 8800 };
  const [plain] = cloudCandidates({ cloud });
  assertEquals([plain!.cloud, plain!.dialectName], ["p2p.example.com:8800", "smartpss"]);
  assertEquals(plain!.dialect.account, SMARTPSS.account);
  assertEquals(plain!.dialect.cloud, { name: "p2p.example.com", ...cloud });
  const [own] = cloudCandidates({ cloud, app, dialect: "dmss" });
  assertEquals(own!.dialect.account, app);
  assertEquals(own!.dialect.methods, DMSS.methods);
});

Deno.test("a serial that no cloud knows is told with what each of them said", () => {
  const { warnings, failure } = course(
    failures.deviceUnknown("easy4ip"),
    failures.deviceUnknown("dmss"),
  );
  assertEquals(warnings.map(({ what, advice }) => `${what} ${advice}`), [
    "easy4ip does not know this serial (404). Trying profile dmss (2/2).",
  ]);
  assertEquals(failure!.reason, "device-unknown");
  assertEquals(failure!.what, "no cloud we tried knows this serial: easy4ip 404, dmss 404.");
});

Deno.test("404 and silence move on, and nothing else does", () => {
  const moving: Failure[] = [
    failures.deviceUnknown("easy4ip"),
    failures.deviceOffline(),
    failures.deviceSilent("easy4ip", 15_000),
  ];
  for (const failure of moving) {
    const step = new CloudChoice(cloudCandidates({})).failed(failure);
    assert(step.type === "next", failure.reason);
    assertEquals(step.warning.reason, failure.reason);
    assertEquals(step.warning.advice, "Trying profile dmss (2/2).");
  }
  const final: Reason[] = [
    "app-rejected",
    "auth-rejected",
    "auth-required",
    "auth-salt",
    "clock-skew",
    "cloud-unreachable",
    "handshake-timeout",
    "internal",
    "lockout",
    "protocol",
    "punch-failed",
    "relay-busy",
    "sessions-full",
  ];
  for (const reason of final) {
    const failure: Failure = { reason, what: "x.", advice: "" };
    const step = new CloudChoice(cloudCandidates({})).failed(failure);
    assertEquals(step, { type: "failed", failure }, reason);
  }
});

Deno.test("the failure that tells most is reported, with what the other cloud said", () => {
  const silent = failures.deviceSilent("easy4ip", 15_000);
  assertEquals(
    course(silent, failures.deviceUnknown("dmss")).failure!.what,
    "found through easy4ip but the device did not answer in 15s (dmss 404).",
  );
  const offline = course(failures.deviceUnknown("easy4ip"), failures.deviceOffline()).failure!;
  assertEquals(offline.reason, "device-offline");
  assert(offline.what.endsWith("P2P off) (easy4ip 404)."), offline.what);
  const unreachable = failures.cloudUnreachable(1, 1, 9_000);
  const hidden = course(failures.deviceUnknown("easy4ip"), unreachable).failure!;
  assertEquals(hidden.reason, "cloud-unreachable");
  assert(hidden.what.endsWith("(easy4ip 404)."));
  assertEquals(course(silent, unreachable).failure!.reason, "device-silent");
  const refused = course(silent, failures.authRejected("admin", "x")).failure!;
  assertEquals(refused.reason, "auth-rejected");
  assertEquals(refused.facts?.["others"], "easy4ip silent");
});

Deno.test("silence may use up no more than a cloud's share of the time", () => {
  const choice = new CloudChoice(cloudCandidates({}));
  assertEquals(choice.silenceLimitMs(30_000), 15_000);
  assertFalse(choice.isLast);
  choice.failed(failures.deviceUnknown("easy4ip"));
  assertEquals(choice.silenceLimitMs(29_000), 29_000);
  assert(choice.isLast);
  assertEquals(choice.outOfTime().reason, "device-unknown");
});

Deno.test("nothing can be asked when there is nothing, or nothing is left", () => {
  assertThrows(() => new CloudChoice([]), RangeError);
  const choice = new CloudChoice(cloudCandidates({ cloud: "dolynk" }));
  assertThrows(() => choice.outOfTime(), StateError);
  choice.failed(failures.deviceUnknown("dmss"));
  assertThrows(() => choice.current, StateError);
});
