/**
 * DMSS on the dolynk cloud: the dialect of the vendor's phone app.
 *
 * | what               | as captured                                                              |
 * |--------------------|--------------------------------------------------------------------------|
 * | header order       | X-Version, X-Sversion, x-pcs-request-id (p2p-channel), X-ToUType, CSeq,  |
 * |                    | Authorization, X-WSSE, Content-Type, Content-Length                      |
 * | warm-up            | `NFGET /online/stun` with X-ToUType and CSeq alone                       |
 * | CSeq               | a random signed 32-bit integer                                           |
 * | Created            | a numeric offset, never `Z`                                              |
 * | before p2p-channel | `NFGET /device/{SN}/local-channel` with the auth block                   |
 * | p2p-channel        | auth, Identify (padded), IpEncrptV2, NatValueT, version, sVersion,       |
 * |                    | LocalAddr, Pid, ClientId                                                 |
 * | resends            | after about 550 ms, then 1.1 s                                           |
 * | sign               | never 0x17 or 0x19                                                       |
 *
 * The order is not decoration: the same content with CSeq first is refused by that cloud as
 * `DevPwd_InvalidDigest`. The app was never seen to use a relay; the relay's bodies are those that
 * the vendor's library sends in the sister app.
 *
 * Source: PROTOCOL.md sections 4.1, 4.4 and 6.4.
 *
 * @module
 */
import { formatCreated } from "./clock.ts";
import { authTags, type Dialect, saltlessAuthTags } from "./dialect.ts";
import { type Timing, USUAL_TIMING } from "./exchange.ts";
import { formatIdentify } from "./identify.ts";
import type { Header } from "./message.ts";

/** Version of the app that was captured. */
const VERSION = "6.7.15";

/** Version of its streaming library. */
const STREAM_VERSION = "1.1.0";

const KIND: Header = ["X-ToUType", "Client/Dmss_Android"];

/** 550 ms, then 1.1 s: both before the device's answer is late, and no more after its `100`. */
const CHANNEL_TIMING: Timing = {
  firstResendMs: 550,
  capMs: 10_000,
  maxResends: 2,
  afterTrying: "wait",
};

/** DMSS on the dolynk cloud. */
export const DMSS: Dialect = {
  name: "dmss",
  cloud: { name: "dmss", host: "p2p.dolynkcloud.com", port: 8800 },
  account: {
    user: "793k5zdi4dd5f037sooag8yo_dolynkc",
    key: "ef8hatgmcuk4qamgg4fxx19x33s9q1xy",
  },
  methods: { get: "NFGET", post: "NFPOST" },
  posts: ["relay-agent"],
  cseq: "random",
  warmUpPath: "/online/stun",
  requestIds: "sent",
  created: (unixMs) => formatCreated(unixMs, "+00:00"),
  headers: ({ exchange, cseq, requestId, wsse, contentLength }) => {
    const number: Header = ["CSeq", String(cseq)];
    if (exchange === "warm-up") return [KIND, number];
    return [
      ["X-Version", VERSION],
      ["X-Sversion", STREAM_VERSION],
      ...(exchange === "p2p-channel" ? [["x-pcs-request-id", requestId] as const] : []),
      KIND,
      number,
      ...wsse,
      ...(contentLength === undefined ? [] : [
        ["Content-Type", ""],
        ["Content-Length", String(contentLength)],
      ] as const),
    ];
  },
  localAddress: (localPort) => `127.0.0.1:${localPort}`,
  channelBody: ({ identify, localAddress, localPort, clientId, auth }) => [
    ...(auth ? authTags(auth) : []),
    ["Identify", formatIdentify(identify, "padded")],
    [auth ? "IpEncrptV2" : "IpEncrpt", "true"],
    ["NatValueT", "0"],
    ["version", VERSION],
    ["sVersion", STREAM_VERSION],
    ["LocalAddr", localAddress],
    ["Pid", "0"],
    ["ClientId", `${clientId}:${localPort}`],
  ],
  channelTiming: {
    anonymous: { ...USUAL_TIMING, firstResendMs: CHANNEL_TIMING.firstResendMs },
    authenticated: CHANNEL_TIMING,
  },
  localChannelBody: authTags,
  relayAgentBody: (serial) => [["Dev", serial]],
  relayStartBody: (serial) => [["Client", ":0"], ["Dev", serial]],
  relayChannelBody: (agent, auth) => [
    ...(auth ? [...authTags(auth), ["TransType", "1"] as const] : []),
    ["agentAddr", agent],
  ],
  tcpRelayChannelBody: saltlessAuthTags,
  sign: "skip",
};
