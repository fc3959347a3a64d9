import { assert, assertEquals } from "@std/assert";
import {
  ACCOUNT,
  CloudRun,
  devPwd,
  HEALTHY,
  LockedDevice,
  MAIN,
  reply,
  type Script,
  SERIAL,
  SILENT,
  TCP_AGENT,
  TCP_TOKEN,
} from "./scripted_cloud.ts";
import { deviceAuth, deviceKey } from "../../../lib/core/cloud/device_auth.ts";

/** A run whose device has answered, then asked for a TCP relay. */
function called(
  scripts: ConstructorParameters<typeof CloudRun>[0],
  options: ConstructorParameters<typeof CloudRun>[1] = {},
): CloudRun {
  const run = new CloudRun(scripts, { path: "tcp-relay", ...options }).start(2_000);
  run.signaling.callTcpRelay(run.now);
  return run.runUntil(2_000);
}

Deno.test("tcprelay-channel goes to the main server, and its answer names agent and token", () => {
  const run = called({}).runUntil(60_000);
  const [arrival] = run.of("tcprelay-channel");
  assertEquals([arrival!.socket, arrival!.to], ["main", MAIN]);
  assertEquals(arrival!.request.path, `/device/${SERIAL}/tcprelay-channel`);
  assertEquals(arrival!.request.method, "DHPOST");
  assertEquals([...arrival!.body], []);
  assertEquals(run.event("tcp-relay-ready"), {
    type: "tcp-relay-ready",
    agent: TCP_AGENT,
    token: TCP_TOKEN,
    at: 2_300,
  });
  assertEquals(run.sentAt("online-relay"), [], "this path needs no other relay");
});

Deno.test("with an account it carries the proof over an empty payload, without the salt, afresh", () => {
  const device = new LockedDevice();
  const run = called({
    ...device.scripts,
    "tcprelay-channel": (a) => a.before === 0 ? [] : HEALTHY["tcprelay-channel"](a),
  }, { credentials: ACCOUNT });
  run.runUntil(60_000);
  const [first, second] = run.of("tcprelay-channel").map(({ body }) => body);
  assertEquals([...first!.keys()], ["CreateDate", "DevAuth", "Nonce", "UserName"]);
  assertEquals(first!.get("UserName"), ACCOUNT.username);
  assert(first!.get("Nonce") !== second!.get("Nonce"));
  assertEquals(first!.get("CreateDate"), second!.get("CreateDate"));
  const key = deviceKey(ACCOUNT.username, ACCOUNT.password, device.salt);
  for (const body of [first!, second!]) {
    const proof = deviceAuth(key, Number(body.get("Nonce")), Number(body.get("CreateDate")), "");
    assertEquals(body.get("DevAuth"), proof);
  }
  assertEquals(run.sentAt("tcprelay-channel"), [2_000, 4_000], "it is first resent after 2 s");
  assert(run.event("tcp-relay-ready"));
});

Deno.test("it is asked for once", () => {
  const run = called({});
  run.signaling.callTcpRelay(run.now);
  run.runUntil(60_000);
  assertEquals(run.sentAt("tcprelay-channel").length, 1);
  assert(run.event("tcp-relay-ready"));
});

Deno.test("answers in JSON, and with other names for the agent, are understood", () => {
  const json: Script = (a) => {
    const answer = reply(a, 200, []);
    const text = '{"AgentAddr":"192.0.2.12:31500","Token":"a+b/c=="}';
    const head = `HTTP/1.1 200 OK\r\nCSeq: ${a.cseq}\r\nContent-Length: ${text.length}\r\n\r\n`;
    return [{ ...answer, data: new TextEncoder().encode(head + text) }];
  };
  const run = called({ "tcprelay-channel": json }).runUntil(60_000);
  assertEquals(run.event("tcp-relay-ready")?.token, "a+b/c==");
  assertEquals(run.event("tcp-relay-ready")?.agent, TCP_AGENT);
});

Deno.test("a refusal, silence or nonsense is a failure of the TCP relay, not of the run", () => {
  const table: readonly [Script, string][] = [
    [SILENT, "relay-busy"],
    [(a) => [reply(a, 403, undefined)], "relay-busy"],
    [(a) => [reply(a, 404, undefined)], "relay-busy"],
    // The login was accepted a moment ago.
    [(a) => [devPwd(a, "DevPwd_InvalidDigest")], "relay-busy"],
    [(a) => [devPwd(a, "DevPwd_InvalidSalt")], "relay-busy"],
    [(a) => [reply(a, 200, [])], "protocol"],
    [(a) => [reply(a, 200, [["Agent", "relay.example.com:1"], ["Token", "t"]])], "protocol"],
    [(a) => [reply(a, 200, [["Agent", "192.0.2.12:31500"], ["Token", "a b"]])], "protocol"],
  ];
  for (const [script, reason] of table) {
    const run = called({ "tcprelay-channel": script }).runUntil(60_000);
    assertEquals(run.event("tcp-relay-failed")?.failure.reason, reason);
    assertEquals(run.event("failed"), undefined);
    assertEquals(run.event("tcp-relay-ready"), undefined);
  }
});

Deno.test("a device silent on p2p-channel may still judge the account at the TCP relay", () => {
  const run = new CloudRun({
    "p2p-channel": SILENT,
    "device-info": new LockedDevice().scripts["device-info"]!,
    "tcprelay-channel": (a) => [devPwd(a, "DevPwd_InvalidDigest")],
  }, { path: "tcp-relay", credentials: ACCOUNT }).start(15_000);
  assertEquals(run.event("channel-failed")?.failure.reason, "device-silent");
  run.signaling.callTcpRelay(run.now);
  run.runUntil(60_000);
  assertEquals(run.event("tcp-relay-failed")?.failure.reason, "auth-rejected");
});

Deno.test("release ends the wait for it without a word", () => {
  const run = called({}).release();
  assertEquals(run.event("released")?.at, 2_000);
  run.runUntil(60_000);
  assertEquals(run.event("tcp-relay-ready"), undefined);
  assertEquals(run.signaling.pollDeadline(), undefined);
});
