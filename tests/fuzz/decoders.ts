/**
 * Every decoder as a target, with honest samples; those with an encoder are held to round trips.
 *
 * @module
 */
import { decodeBase64, encodeBase64 } from "../../lib/core/base64.ts";
import {
  bytesEqual,
  decodeLatin1,
  decodeUtf8,
  fromHex,
  parseEndpoint,
  utf8,
} from "../../lib/core/bytes.ts";
import { decodeUdpPacket } from "../../lib/core/capture/ipv4.ts";
import { readHexDump } from "../../lib/core/capture/hex_dump.ts";
import * as answers from "../../lib/core/cloud/answers.ts";
import { parseServerDate } from "../../lib/core/cloud/clock.ts";
import { parseIdentify } from "../../lib/core/cloud/identify.ts";
import { decodeDeviceInfo, encryptInfo } from "../../lib/core/cloud/info.ts";
import { parseAddresses } from "../../lib/core/cloud/local_address.ts";
import { decodeRequest, decodeResponse } from "../../lib/core/cloud/message.ts";
import { decodeBody, encodeBody } from "../../lib/core/cloud/xml.ts";
import { decodeConnect, encodeConnect } from "../../lib/core/ptcp/connect.ts";
import { decodeNack, encodeNack } from "../../lib/core/ptcp/nack.ts";
import { decodeSegment, encodeSegment } from "../../lib/core/ptcp/segment.ts";
import { decodeStun, encodeStun, isStun } from "../../lib/core/punch/stun.ts";
import {
  DATA_KIND,
  decodeWhole,
  encodeFrame,
  type Frame,
  frameBytes,
} from "../../lib/core/realm/frame_codec.ts";
import { parseAuthSchemes } from "../../lib/core/rtsp/digest.ts";
import { parseHead } from "../../lib/core/rtsp/message.ts";
import { h264PictureSize, h265PictureSize } from "../../lib/core/rtsp/picture_size.ts";
import { decodeRtp, frameHint } from "../../lib/core/rtsp/rtp.ts";
import { parseSessionDescription } from "../../lib/core/rtsp/session_description.ts";
import { splitTransports, transportCarrier } from "../../lib/core/rtsp/transport.ts";
import { decoder, must, type Target } from "./target.ts";

/** Words of the cloud's messages. */
export const CLOUD_WORDS: readonly string[] = [
  "HTTP/1.1 ",
  "CSeq: ",
  "\r\n",
  "\r\n\r\n",
  "Content-Length: ",
  "99999999999",
  "-1",
  "Date: 2024-06-07T02:31:52Z",
  "<body>",
  "</body>",
  "<US>",
  "<Agent>",
  "<Token>",
  "<Identify>",
  "<LocalAddr>",
  "<PubAddr>",
  "<Nonce>",
  "<IpEncrptV2>true</IpEncrptV2>",
  "<Error>DevPwd_InvalidSalt</Error>",
  "192.0.2.1:8800",
  "255.255.255.255:65536",
  "&amp;",
  "&#0;",
  "<!DOCTYPE a [<!ENTITY b 'c'>]>",
  "<![CDATA[",
];

/** Bodies that the cloud and the device send. */
export const BODIES: readonly string[] = [
  "<body><US>192.0.2.80:8803</US><DS>192.0.2.80:8802</DS></body>",
  "<body><Address>192.0.2.7:8900</Address></body>",
  "<body><Agent>192.0.2.11:31407</Agent><Token>AB12-CD34</Token></body>",
  '<?xml version="1.0" encoding="UTF-8"?><body><SID>abc</SID><Time>30</Time></body>\r\n\r\n',
  "<body><ErrCode>4</ErrCode><Error>DevPwd_InvalidSalt</Error><Policy>p2p</Policy></body>",
  "<body><Identify>1 2 3 4 5 6 7 8</Identify><IpEncrpt>false</IpEncrpt>" +
  "<LocalAddr>192.168.1.108:23730</LocalAddr><NatValueT>0</NatValueT>" +
  "<Policy>p2p,udprelay</Policy><PubAddr>198.51.100.20:23730</PubAddr><version>6.3.0</version></body>",
  '{"DevVersion":"6.3.0","Info":""}',
  "<body></body>",
  "",
];

/** Whole answers. */
export const ANSWERS: readonly Uint8Array[] = BODIES.map((body, i) =>
  utf8(
    `HTTP/1.1 200 OK\r\nDate: 2024-06-07T02:31:52Z\r\nCSeq: ${i}\r\nContent-Type: \r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  )
);

/** RTSP of a client and of a device. */
export const RTSP: readonly string[] = [
  "OPTIONS rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: x\r\n\r\n",
  "SETUP rtsp://127.0.0.1/track1 RTSP/1.0\r\nCSeq: 2\r\n" +
  "Transport: RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;interleaved=0-1\r\n\r\n",
  "SETUP rtsp://127.0.0.1/track1 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP;multicast\r\n\r\n",
  "RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 7;timeout=60\r\nContent-Length: 5\r\n\r\nhello",
  "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n" +
  'WWW-Authenticate: Digest realm="Login to X", nonce="ab", qop="auth"\r\n\r\n',
  "RTSP/1.0 100 Continue\r\n\r\n",
  "$\u0000\u0000\u0004abcd",
];

/** Words of RTSP. */
export const RTSP_WORDS: readonly string[] = [
  "RTSP/1.0 ",
  "SETUP ",
  "CSeq: ",
  "Transport: ",
  "RTP/AVP/TCP;interleaved=",
  "RTP/AVP;unicast",
  "Content-Length: ",
  "4294967296",
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "$\u0000\u00ff\u00ff",
  'Digest realm="',
  '\\"',
  ",",
];

/** A session description. */
export const SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=Media\r\nm=video 0 RTP/AVP 96\r\n" +
  "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z00AKp2oHgCJ,aO4\r\n" +
  "a=control:trackID=0\r\nm=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:trackID=1\r\n";

/** A segment of a real SYN. */
export const SYN: Uint8Array = fromHex(
  "50544350000000000000000000" + "02ffff3d9c86ea0000000000030100",
);

/** A STUN request of a device. */
export const STUN_REQUEST: Uint8Array = encodeStun({
  type: "request",
  cookie: 0x2112a442,
  transactionId: new Uint8Array(12),
  role: "controlled",
  identify: new Uint8Array(8),
  address: { ip: "192.0.2.1", port: 5 },
});

/** Frames of every kind. */
export const FRAMES: readonly Frame[] = [
  { type: "data", realm: 7, data: new Uint8Array(20) },
  { type: "bind", realm: 7, port: 554, ip: "127.0.0.1" },
  { type: "status", realm: 7, status: "CONN" },
  { type: "status", realm: 7, status: "DISC" },
  { type: "heartbeat" },
  { type: "service" },
  { type: "sign-request" },
  { type: "sign", value: new Uint8Array(4) },
  { type: "sign-present", value: new Uint8Array(4) },
  { type: "sign-answer", value: new Uint8Array(4) },
  { type: "sign-confirm" },
];

const latin = (bytes: Uint8Array): string => decodeLatin1(bytes);
const texts = (...samples: string[]): Uint8Array[] => samples.map(utf8);
const NACK = fromHex("0a0008" + "53000000" + "0000" + "3a00");

/** All decoders. */
export const DECODERS: readonly Target[] = [
  decoder("segment", [SYN, new Uint8Array(24)], (bytes) => {
    const segment = decodeSegment(bytes);
    must(bytesEqual(encodeSegment(segment), bytes), "a segment does not survive");
  }),
  decoder("nack", [NACK], (bytes) => {
    must(bytesEqual(encodeNack(decodeNack(bytes)), bytes), "a NACK does not survive");
  }),
  decoder("connect", [SYN.subarray(24)], (bytes) => {
    const connect = decodeConnect(bytes);
    const again = decodeConnect(encodeConnect(connect));
    must(again.windowScale === connect.windowScale, "a CONNECT does not survive");
    return `scale ${connect.windowScale}`;
  }),
  decoder("frame", FRAMES.map(encodeFrame), (bytes) => {
    // Its caller gives it whole frames that are not DATA.
    if (bytes.length < 12 || bytes[0] === DATA_KIND) return "short";
    if (frameBytes(bytes, 0) !== bytes.length) return "cut";
    const frame = decodeWhole(bytes);
    if (frame.type !== "unknown" && frame.type !== "data") encodeFrame(frame);
    return frame.type;
  }),
  decoder("stun", [STUN_REQUEST], (bytes) => {
    const message = decodeStun(bytes);
    must(isStun(bytes), "a message is decoded that is none");
    const again = decodeStun(encodeStun(message));
    must(bytesEqual(again.transactionId, message.transactionId), "a transaction id is lost");
    return `${message.type} ${message.role}`;
  }),
  decoder("response", ANSWERS, (bytes) => {
    const response = decodeResponse(bytes);
    return `${Math.floor(response.status / 100)} ${
      answers.decodeRefusal(response).error.slice(0, 9)
    }`;
  }, CLOUD_WORDS),
  decoder(
    "request",
    texts("DHGET /probe/p2psrv HTTP/1.1\r\nCSeq: 1\r\n\r\n", "DHPOST /a HTTP/1.1\r\n\r\n<body/>"),
    (bytes) => void decodeRequest(bytes),
    CLOUD_WORDS,
  ),
  decoder("body", texts(...BODIES), (bytes) => {
    const body = decodeBody(bytes);
    const again = decodeBody(encodeBody([...body]));
    must(again.size === body.size, "a body does not survive");
    return `${body.size} tags`;
  }, CLOUD_WORDS),
  ...([
    ["lookup", answers.decodeLookup],
    ["relay-server", answers.decodeRelayServer],
    ["agent", answers.decodeAgent],
    ["tcp-relay", answers.decodeTcpRelay],
    ["relay-start", answers.decodeStart],
    ["device-info", decodeDeviceInfo],
  ] as const).map(([name, decode]) =>
    decoder(name, texts(...BODIES), (bytes) => void decode(decodeBody(bytes)), CLOUD_WORDS)
  ),
  decoder("channel", texts(...BODIES), (bytes) => {
    const key = new Uint8Array(32);
    const answer = answers.decodeChannel(decodeBody(bytes), () => key, () => {});
    must(answer.candidates.length <= 64, "candidates without bound");
    return `${answer.candidates.length} candidates`;
  }, CLOUD_WORDS),
  decoder("info", texts(encryptInfo('{"randsalt":"abc"}'), "", "AAAA"), (bytes) => {
    void decodeDeviceInfo(new Map([["Info", latin(bytes)]]));
  }),
  decoder("identify", texts("1 2 3 4 5 6 7 ff", "0102030405060708"), (bytes) => {
    must(parseIdentify(latin(bytes)).length === 8, "an Identify of another length");
  }),
  decoder("addresses", texts("192.168.1.108,10.0.0.2:23730", "1.2.3.4:5"), (bytes) => {
    void parseAddresses(latin(bytes));
  }),
  decoder("endpoint", texts("192.0.2.1:8800"), (bytes) => {
    const { ip, port } = parseEndpoint(latin(bytes));
    must(/^\d+(\.\d+){3}$/.test(ip) && port >= 0 && port <= 65_535, "an endpoint out of range");
  }),
  decoder(
    "date",
    texts("2024-06-07T02:31:52Z", "Fri, 07 Jun 2024 02:31:52 GMT", "2024-06-07T02:31:52+01:30"),
    (bytes) => {
      const at = parseServerDate(latin(bytes));
      must(at === undefined || Number.isFinite(at), "a date that is no number");
      return at === undefined ? "no date" : "date";
    },
  ),
  decoder("base64", texts("AAEC/w==", "Zm9v"), (bytes) => {
    const decoded = decodeBase64(latin(bytes));
    must(bytesEqual(decodeBase64(encodeBase64(decoded)), decoded), "bytes do not survive");
  }),
  decoder("utf8", texts("äöü", "\u{1f600}"), (bytes) => void decodeUtf8(bytes)),
  decoder("rtsp-head", texts(...RTSP), (bytes) => void parseHead(bytes), RTSP_WORDS),
  decoder(
    "auth-schemes",
    texts('Digest realm="a\\"b", nonce="c", qop="auth", Basic realm="d"'),
    (b) => {
      void parseAuthSchemes(latin(b));
    },
    RTSP_WORDS,
  ),
  decoder("transports", texts('RTP/AVP/TCP;interleaved=0-1,RTP/AVP;client_port=5-6;x=","'), (b) => {
    splitTransports(latin(b)).forEach(transportCarrier);
  }, RTSP_WORDS),
  decoder("session-description", texts(SDP), (bytes) => {
    return `${parseSessionDescription(latin(bytes)).length} media`;
  }, ["m=video", "a=control:", "a=fmtp:96 ", "sprop-parameter-sets=", "a=rtpmap:", "\r\n"]),
  decoder("rtp", [fromHex("80e0000100000001deadbeef6588"), fromHex("b0e0")], (bytes) => {
    const packet = decodeRtp(bytes);
    for (const codec of ["H264", "H265", "PCMA"]) frameHint(codec, packet.payload);
  }),
  decoder("h264", [fromHex("6764001facd9405005bb011000000300100000030320f1831960")], (bytes) => {
    void h264PictureSize(bytes);
  }),
  decoder(
    "h265",
    [fromHex("42010101600000030090000003000003003fa003c08010e5965924")],
    (bytes) => void h265PictureSize(bytes),
  ),
  decoder("udp-packet", [
    fromHex("4500001e0001000040110000" + "0102030405060708" + "00010002000a0000" + "6869"),
  ], (bytes) => {
    const linkType = (bytes[0] ?? 0) < 0x40 ? bytes[0]! : 101;
    return decodeUdpPacket(linkType, bytes) === undefined ? "no packet" : "packet";
  }),
  decoder(
    "hex-dump",
    texts("0000  50 54 43 50 00 01\n0006  02 03\n", "> 0000 ff fe\n"),
    (bytes) => {
      void readHexDump(latin(bytes));
    },
    ["0000  ", "\n", "0010  ", "ff "],
  ),
];
