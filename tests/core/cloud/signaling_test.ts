import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SMARTPSS } from "../../../lib/core/cloud/dialect.ts";
import { encodeResponse } from "../../../lib/core/cloud/message.ts";
import { EMPTY, parseEndpoint, utf8 } from "../../../lib/core/bytes.ts";
import { StateError } from "../../../lib/core/errors.ts";
import {
  ACCOUNT,
  AGENT,
  type Arrival,
  CloudRun,
  devPwd,
  HEALTHY,
  hostileDatagrams,
  LockedDevice,
  losing,
  MAIN,
  MAIN_2,
  RELAY,
  type Reply,
  reply,
  SALT,
  saltedInfo,
  SERIAL,
  SILENT,
  TOKEN,
  US,
} from "./scripted_cloud.ts";
import dialogue from "../../../fixtures/recorded/cloud/dialogue_2024_type0.json" with {
  type: "json",
};

const LAN = { ip: "192.168.1.108", port: 23730 };
const PUBLIC = { ip: "198.51.100.20", port: 23730 };

Deno.test("without an account the device is called in the second round trip", () => {
  const run = new CloudRun().start(2000);
  assertEquals(run.order, [
    "warm-up",
    "lookup",
    "online-relay",
    "probe-device",
    "device-info",
    "p2p-channel",
    "relay-agent",
    "relay-start",
    "relay-channel",
  ]);
  assertEquals(run.sentAt("warm-up"), [0]);
  assertEquals(run.sentAt("lookup"), [0]);
  assertEquals(run.sentAt("online-relay"), [0]);
  for (const exchange of ["probe-device", "device-info", "p2p-channel", "relay-agent"] as const) {
    assertEquals(run.sentAt(exchange), [50]);
  }
  assertEquals(run.sentAt("relay-start"), [100]);
  assertEquals(run.sentAt("relay-channel"), [150]);
  assertEquals(run.told, [
    "registered",
    "device-info",
    "lease",
    "trying",
    "channel",
    "relay-ready",
  ]);
  assertEquals(run.event("channel")?.at, 350);
  assertEquals(run.event("relay-ready"), { type: "relay-ready", agent: AGENT, at: 450 });
  assertEquals(run.signaling.pollDeadline(), undefined);
});

Deno.test("the answer of a device without login is decoded", () => {
  const { answer } = new CloudRun().start(2000).event("channel")!;
  assertEquals(answer, {
    identify: Uint8Array.of(0xa0, 0xb1, 0xc2, 0xd3, 0xe4, 0xf5, 0xa6, 0x17),
    candidates: [LAN, PUBLIC],
    publicEndpoint: PUBLIC,
    policy: ["p2p", "udprelay"],
    version: "6.3.0",
    natValue: 0,
  });
});

Deno.test("the recorded answers of a real cloud and device carry a run to its end", () => {
  const scripts = Object.fromEntries(dialogue.rows.map((row) => [
    row.exchange,
    (a: Arrival): Reply[] =>
      row.responses.map((response, i) => ({
        afterMs: 50 + 100 * i,
        from: parseEndpoint(response.from),
        data: utf8(response.text.replace(/CSeq: \d+/, `CSeq: ${a.cseq}`)),
      })),
  ]));
  const run = new CloudRun({ ...scripts, "device-info": SILENT }).start(60_000);
  assertEquals(run.told, ["registered", "trying", "lease", "channel", "relay-ready"]);
  assertEquals(run.event("channel")?.answer.candidates, [LAN, PUBLIC]);
  assertEquals(run.event("lease")?.lease, {
    agent: AGENT,
    relayServer: RELAY,
    sid: "00112233445566778899aabbccddeeff",
    lifetimeSeconds: 30,
  });
  assertEquals(run.event("relay-ready")?.agent, AGENT);
  assertEquals(Math.round(run.signaling.clockOffsetMs / 1000), 2);
});

Deno.test("every request leaves from its own socket to its own server", () => {
  const run = new CloudRun().start(2000).release().runUntil(4000);
  const places = Object.fromEntries(run.arrivals.map((a) => [a.exchange, [a.socket, a.to]]));
  assertEquals(places, {
    "warm-up": ["main", MAIN],
    "lookup": ["main", MAIN],
    "online-relay": ["main", MAIN],
    "probe-device": ["us", US],
    "device-info": ["us", US],
    "p2p-channel": ["device", MAIN],
    "relay-agent": ["main", RELAY],
    "relay-start": ["main", AGENT],
    "relay-channel": ["main", MAIN],
    "relay-unbind": ["main", RELAY],
  });
});

Deno.test("one CSeq counter runs over all sockets", () => {
  const run = new CloudRun().start(2000);
  assertEquals(run.arrivals.map((a) => a.cseq), ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
});

Deno.test("bodies are those of the recorded exchange", () => {
  const run = new CloudRun().start(2000);
  const body = (exchange: "p2p-channel" | "relay-start" | "relay-channel"): string =>
    new TextDecoder().decode(run.of(exchange)[0]!.request.body);
  assertEquals(
    body("p2p-channel"),
    "<body><Identify>10 aa bb c 40 50 6 71</Identify><IpEncrpt>true</IpEncrpt>" +
      "<LocalAddr>127.0.0.1:59474</LocalAddr><version>5.0.0</version></body>",
  );
  assertEquals(body("relay-start"), "<body><Client>:0</Client></body>");
  assertEquals(body("relay-channel"), "<body><agentAddr>192.0.2.11:31407</agentAddr></body>");
  assertEquals(run.of("relay-start")[0]!.request.path, `/relay/start/${TOKEN}`);
});

Deno.test("with an account and a salt the device is called once, as type 1", () => {
  const device = new LockedDevice();
  const run = new CloudRun(device.scripts, { credentials: ACCOUNT }).start(3000);
  assertEquals(run.sentAt("p2p-channel"), [100]);
  assertEquals(run.sentAt("relay-agent"), [100]);
  assertEquals(run.sentAt("relay-start"), [150]);
  assertEquals([...run.of("p2p-channel")[0]!.body.keys()], [
    "CreateDate",
    "DevAuth",
    "Nonce",
    "RandSalt",
    "UserName",
    "Identify",
    "IpEncrptV2",
    "LocalAddr",
    "version",
  ]);
  assertEquals(run.event("channel")?.answer.candidates, [
    LAN,
    { ip: "10.0.0.9", port: 23730 },
    PUBLIC,
  ]);
  assertEquals(run.event("device-info")?.info, {
    version: "6.7.30",
    salt: SALT,
    ports: { rtspport: 554 },
  });
  assert(run.event("relay-ready"));
  assertEquals(device.judgements, 2);
});

Deno.test("an authenticated relay-channel waits for the device's word on the password", () => {
  const device = new LockedDevice();
  const run = new CloudRun(device.scripts, { credentials: ACCOUNT }).start(399);
  assertEquals(run.sentAt("relay-channel"), []);
  run.runUntil(400);
  assertEquals(run.sentAt("relay-channel"), [400]);
  const [call, relay] = [run.of("p2p-channel")[0]!, run.of("relay-channel")[0]!];
  assertNotEquals(relay.body.get("Nonce"), call.body.get("Nonce"));
  assertEquals([...relay.body.keys()].at(-1), "agentAddr");
});

Deno.test("a device silent on p2p-channel delays an authenticated relay-channel by 4 s at most", () => {
  const device = new LockedDevice();
  const scripts = { ...device.scripts, "p2p-channel": SILENT };
  const run = new CloudRun(scripts, { credentials: ACCOUNT }).start(4099);
  assertEquals(run.sentAt("relay-channel"), []);
  run.runUntil(4100);
  assertEquals(run.sentAt("relay-channel"), [4100]);
});

Deno.test("a wrong password is judged once and ends in auth-rejected", () => {
  for (const path of ["auto", "direct", "relay"] as const) {
    const device = new LockedDevice(SALT, "another");
    const run = new CloudRun(device.scripts, { credentials: ACCOUNT, path }).start(60_000);
    assertEquals(run.reason, "auth-rejected");
    assertEquals(device.judgements, 1);
    assertEquals(run.sentAt("p2p-channel").length, 1);
    assertEquals(run.sentAt("relay-channel"), []);
    assert(!JSON.stringify(run.event("failed")).includes(ACCOUNT.password));
    assertEquals(
      run.event("failed")?.failure.what,
      "device refused user 'admin'.",
    );
  }
});

Deno.test("a device that wants a login and gets none ends in auth-required", () => {
  const device = new LockedDevice();
  for (const path of ["auto", "direct", "relay"] as const) {
    const run = new CloudRun(device.scripts, { path }).start(60_000);
    assertEquals(run.reason, "auth-required");
    assertEquals(run.sentAt("p2p-channel"), [50]);
    assertEquals(run.event("failed")?.at, 350);
  }
  assertEquals(device.judgements, 0);
});

Deno.test("type 0 on request sends no proof, and its refusal is final", () => {
  const device = new LockedDevice();
  const run = new CloudRun(device.scripts, { credentials: ACCOUNT, authType: "0" }).start(60_000);
  assertEquals(run.sentAt("p2p-channel"), [50]);
  assertEquals(run.reason, "auth-required");
  assertEquals(device.judgements, 0);
});

Deno.test("type 1 on request with an empty Info uses the static salt", () => {
  const device = new LockedDevice("5daf91fc5cfc1be8e081cfb08f792726");
  const scripts = { ...device.scripts, "device-info": HEALTHY["device-info"] };
  const run = new CloudRun(scripts, { credentials: ACCOUNT, authType: "1" }).start(60_000);
  assertEquals(run.sentAt("p2p-channel"), [100]);
  assert(run.event("channel"));
});

Deno.test("an empty Info means type 0, also with an account", () => {
  const run = new CloudRun({}, { credentials: ACCOUNT }).start(3000);
  assertEquals(run.sentAt("p2p-channel"), [100]);
  assertEquals(run.of("p2p-channel")[0]!.body.has("DevAuth"), false);
  assert(run.event("relay-ready"));
});

Deno.test("a silent US server costs 3 s and not the link", () => {
  const scripts = { "device-info": SILENT, "probe-device": SILENT };
  const run = new CloudRun(scripts, { credentials: ACCOUNT }).start(3049);
  assertEquals(run.sentAt("p2p-channel"), []);
  run.runUntil(3050);
  assertEquals(run.sentAt("p2p-channel"), [3050]);
  run.runUntil(60_000);
  assert(run.event("channel"));
  assert(run.event("relay-ready"));
  assertEquals(run.reason, undefined);
});

Deno.test("a silent US server without an account costs nothing", () => {
  const run = new CloudRun({ "device-info": SILENT, "probe-device": SILENT }).start(60_000);
  assertEquals(run.sentAt("p2p-channel"), [50]);
  assertEquals(run.event("channel")?.at, 350);
  assertEquals(run.reason, undefined);
});

Deno.test("an Info that cannot be read counts as none", () => {
  const scripts = {
    "device-info": (a: Arrival) => [reply(a, 200, [["Info", "AAAA"]])],
  };
  const run = new CloudRun(scripts, { credentials: ACCOUNT }).start(3000);
  assertEquals(run.sentAt("p2p-channel"), [100]);
  assert(run.event("channel"));
});

Deno.test("a refused salt is fetched and type 1 tried once", () => {
  const device = new LockedDevice();
  // The US server is silent for the first 3 s.
  const scripts = { ...device.scripts, "device-info": losing(3, saltedInfo()) };
  const run = new CloudRun(scripts, { credentials: ACCOUNT }).start(60_000);
  const calls = run.of("p2p-channel");
  assertEquals(calls.map((call) => call.body.has("DevAuth")), [false, true]);
  assertEquals(calls.map((call) => call.at), [3050, 3400]);
  assertNotEquals(calls[0]!.cseq, calls[1]!.cseq);
  assert(run.event("channel"));
  assert(run.event("relay-ready"));
  assertEquals(device.judgements, 2);
});

Deno.test("a salt that came late is used without asking again", () => {
  const device = new LockedDevice();
  const scripts = {
    ...device.scripts,
    "device-info": losing(
      3,
      (a) => a.before === 3 ? saltedInfo()(a).map((r) => ({ ...r, afterMs: 0 })) : [],
    ),
  };
  const run = new CloudRun(scripts, { credentials: ACCOUNT, infoTimeoutMs: 3_400 }).start(60_000);
  const asked = run.sentAt("device-info").length;
  assertEquals(asked, 4);
  assertEquals(run.of("p2p-channel").map((call) => call.body.has("DevAuth")), [false, true]);
  assert(run.event("channel"));
});

Deno.test("a device that refuses its own salt ends in auth-salt without a second try", () => {
  let judged = 0;
  const run = new CloudRun({
    "device-info": saltedInfo(),
    "p2p-channel": (a) => {
      judged++;
      return [devPwd(a, "DevPwd_InvalidSalt")];
    },
  }, { credentials: ACCOUNT }).start(60_000);
  assertEquals(run.reason, "auth-salt");
  assertEquals(judged, 1);
});

Deno.test("a stale salt is replaced by the one fetched again", () => {
  const device = new LockedDevice();
  const scripts = {
    ...device.scripts,
    "device-info": (a: Arrival) => saltedInfo(a.before === 0 ? "stale" : SALT)(a),
  };
  const run = new CloudRun(scripts, { credentials: ACCOUNT }).start(60_000);
  assert(run.event("channel"));
  assertEquals(run.sentAt("p2p-channel").length, 2);
});

Deno.test("a salt refused three times over is tried twice at most", () => {
  const scripts = {
    "device-info": (a: Arrival) => saltedInfo(`salt${a.before}`)(a),
    "p2p-channel": (a: Arrival) => [devPwd(a, "DevPwd_InvalidSalt")],
  };
  const run = new CloudRun(scripts, { credentials: ACCOUNT }).start(60_000);
  assertEquals(run.sentAt("p2p-channel").length, 2);
  assertEquals(run.reason, "auth-salt");
});

Deno.test("no salt to be had after a refusal is a matter of the cloud, to be tried again", () => {
  const device = new LockedDevice();
  const scripts = { ...device.scripts, "device-info": SILENT };
  const run = new CloudRun(scripts, { credentials: ACCOUNT }).start(60_000);
  assertEquals(run.reason, "cloud-unreachable");
  assertEquals(device.judgements, 0);
});

Deno.test("a late twin of the type-0 refusal does not end the type-1 try", () => {
  const device = new LockedDevice();
  const twin = (cseq: string): Uint8Array =>
    utf8(
      `HTTP/1.1 403 Forbidden\r\nCSeq: ${cseq}\r\n\r\n<body><Error>DevPwd_InvalidSalt</Error></body>`,
    );
  const scripts = { ...device.scripts, "device-info": losing(3, saltedInfo()) };
  const run = new CloudRun(scripts, { credentials: ACCOUNT }).start(3450);
  const [first, second] = run.of("p2p-channel");
  assert(second);
  run.inject("device", MAIN, twin(first!.cseq));
  run.runUntil(60_000);
  assert(run.event("channel"));
  assertEquals(run.reason, undefined);
});

Deno.test("a refused nonce is believed only when nothing better comes within 2 s", () => {
  const device = new LockedDevice();
  const scripts = device.scripts;
  // The network doubled the datagram: the device judges the second copy first in time.
  const doubled = new CloudRun({
    ...scripts,
    "p2p-channel": (a) => [
      devPwd(a, "DevPwd_InvalidNonce", 100),
      ...scripts["p2p-channel"]!(a),
    ],
  }, { credentials: ACCOUNT }).start(60_000);
  assert(doubled.event("channel"));
  const refused = (a: Arrival) => [devPwd(a, "DevPwd_InvalidNonce", 100)];
  const run = new CloudRun({ ...scripts, "p2p-channel": refused }, { credentials: ACCOUNT })
    .start(2199);
  assertEquals(run.reason, undefined);
  run.runUntil(2200);
  assertEquals(run.reason, "protocol");
  assertEquals(run.sentAt("p2p-channel").length, 1);
});

Deno.test("404 means unknown at the lookup and offline at the device", () => {
  const notFound = (a: Arrival) => [reply(a, 404, undefined)];
  const reasonOf = (exchange: "lookup" | "p2p-channel" | "probe-device"): string | undefined =>
    new CloudRun({ [exchange]: notFound }).start(60_000).reason;
  assertEquals(reasonOf("lookup"), "device-unknown");
  assertEquals(reasonOf("p2p-channel"), "device-offline");
  assertEquals(reasonOf("probe-device"), "device-offline");
  const run = new CloudRun({ lookup: notFound }).start(60_000);
  assertEquals(
    run.event("failed")?.failure.what,
    "no cloud we tried knows this serial: easy4ip 404.",
  );
});

Deno.test("404 on device-info, relay or warm-up does not fail the direct path", () => {
  const notFound = (a: Arrival) => [reply(a, 404, undefined)];
  for (const exchange of ["device-info", "warm-up"] as const) {
    const run = new CloudRun({ [exchange]: notFound }, { credentials: ACCOUNT }).start(60_000);
    assertEquals(run.reason, undefined);
    assert(run.event("channel"));
    assert(run.event("relay-ready"));
  }
  for (const exchange of ["online-relay", "relay-agent", "relay-start", "relay-channel"] as const) {
    for (const path of ["auto", "direct"] as const) {
      const run = new CloudRun({ [exchange]: notFound }, { path }).start(60_000);
      assertEquals(run.event("relay-failed")?.failure.reason, "relay-busy");
      assertEquals(run.reason, undefined);
      assert(run.event("channel"));
      assertEquals(run.event("relay-ready"), undefined);
    }
    const run = new CloudRun({ [exchange]: notFound }, { path: "relay" }).start(60_000);
    assertEquals(run.reason, "relay-busy");
  }
});

Deno.test("403 without a word of the device means that the app was rejected", () => {
  const forbidden = (a: Arrival) => [reply(a, 403, undefined)];
  for (const exchange of ["lookup", "p2p-channel"] as const) {
    assertEquals(new CloudRun({ [exchange]: forbidden }).start(60_000).reason, "app-rejected");
  }
});

Deno.test("a refusal nobody knows is named without quoting it", () => {
  const run = new CloudRun({
    "p2p-channel": (a) => [reply(a, 403, [["Error", "Some<Thing> new"]])],
  }).start(60_000);
  assertEquals(run.reason, "protocol");
  assertEquals(run.event("failed")?.failure.what, "unexpected reply: status 403 SomeThingnew.");
});

Deno.test("a lookup answer without a usable US address ends in protocol", () => {
  for (
    const us of [
      undefined,
      "",
      "us.example.com:8803",
      "192.0.2.80",
      "192.0.2.80:0",
      "0.0.0.0:1",
      "999.0.0.1:1",
    ]
  ) {
    const tags = us === undefined ? [] : [["US", us] as const];
    const run = new CloudRun({ lookup: (a) => [reply(a, 200, tags)] }).start(60_000);
    assertEquals(run.reason, "protocol");
    assertEquals(run.sentAt("p2p-channel"), []);
  }
});

Deno.test("an unusable relay answer fails the relay only, or the run that needs it", () => {
  const unusable = {
    "online-relay": [["Address", "relay.example.com:8900"]],
    "relay-agent": [["Agent", "192.0.2.11:31407"], ["Token", "../../evil token"]],
  } as const;
  for (const exchange of ["online-relay", "relay-agent"] as const) {
    const scripts = {
      [exchange]: (a: Arrival) => [reply(a, 200, unusable[exchange])],
    };
    const run = new CloudRun(scripts).start(60_000);
    assertEquals(run.event("relay-failed")?.failure.reason, "protocol");
    assert(run.event("channel"));
    assertEquals(run.reason, undefined);
    assertEquals(new CloudRun(scripts, { path: "relay" }).start(60_000).reason, "protocol");
  }
});

Deno.test("an answer of the device without Identify ends in protocol", () => {
  const run = new CloudRun({ "p2p-channel": (a) => [reply(a, 200, [["version", "6"]])] });
  assertEquals(run.start(60_000).reason, "protocol");
});

Deno.test("an answer without usable addresses still is an answer", () => {
  const run = new CloudRun({
    "p2p-channel": (a) => [
      reply(a, 200, [
        ["Identify", "1 2 3 4 5 6 7 8"],
        ["LocalAddr", "not an address"],
        ["PubAddr", ":0"],
      ]),
    ],
  }).start(60_000);
  assertEquals(run.event("channel")?.answer.candidates, []);
  assertEquals(run.event("channel")?.answer.version, "");
});

Deno.test("complemented, listed and doubled addresses become distinct candidates", () => {
  const run = new CloudRun({
    "p2p-channel": (a) => [
      reply(a, 200, [
        ["Identify", "1 2 3 4 5 6 7 8"],
        ["IpEncrpt", "true"],
        ["LocalAddr", "63.87.254.147,128.255.255.254,63.87.254.147:5000"],
        ["PubAddr", "127.0.0.1:5000"],
      ]),
    ],
  }).start(60_000);
  assertEquals(run.event("channel")?.answer.candidates, [
    { ip: "192.168.1.108", port: 5000 },
    { ip: "127.0.0.1", port: 5000 },
  ]);
});

Deno.test("100 without 200 and nothing at all both end in device-silent after 10 s", () => {
  const trying = (a: Arrival) => [reply(a, 100, [])];
  for (const script of [trying, SILENT]) {
    const run = new CloudRun({ "p2p-channel": script }, { path: "direct" }).start(10_049);
    assertEquals(run.reason, undefined);
    run.runUntil(10_050);
    assertEquals(run.reason, "device-silent");
    assertEquals(
      run.event("failed")?.failure.what,
      "found through easy4ip but the device did not answer in 10s.",
    );
    assertEquals(run.signaling.pollDeadline(), undefined);
  }
});

Deno.test("a device that answers only through the relay fails the channel, not the run", () => {
  const run = new CloudRun({ "p2p-channel": SILENT }).start(60_000);
  assertEquals(run.event("relay-ready")?.at, 450);
  assertEquals(run.event("channel-failed")?.failure.reason, "device-silent");
  assertEquals(run.event("channel-failed")?.at, 10_050);
  assertEquals(run.reason, undefined);
});

Deno.test("a device that answers nowhere is device-silent, however the relay ends", () => {
  const run = new CloudRun({ "p2p-channel": SILENT, "relay-channel": SILENT }).start(60_000);
  assertEquals(run.reason, "device-silent");
  assertEquals(run.event("channel-failed"), undefined);
  const noRelay = new CloudRun({ "p2p-channel": SILENT, "online-relay": SILENT }).start(60_000);
  assertEquals(noRelay.reason, "device-silent");
});

Deno.test("the relay path sends p2p-channel first and does not wait for its answer", () => {
  const run = new CloudRun({ "p2p-channel": SILENT }, { path: "relay" }).start(60_000);
  assert(run.order.indexOf("p2p-channel") < run.order.indexOf("relay-agent"));
  assertEquals(run.event("relay-ready")?.at, 450);
  assertEquals(run.reason, undefined);
  assertEquals(run.event("channel-failed"), undefined);
});

Deno.test("the relay path ends with a refusal of p2p-channel", () => {
  const notFound = (a: Arrival) => [reply(a, 404, undefined, { afterMs: 300 })];
  const run = new CloudRun({ "p2p-channel": notFound, "relay-channel": SILENT }, { path: "relay" })
    .start(60_000);
  assertEquals(run.reason, "device-offline");
});

Deno.test("a relay-channel refused under type 0 goes again with the account that is accepted", () => {
  const device = new LockedDevice();
  const scripts = device.scripts;
  const run = new CloudRun({
    ...scripts,
    "device-info": losing(3, saltedInfo()),
    // Slower than the refusal of relay-channel.
    "p2p-channel": (a) =>
      scripts["p2p-channel"]!(a).map((r) => ({ ...r, afterMs: r.afterMs + 400 })),
  }, { credentials: ACCOUNT, path: "relay" }).start(60_000);
  assertEquals(run.of("relay-channel").map((a) => a.body.has("DevAuth")), [false, true]);
  assert(run.event("relay-ready"));
  assertEquals(run.reason, undefined);
});

Deno.test("a silent cloud ends in cloud-unreachable after 10 s", () => {
  const silent = { "warm-up": SILENT, "lookup": SILENT, "online-relay": SILENT };
  const run = new CloudRun(silent).start(9_999);
  assertEquals(run.reason, undefined);
  run.runUntil(10_000);
  assertEquals(run.reason, "cloud-unreachable");
  assertEquals(
    run.event("failed")?.failure.what,
    "no answer over UDP from 1 of 1 cloud addresses in 10s.",
  );
  assertEquals(run.signaling.pollDeadline(), undefined);
});

Deno.test("a dead address of the cloud is left for the next one, which is kept", () => {
  const dead = (script: (typeof HEALTHY)["lookup"]) => (a: Arrival) =>
    a.to.ip === MAIN.ip ? [] : script(a);
  const run = new CloudRun({
    "warm-up": dead(HEALTHY["warm-up"]),
    "lookup": dead(HEALTHY["lookup"]),
    "online-relay": dead(HEALTHY["online-relay"]),
  }, { servers: [MAIN, MAIN_2] }).start(3_999);
  assert(run.arrivals.every((a) => a.to === MAIN));
  run.runUntil(60_000);
  assert(run.event("relay-ready"));
  assertEquals(run.of("p2p-channel").map((a) => [a.at, a.to]), [[4050, MAIN_2]]);
  assertEquals(run.of("relay-channel")[0]!.to, MAIN_2);
  assertEquals(run.event("relay-failed"), undefined);
});

Deno.test("only when every address was silent is the cloud unreachable", () => {
  const silent = { "warm-up": SILENT, "lookup": SILENT, "online-relay": SILENT };
  const run = new CloudRun(silent, { servers: [MAIN, MAIN_2, US] }).start(17_999);
  assertEquals(run.reason, undefined);
  run.runUntil(18_000);
  assertEquals(run.reason, "cloud-unreachable");
  assertEquals(run.event("failed")?.failure.facts, { tried: 3, total: 3, afterMs: 18_000 });
});

Deno.test("a server that fails is left for the next one", () => {
  const run = new CloudRun({
    lookup: (a) => a.to.ip === MAIN.ip ? [reply(a, 503, undefined)] : HEALTHY["lookup"](a),
  }, { servers: [MAIN, MAIN_2] }).start(60_000);
  assertEquals(run.sentAt("lookup"), [0, 50]);
  assert(run.event("channel"));
});

Deno.test("a wrong clock is corrected by the cloud's and told once", () => {
  const judge = (script: (typeof HEALTHY)["lookup"]) => (a: Arrival) => {
    const created = /Created="([^"]*)"/.exec(
      JSON.stringify(a.request.headers).replaceAll("\\", ""),
    )![1]!;
    const isRight = created.startsWith("2024-06-07T02:31:5");
    const date = "2024-06-07T02:31:50Z";
    return isRight ? script(a) : [reply(a, 403, undefined, { date })];
  };
  const scripts = Object.fromEntries(
    Object.entries(HEALTHY).map(([name, script]) => [name, judge(script)]),
  );
  const run = new CloudRun(scripts, { clockErrorMs: -250_000 }).start(5_000);
  assertEquals(run.sentAt("lookup"), [0, 50]);
  assertEquals(run.sentAt("online-relay"), [0, 50]);
  assertEquals(run.sentAt("p2p-channel"), [100]);
  const told = run.event("clock-skew")!;
  assert(Math.abs(told.offsetMs - 250_000) < 2000);
  assert(run.event("relay-ready"));
  assertEquals(run.reason, undefined);
  assert(Math.abs(run.signaling.clockOffsetMs - 250_000) < 2000);
});

Deno.test("a corrected clock that is refused too ends in clock-skew", () => {
  const run = new CloudRun({
    lookup: (a) => [reply(a, 403, undefined, { date: "2024-06-07T02:36:00Z" })],
  }).start(60_000);
  assertEquals(run.sentAt("lookup"), [0, 50]);
  assertEquals(run.reason, "clock-skew");
  assertEquals(run.event("failed")?.failure.what, "clock differs from the cloud by 4m10s.");
});

Deno.test("a 401 is retried once with the cloud's clock", () => {
  const date = "2024-06-07T02:31:50Z";
  const once = new CloudRun({
    lookup: (a) => a.before === 0 ? [reply(a, 401, undefined, { date })] : HEALTHY["lookup"](a),
  }).start(60_000);
  assert(once.event("channel"));
  const always = new CloudRun({ lookup: (a) => [reply(a, 401, undefined, { date })] }).start(
    60_000,
  );
  assertEquals(always.sentAt("lookup").length, 2);
  assertEquals(always.reason, "app-rejected");
  const dateless = new CloudRun({ lookup: (a) => [reply(a, 401, undefined)] }).start(60_000);
  assertEquals(dateless.sentAt("lookup").length, 1);
  assertEquals(dateless.reason, "app-rejected");
});

Deno.test("a small difference of the clocks is no skew and no reason to retry", () => {
  const run = new CloudRun({
    lookup: (a) => [reply(a, 403, undefined, { date: "2024-06-07T02:32:45Z" })],
  }).start(60_000);
  assertEquals(run.sentAt("lookup").length, 1);
  assertEquals(run.event("clock-skew"), undefined);
  assertEquals(run.reason, "app-rejected");
});

Deno.test("the proof of the account is dated by the cloud's clock", () => {
  const device = new LockedDevice();
  const run = new CloudRun({
    ...device.scripts,
    lookup: (a) =>
      HEALTHY["lookup"](a).map(() =>
        reply(a, 200, [["US", "192.0.2.80:8803"]], { date: "2024-06-07T03:31:50Z" })
      ),
  }, { credentials: ACCOUNT }).start(60_000);
  const date = Number(run.of("p2p-channel")[0]!.body.get("CreateDate"));
  assert(Math.abs(date - 1_717_731_110) <= 2, String(date));
  assert(run.event("clock-skew"));
});

Deno.test("every single request may be lost twice", () => {
  for (const exchange of Object.keys(HEALTHY) as (keyof typeof HEALTHY)[]) {
    const device = new LockedDevice();
    const scripts = { ...HEALTHY, ...device.scripts };
    const run = new CloudRun({ ...scripts, [exchange]: losing(2, scripts[exchange]) }, {
      credentials: ACCOUNT,
    }).start(20_000);
    assert(run.event("channel"), exchange);
    assert(run.event("relay-ready"), exchange);
    run.release().runUntil(30_000);
    assert(run.event("released"), exchange);
    assertEquals(run.reason, undefined, exchange);
  }
});

Deno.test("every answer may come twice, and half a second late", () => {
  const twice = Object.fromEntries(
    Object.entries(HEALTHY).map(([name, script]) => [
      name,
      (a: Arrival) => script(a).flatMap((r) => [r, { ...r, afterMs: r.afterMs + 700 }]),
    ]),
  );
  const run = new CloudRun(twice).start(20_000);
  assertEquals(run.told, [
    "registered",
    "device-info",
    "lease",
    "trying",
    "channel",
    "relay-ready",
  ]);
  run.release().runUntil(30_000);
  assertEquals(run.told.at(-1), "released");
});

Deno.test("release gives the place back to the relay server, from the same socket", () => {
  const run = new CloudRun().start(2000).release();
  const [unbind] = run.of("relay-unbind");
  assertEquals(unbind?.request.path, `/relay/unbind/${TOKEN}`);
  assertEquals(unbind?.request.method, "DHGET");
  assertEquals([unbind?.socket, unbind?.to], ["main", RELAY]);
  assertEquals(run.event("released"), undefined);
  run.runUntil(2049);
  assertEquals(run.event("released"), undefined);
  run.runUntil(60_000);
  assertEquals(run.event("released")?.at, 2050);
  assertEquals(run.sentAt("relay-unbind").length, 1);
  assertEquals(run.signaling.pollDeadline(), undefined);
});

Deno.test("a relay server that does not confirm the release is not waited for beyond 1 s", () => {
  const run = new CloudRun({ "relay-unbind": SILENT }).start(2000).release().runUntil(2999);
  assertEquals(run.event("released"), undefined);
  run.runUntil(60_000);
  assertEquals(run.event("released")?.at, 3000);
  assertEquals(run.sentAt("relay-unbind"), [2000, 2500]);
});

Deno.test("release without a place at a relay is immediate, at any time, and once", () => {
  for (const until of [0, 30, 49]) {
    const run = new CloudRun().start(until).release();
    assertEquals(run.event("released")?.at, until);
    run.release().runUntil(60_000);
    assertEquals(run.told.filter((type) => type === "released").length, 1);
    assertEquals(run.sentAt("relay-unbind"), []);
  }
});

Deno.test("release in the middle ends every exchange and still gives the place back", () => {
  const run = new CloudRun({ "p2p-channel": SILENT, "relay-channel": SILENT }).start(300).release();
  const sent = run.arrivals.length;
  assertEquals(run.of("relay-unbind").length, 1);
  run.runUntil(60_000);
  assertEquals(run.arrivals.length, sent);
  assertEquals(run.told.at(-1), "released");
});

Deno.test("a run that failed can still be released", () => {
  const run = new CloudRun({
    "p2p-channel": (a) => [reply(a, 404, undefined, { afterMs: 300 })],
  }).start(5_000);
  assertEquals(run.reason, "device-offline");
  const sent = run.arrivals.length;
  run.runUntil(20_000);
  assertEquals(run.arrivals.length, sent);
  run.release().runUntil(30_000);
  assertEquals(run.of("relay-unbind").length, 1);
  assertEquals(run.told.at(-1), "released");
});

Deno.test("signaling starts once and refuses options that contradict each other", () => {
  const run = new CloudRun().start(0);
  assertThrows(() => run.signaling.start(0), StateError);
  assertThrows(() => new CloudRun({}, { serial: "../x" }), RangeError);
  assertThrows(() => new CloudRun({}, { servers: [] }), RangeError);
  assertThrows(() => new CloudRun({}, { identify: EMPTY }), RangeError);
  assertThrows(() => new CloudRun({}, { authType: "1" }), RangeError);
});

Deno.test("answers from elsewhere, or on another socket, are dropped", () => {
  const forged = (cseq: number): Uint8Array =>
    encodeResponse({ status: 404, statusText: "", headers: [["CSeq", `${cseq}`]], body: EMPTY });
  const run = new CloudRun().start(20);
  for (let cseq = 0; cseq < 12; cseq++) {
    run.inject("main", MAIN_2, forged(cseq));
    run.inject("main", { ...MAIN, port: 8801 }, forged(cseq));
    run.inject("device", MAIN, forged(cseq));
    run.inject("us", MAIN, forged(cseq));
  }
  run.runUntil(60_000);
  assertEquals(run.reason, undefined);
  assert(run.event("relay-ready"));
  const dropped = run.traces.filter((t) => t.name === "datagram-dropped");
  assertEquals(dropped.length, 48);
});

Deno.test("hostile datagrams at any phase never throw and never end the run", () => {
  for (let phase = 0; phase <= 500; phase += 10) {
    const run = new CloudRun().start(phase);
    for (const socket of ["main", "us", "device"] as const) {
      for (const from of [MAIN, US, RELAY, AGENT, LAN]) {
        for (const data of hostileDatagrams()) {
          // Well-formed answers with a CSeq that fits are the cloud's own word.
          const text = new TextDecoder().decode(data.subarray(0, 200));
          if (/^HTTP\/1.1 (200 OK\r\n\r\n|200 OK\r\nCSeq: 2\r|403)/.test(text)) continue;
          run.inject(socket, from, data);
        }
      }
    }
    run.runUntil(60_000);
    assertEquals(run.reason, undefined);
    assert(run.event("channel"));
    assert(run.event("relay-ready"));
  }
});

Deno.test("hostile answers from the right place may end the run, with a reason, without throwing", () => {
  for (let phase = 0; phase <= 500; phase += 25) {
    const run = new CloudRun({}, { credentials: ACCOUNT }).start(phase);
    for (const socket of ["main", "us", "device"] as const) {
      for (const from of [MAIN, US, RELAY, AGENT]) {
        for (const data of hostileDatagrams()) run.inject(socket, from, data);
      }
    }
    run.runUntil(60_000);
    const ended = run.told.includes("failed") || run.told.includes("relay-ready") ||
      run.told.includes("relay-failed");
    assert(ended, `phase ${phase}: ${run.told}`);
    run.release().runUntil(120_000);
    assertEquals(run.told.at(-1), "released");
  }
});

Deno.test("an early or repeated handleTimeout does nothing", () => {
  const run = new CloudRun({ lookup: SILENT }).start(100);
  const sent = run.arrivals.length;
  for (let i = 0; i < 5; i++) run.signaling.handleTimeout(100);
  assertEquals(run.signaling.pollTransmit(), undefined);
  assertEquals(run.arrivals.length, sent);
  assertEquals(run.signaling.pollDeadline(), { at: 500, reason: "lookup-resend" });
});

Deno.test("a driver that sleeps through every deadline still gets one end", () => {
  const run = new CloudRun({ "warm-up": SILENT, "lookup": SILENT, "online-relay": SILENT }).start(
    0,
  );
  run.signaling.handleTimeout(3_600_000);
  run.now = 3_600_000;
  run.runUntil(3_700_000);
  assertEquals(run.reason, "cloud-unreachable");
});

Deno.test("while something is queued the deadline is now", () => {
  const { signaling } = new CloudRun();
  signaling.start(7);
  assertEquals(signaling.pollDeadline()?.at, 7);
});

Deno.test("traces hold no serial, token, digest, salt, password or body", () => {
  const device = new LockedDevice();
  const run = new CloudRun(device.scripts, { credentials: ACCOUNT }).start(3000).release()
    .runUntil(5000);
  const text = JSON.stringify(run.traces);
  assert(run.traces.length > 20);
  const secrets = [SERIAL, TOKEN, SALT, ACCOUNT.password, SMARTPSS.account.key];
  for (const arrival of run.arrivals) {
    secrets.push(
      /PasswordDigest="([^"]*)"/.exec(
        JSON.stringify(arrival.request.headers).replaceAll("\\", ""),
      )![1]!,
    );
    for (const tag of ["DevAuth", "LocalAddr"]) {
      const value = arrival.body.get(tag);
      if (value) secrets.push(value);
    }
  }
  for (const secret of secrets) assert(!text.includes(secret));
  const request = run.traces.find((t) =>
    t.name === "request" && t.data["path"] !== "/probe/p2psrv"
  );
  assertEquals(request?.data, {
    method: "DHGET",
    path: "/online/p2psrv/EXA...AL0",
    cseq: 2,
    send: 1,
  });
  assert(text.includes("/relay/start/..."));
});

Deno.test("answers changed at random never throw, and the run still comes to an end", () => {
  const edits = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      edits,
      fc.nat(1000),
      fc.constantFrom("auto", "direct", "relay"),
      (edits, seed, path) => {
        const device = new LockedDevice();
        const changed = Object.fromEntries(
          Object.entries({ ...HEALTHY, ...device.scripts }).map(([name, script]) => [
            name,
            (a: Arrival): Reply[] =>
              script(a).map((r) => {
                const data = r.data.slice();
                for (const [at, byte] of edits) if (at < data.length) data[at] = byte;
                return { ...r, data };
              }),
          ]),
        );
        const run = new CloudRun(changed, { credentials: ACCOUNT, seed, path }).start(90_000);
        assertEquals(run.signaling.pollDeadline(), undefined);
        assert(run.told.some((type) => ["failed", "channel", "relay-ready"].includes(type)));
        run.release().runUntil(120_000);
        assertEquals(run.told.at(-1), "released");
      },
    ),
    { numRuns: 150 },
  );
});
