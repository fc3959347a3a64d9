import { assertEquals, assertMatch } from "@std/assert";
import { fromHex } from "../../../lib/core/bytes.ts";
import { composeRequest, SMARTPSS } from "../../../lib/core/cloud/dialect.ts";
import { type ExchangeName, EXCHANGES } from "../../../lib/core/cloud/exchange.ts";
import { decodeRequest, header } from "../../../lib/core/cloud/message.ts";
import { passwordDigest } from "../../../lib/core/cloud/wsse.ts";
import type { Tag } from "../../../lib/core/cloud/xml.ts";
import { EPOCH_MS } from "./scripted_cloud.ts";
import dialogue from "../../../fixtures/recorded/cloud/dialogue_2024_type0.json" with {
  type: "json",
};

const bodies: Partial<Record<ExchangeName, Tag[]>> = {
  "p2p-channel": SMARTPSS.channelBody({
    identify: fromHex(dialogue.identify),
    localAddress: SMARTPSS.localAddress(dialogue.localPort),
    localPort: dialogue.localPort,
    clientId: "",
  }),
  "relay-start": SMARTPSS.relayStartBody(""),
  "relay-channel": SMARTPSS.relayChannelBody("192.0.2.11:31407", undefined),
};

Deno.test("SmartPSS requests are the recorded ones, byte for byte", () => {
  const account = { user: "<user>", key: "a key" };
  const digest = passwordDigest(account.user, account.key, dialogue.nonce, dialogue.created);
  for (const row of dialogue.rows) {
    const exchange = row.exchange as ExchangeName;
    const recorded = decodeRequest(new TextEncoder().encode(row.request));
    const bytes = composeRequest({ ...SMARTPSS, account }, {
      exchange,
      path: recorded.path,
      cseq: Number(header(recorded, "CSeq")),
      requestId: "",
      nonce: dialogue.nonce,
      createdAt: EPOCH_MS,
      tags: bodies[exchange],
    });
    assertEquals(new TextDecoder().decode(bytes), row.request.replace("<digest>", digest));
    assertEquals(EXCHANGES[exchange].socket, row.socket as "main" | "us" | "device");
  }
});

Deno.test("the auth block comes first in authenticated bodies, in the order clients send it", () => {
  const auth = { createDate: 1, devAuth: "proof", nonce: -5, salt: "s", username: "a<b" };
  const parts = {
    identify: new Uint8Array(8),
    localAddress: "x",
    localPort: 1,
    clientId: "",
    auth,
  };
  assertEquals(SMARTPSS.channelBody(parts), [
    ["CreateDate", "1"],
    ["DevAuth", "proof"],
    ["Nonce", "-5"],
    ["RandSalt", "s"],
    ["UserName", "a<b"],
    ["Identify", "0 0 0 0 0 0 0 0"],
    ["IpEncrptV2", "true"],
    ["LocalAddr", "x"],
    ["version", "5.0.0"],
  ]);
  assertEquals(SMARTPSS.relayChannelBody("1.2.3.4:5", auth).map(([name]) => name), [
    "CreateDate",
    "DevAuth",
    "Nonce",
    "RandSalt",
    "UserName",
    "agentAddr",
  ]);
});

Deno.test("SmartPSS names its cloud and asks for the sign", () => {
  assertEquals(SMARTPSS.cloud, { name: "easy4ip", host: "www.easy4ipcloud.com", port: 8800 });
  assertEquals(SMARTPSS.sign, "ask");
  assertMatch(SMARTPSS.created(EPOCH_MS), /^2024-06-07T02:31:50Z$/);
});
