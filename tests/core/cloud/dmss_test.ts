import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { fromHex } from "../../../lib/core/bytes.ts";
import {
  decryptAddress,
  deviceAuth,
  deviceKey,
  localAddressKey,
} from "../../../lib/core/cloud/device_auth.ts";
import { composeRequest, type RequestParts } from "../../../lib/core/cloud/dialect.ts";
import { DMSS } from "../../../lib/core/cloud/dmss.ts";
import type { ExchangeName } from "../../../lib/core/cloud/exchange.ts";
import { formatIdentify } from "../../../lib/core/cloud/identify.ts";
import { header } from "../../../lib/core/cloud/message.ts";
import { passwordDigest } from "../../../lib/core/cloud/wsse.ts";
import golden from "../../../fixtures/recorded/cloud/golden_vectors.json" with { type: "json" };
import {
  ACCOUNT,
  type Arrival,
  cheapDerive,
  CloudRun,
  devPwd,
  HEALTHY,
  LockedDevice,
  losing,
  RELAY,
  reply,
  SALT,
  saltedInfo,
  type Script,
  SERIAL,
  SILENT,
} from "./scripted_cloud.ts";

/** 2026-09-06T12:00:00Z. */
const CREATED_MS = 1_788_696_000_000;
const REQUEST_ID = "0123456789abcdef0123456789abcdef";
const CLIENT_ID = "fedcba9876543210fedcba9876543210";
const IDENTIFY = fromHex("10aabb0c40500671");

function text(parts: Partial<RequestParts> & Pick<RequestParts, "exchange" | "path">): string {
  const bytes = composeRequest(DMSS, {
    cseq: -1_234_567_890,
    requestId: REQUEST_ID,
    nonce: "42",
    createdAt: CREATED_MS,
    ...parts,
  });
  return new TextDecoder().decode(bytes);
}

const WSSE = 'Authorization: WSSE profile="UsernameToken"\r\n' +
  'X-WSSE: UsernameToken Username="793k5zdi4dd5f037sooag8yo_dolynkc", PasswordDigest="' +
  passwordDigest(DMSS.account.user, DMSS.account.key, "42", "2026-09-06T12:00:00+00:00") +
  '", Nonce="42", Created="2026-09-06T12:00:00+00:00"\r\n';

Deno.test("the pair of DMSS gives the golden digest, and its Created has a numeric offset", () => {
  const vector = golden.wsse.find(({ user }) => user === DMSS.account.user)!;
  const { nonce, created, digest } = vector;
  assertEquals(vector.key, DMSS.account.key);
  assertEquals(passwordDigest(DMSS.account.user, DMSS.account.key, nonce, created), digest);
  assertEquals(DMSS.created(CREATED_MS), "2026-09-06T12:00:00+00:00");
});

Deno.test("the warm-up of DMSS has two headers and nothing else, byte for byte", () => {
  assertEquals(
    text({ exchange: "warm-up", path: DMSS.warmUpPath }),
    "NFGET /online/stun HTTP/1.1\r\n" +
      "X-ToUType: Client/Dmss_Android\r\n" +
      "CSeq: -1234567890\r\n\r\n",
  );
});

Deno.test("a lookup of DMSS has its headers in the captured order, byte for byte", () => {
  assertEquals(
    text({ exchange: "lookup", path: "/online/p2psrv/EXAMPLE0SERIAL0" }),
    "NFGET /online/p2psrv/EXAMPLE0SERIAL0 HTTP/1.1\r\n" +
      "X-Version: 6.7.15\r\n" +
      "X-Sversion: 1.1.0\r\n" +
      "X-ToUType: Client/Dmss_Android\r\n" +
      "CSeq: -1234567890\r\n" +
      `${WSSE}\r\n`,
  );
});

Deno.test("p2p-channel of DMSS is the captured one, byte for byte", () => {
  const auth = {
    createDate: 1_700_000_000,
    devAuth: "t2Cqkm5AuqmP1raemFgKyu6CmoJeIOZIevOQYZbF3gE=",
    nonce: -777,
    salt: "Rs4lt",
    username: "admin",
  };
  const body = "<body><CreateDate>1700000000</CreateDate>" +
    "<DevAuth>t2Cqkm5AuqmP1raemFgKyu6CmoJeIOZIevOQYZbF3gE=</DevAuth><Nonce>-777</Nonce>" +
    "<RandSalt>Rs4lt</RandSalt><UserName>admin</UserName>" +
    "<Identify>10 aa bb 0c 40 50 06 71</Identify><IpEncrptV2>true</IpEncrptV2>" +
    "<NatValueT>0</NatValueT><version>6.7.15</version><sVersion>1.1.0</sVersion>" +
    "<LocalAddr>/R40Newcuzi0faikzfZA</LocalAddr><Pid>0</Pid>" +
    `<ClientId>${CLIENT_ID}:40000</ClientId></body>`;
  const parts = { identify: IDENTIFY, localPort: 40000, clientId: CLIENT_ID };
  const localAddress = "/R40Newcuzi0faikzfZA";
  assertEquals(
    text({
      exchange: "p2p-channel",
      path: "/device/EXAMPLE0SERIAL0/p2p-channel",
      tags: DMSS.channelBody({ ...parts, localAddress, auth }),
    }),
    "NFPOST /device/EXAMPLE0SERIAL0/p2p-channel HTTP/1.1\r\n" +
      "X-Version: 6.7.15\r\n" +
      "X-Sversion: 1.1.0\r\n" +
      `x-pcs-request-id: ${REQUEST_ID}\r\n` +
      "X-ToUType: Client/Dmss_Android\r\n" +
      "CSeq: -1234567890\r\n" +
      `${WSSE}Content-Type: \r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  const anonymous = DMSS.channelBody({ ...parts, localAddress: DMSS.localAddress(40000) });
  assertEquals(anonymous.map(([name]) => name), [
    "Identify",
    "IpEncrpt",
    "NatValueT",
    "version",
    "sVersion",
    "LocalAddr",
    "Pid",
    "ClientId",
  ]);
});

Deno.test("local-channel of DMSS is a GET with the auth block and no address", () => {
  const auth = { createDate: 1, devAuth: "proof", nonce: -5, salt: "s", username: "a" };
  const request = text({
    exchange: "local-channel",
    path: "/device/EXAMPLE0SERIAL0/local-channel",
    tags: DMSS.localChannelBody!(auth),
  });
  assertMatch(request, /^NFGET \/device\/EXAMPLE0SERIAL0\/local-channel HTTP\/1\.1\r\nX-Version: /);
  assertEquals(
    request.slice(request.indexOf("<body>")),
    "<body><CreateDate>1</CreateDate><DevAuth>proof</DevAuth><Nonce>-5</Nonce>" +
      "<RandSalt>s</RandSalt><UserName>a</UserName></body>",
  );
  assertEquals(request.includes("x-pcs-request-id"), false);
});

Deno.test("DMSS names its cloud and never asks for a sign", () => {
  assertEquals(DMSS.cloud, { name: "dmss", host: "p2p.dolynkcloud.com", port: 8800 });
  assertEquals(DMSS.sign, "skip");
  assertEquals(DMSS.methods, { get: "NFGET", post: "NFPOST" });
});

Deno.test("a run of DMSS warms up at the stun path and never probes p2psrv", () => {
  const run = new CloudRun({}, { dialect: DMSS }).start(30_000);
  assertEquals(run.of("warm-up").map((a) => a.request.path), ["/online/stun"]);
  assertEquals(run.arrivals.some((a) => a.request.path === "/probe/p2psrv"), false);
  assertEquals(run.of("local-channel"), [], "there is no account to prove");
  assert(run.event("channel") && run.event("relay-ready"));
  assertEquals(new Set(run.arrivals.map((a) => a.request.method)), new Set(["NFGET", "NFPOST"]));
});

Deno.test("p2p-channel leaves when local-channel is answered, from the same socket", () => {
  const device = new LockedDevice();
  const run = new CloudRun(device.scripts, { credentials: ACCOUNT, dialect: DMSS }).start(9_000);
  assertEquals(run.order.indexOf("p2p-channel"), run.order.indexOf("local-channel") + 1);
  const [local, call] = [run.of("local-channel")[0]!, run.of("p2p-channel")[0]!];
  assertEquals(local.socket, "device");
  assertEquals(call.at, local.at + 50);
  assertEquals(local.body.has("LocalAddr"), false);
  assertNotEquals(local.body.get("Nonce"), call.body.get("Nonce"));
  const key = deviceKey(ACCOUNT.username, ACCOUNT.password, SALT);
  const proof = deviceAuth(
    key,
    Number(local.body.get("Nonce")),
    Number(local.body.get("CreateDate")),
    "",
  );
  assertEquals(local.body.get("DevAuth"), proof);
});

Deno.test("p2p-channel is sent again after 550 ms and 1.1 s more, and not a third time", () => {
  const device = new LockedDevice();
  const scripts = { ...device.scripts, "p2p-channel": SILENT };
  const run = new CloudRun(scripts, { credentials: ACCOUNT, dialect: DMSS, path: "direct" });
  const times = [150, 700, 1800];
  run.start(0);
  times.forEach((at, i) => {
    assertEquals(run.runUntil(at - 1).of("p2p-channel").length, i, `before ${at}`);
    assertEquals(run.runUntil(at).of("p2p-channel").length, i + 1, `at ${at}`);
  });
  assertEquals(run.runUntil(60_000).sentAt("p2p-channel"), times);
  assertEquals(run.reason, "device-silent");
});

Deno.test("nothing of DMSS is sent again once the device is being asked", () => {
  const device = new LockedDevice();
  const run = new CloudRun({
    ...device.scripts,
    "p2p-channel": (a) => [reply(a, 100, [], { afterMs: 200 })],
  }, { credentials: ACCOUNT, dialect: DMSS, path: "direct" }).start(60_000);
  assertEquals(run.sentAt("p2p-channel"), [150]);
});

Deno.test("a resend keeps the whole identity and has fresh crypto that is right", () => {
  const device = new LockedDevice();
  const scripts = { ...device.scripts, "p2p-channel": SILENT };
  const run = new CloudRun(scripts, { credentials: ACCOUNT, dialect: DMSS, path: "direct" })
    .start(60_000);
  const calls = run.of("p2p-channel");
  assertEquals(calls.length, 3);
  const same: ((a: Arrival) => string | undefined)[] = [
    (a) => a.cseq,
    (a) => header(a.request, "x-pcs-request-id"),
    (a) => a.body.get("Identify"),
    (a) => a.body.get("CreateDate"),
    (a) => a.body.get("ClientId"),
  ];
  for (const part of same) assertEquals(new Set(calls.map(part)).size, 1);
  const fresh: ((a: Arrival) => string | undefined)[] = [
    (a) => a.body.get("Nonce"),
    (a) => a.body.get("DevAuth"),
    (a) => a.body.get("LocalAddr"),
    (a) => header(a.request, "X-WSSE"),
  ];
  for (const part of fresh) assertEquals(new Set(calls.map(part)).size, 3);
  const key = deviceKey(ACCOUNT.username, ACCOUNT.password, SALT);
  for (const { body } of calls) {
    const [nonce, address] = [Number(body.get("Nonce")), body.get("LocalAddr")!];
    assertEquals(
      decryptAddress(localAddressKey(key, nonce, cheapDerive), address),
      "127.0.0.1:59474",
    );
    const proof = deviceAuth(key, nonce, Number(body.get("CreateDate")), address);
    assertEquals(body.get("DevAuth"), proof);
    assertMatch(body.get("ClientId")!, /^[0-9a-f]{32}:59474$/);
    assertEquals(body.get("Identify"), formatIdentify(fromHex("10aabb0c40500671"), "padded"));
  }
});

Deno.test("every request of DMSS has a random signed CSeq of its own", () => {
  const cseqs: number[] = [];
  for (let seed = 1; seed <= 8; seed++) {
    const run = new CloudRun({}, { dialect: DMSS, seed }).start(9_000);
    cseqs.push(...run.arrivals.map((a) => Number(a.cseq)));
  }
  assertEquals(new Set(cseqs).size, cseqs.length);
  assert(cseqs.every((cseq) => cseq === (cseq | 0) && cseq !== 0));
  assert(cseqs.some((cseq) => cseq < 0) && cseqs.some((cseq) => cseq > 0));
  assert(
    cseqs.filter((cseq) => Math.abs(cseq) < 1_000_000).length < 3,
    "small numbers are refused",
  );
});

Deno.test("an answer of DMSS is known by our x-pcs-request-id when its CSeq is not ours", () => {
  const answered = (id: (a: Arrival) => string): CloudRun => {
    const device = new LockedDevice();
    const call = device.scripts["p2p-channel"]!;
    return new CloudRun({
      ...device.scripts,
      "p2p-channel": (a) =>
        call(a).map((r) => ({
          ...r,
          data: new TextEncoder().encode(
            new TextDecoder().decode(r.data)
              .replace(`CSeq: ${a.cseq}\r\n`, `CSeq: 4711\r\nx-pcs-request-id: ${id(a)}\r\n`),
          ),
        })),
    }, { credentials: ACCOUNT, dialect: DMSS, path: "direct" }).start(60_000);
  };
  assert(answered((a) => header(a.request, "x-pcs-request-id")!).event("channel"));
  const foreign = answered(() => "00000000000000000000000000000000");
  assertEquals(foreign.event("channel"), undefined);
  assertEquals(foreign.reason, "device-silent");
});

Deno.test("a 4xx of dolynk with a foreign request id, or an answer with CSeq 0, still counts", () => {
  const device = new LockedDevice(SALT, "another password");
  const judged = new CloudRun({
    ...device.scripts,
    "local-channel": (a) => [reply(a, 200, [])],
    "p2p-channel": (a) => [
      reply(a, 403, [["ErrCode", "5"], ["Error", "DevPwd_InvalidDigest"]], {
        headers: [["x-pcs-request-id", "ffffffffffffffffffffffffffffffff"]],
        cseq: "0",
        afterMs: 700,
      }),
    ],
  }, { credentials: ACCOUNT, dialect: DMSS, path: "direct" }).start(60_000);
  assertEquals(judged.reason, "auth-rejected");
});

Deno.test("a wrong password is judged once, on local-channel, whatever the path", () => {
  for (const path of ["auto", "direct", "relay", "tcp-relay"] as const) {
    const device = new LockedDevice(SALT, "another password");
    const run = new CloudRun(device.scripts, { credentials: ACCOUNT, dialect: DMSS, path })
      .start(60_000);
    assertEquals(run.reason, "auth-rejected");
    assertEquals(run.event("failed")?.at, 400);
    assertEquals(device.judgements, 1);
    assertEquals(run.of("local-channel").length, 1);
    for (const exchange of ["p2p-channel", "relay-agent", "relay-channel"] as const) {
      assertEquals(run.of(exchange), [], exchange);
    }
  }
});

Deno.test("a slow judgement of local-channel is waited for, a 100 is none", () => {
  const run = new CloudRun({
    ...new LockedDevice().scripts,
    "local-channel": (a) => [
      reply(a, 100, [], { afterMs: 700 }),
      devPwd(a, "DevPwd_InvalidDigest", 1_499),
    ],
  }, { credentials: ACCOUNT, dialect: DMSS }).start(60_000);
  assertEquals(run.reason, "auth-rejected");
  assertEquals(run.of("local-channel").length, 1);
  assertEquals(run.of("p2p-channel"), []);
});

Deno.test("a silent local-channel holds p2p-channel up for 1.5 s and is not sent again", () => {
  const device = new LockedDevice();
  const run = new CloudRun({ ...device.scripts, "local-channel": SILENT }, {
    credentials: ACCOUNT,
    dialect: DMSS,
  }).start(1_599);
  assertEquals(run.sentAt("local-channel"), [100]);
  assertEquals(run.of("p2p-channel"), []);
  assertEquals(run.runUntil(1_600).sentAt("p2p-channel"), [1_600]);
  assert(run.runUntil(9_000).event("channel") && run.event("relay-ready"));
  assertEquals(run.of("local-channel").length, 1);
});

Deno.test("what local-channel says too late counts no more", () => {
  const device = new LockedDevice();
  const run = new CloudRun({
    ...device.scripts,
    "local-channel": (a) => [devPwd(a, "DevPwd_InvalidDigest", 1_501)],
  }, { credentials: ACCOUNT, dialect: DMSS }).start(9_000);
  assert(run.event("channel"));
  assertEquals(run.reason, undefined);
});

Deno.test("any answer of local-channel but the device's word on the login lets p2p-channel go", () => {
  const answers: Script[] = [
    (a) => [reply(a, 200, [])],
    (a) => [reply(a, 200, undefined, { cseq: "0" })],
    (a) => [reply(a, 403, [["Error", "Forbidden"]])],
    (a) => [reply(a, 403, undefined)],
    (a) => [reply(a, 404, [])],
    (a) => [reply(a, 500, [["Error", "DevPwd_InvalidDigest"]])],
  ];
  answers.forEach((answer, i) => {
    const scripts = { ...new LockedDevice().scripts, "local-channel": answer };
    const run = new CloudRun(scripts, { credentials: ACCOUNT, dialect: DMSS }).start(9_000);
    assertEquals(run.sentAt("p2p-channel"), [150], `answer ${i}`);
    assert(run.event("channel"));
  });
});

Deno.test("a salt that local-channel refuses is fetched again, once", () => {
  const fresh = "00000000000000000000000000000001";
  const refusing = (device: LockedDevice): CloudRun =>
    new CloudRun({
      ...device.scripts,
      "device-info": (a) => saltedInfo(a.before === 0 ? SALT : fresh)(a),
    }, { credentials: ACCOUNT, dialect: DMSS }).start(60_000);
  const device = new LockedDevice(fresh);
  const run = refusing(device);
  assert(run.event("channel") && run.event("relay-ready"));
  assertEquals(run.of("local-channel").map((a) => a.body.get("RandSalt")), [SALT, fresh]);
  assertEquals(run.of("p2p-channel").map((a) => a.body.get("RandSalt")), [fresh]);
  assertEquals(device.judgements, 3, "local-channel, p2p-channel, relay-channel");

  const other = new LockedDevice("00000000000000000000000000000002");
  const twice = refusing(other);
  assertEquals(twice.reason, "auth-salt");
  assertEquals(twice.of("local-channel").length, 2);
  assertEquals(twice.of("p2p-channel"), []);
  assertEquals(other.judgements, 0);

  const locked = new LockedDevice(fresh, "another password");
  assertEquals(refusing(locked).reason, "auth-rejected");
  assertEquals(locked.judgements, 1);
});

Deno.test("a release while local-channel is awaited ends it", () => {
  const scripts = { ...new LockedDevice().scripts, "local-channel": SILENT };
  const run = new CloudRun(scripts, { credentials: ACCOUNT, dialect: DMSS }).start(500);
  run.release().runUntil(60_000);
  assert(run.event("released"));
  assertEquals(run.of("p2p-channel"), []);
});

Deno.test("every single request of DMSS may be lost twice", () => {
  const exchanges: ExchangeName[] = ["lookup", "device-info", "local-channel", "p2p-channel"];
  for (const exchange of [...exchanges, "relay-agent", "relay-channel"] as ExchangeName[]) {
    const scripts = { ...HEALTHY, ...new LockedDevice().scripts };
    const run = new CloudRun({ ...scripts, [exchange]: losing(2, scripts[exchange]) }, {
      credentials: ACCOUNT,
      dialect: DMSS,
    }).start(30_000);
    assert(run.event("channel") && run.event("relay-ready"), exchange);
    assertEquals(run.reason, undefined);
  }
});

Deno.test("the relay of DMSS is asked for as the vendor's library does it", () => {
  const device = new LockedDevice();
  const run = new CloudRun(device.scripts, { credentials: ACCOUNT, dialect: DMSS }).start(9_000);
  const [agent] = run.of("relay-agent");
  assertEquals([agent!.request.method, agent!.to], ["NFPOST", RELAY]);
  assertEquals([...agent!.body], [["Dev", SERIAL]]);
  assertEquals([...run.of("relay-start")[0]!.body], [["Client", ":0"], ["Dev", SERIAL]]);
  const [channel] = run.of("relay-channel");
  assertEquals([...channel!.body.keys()], [
    "CreateDate",
    "DevAuth",
    "Nonce",
    "RandSalt",
    "UserName",
    "TransType",
    "agentAddr",
  ]);
  assert(run.event("relay-ready"));
});
