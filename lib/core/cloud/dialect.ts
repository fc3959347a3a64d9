/**
 * A dialect: how one vendor's app talks to its cloud. A value whose fields name behaviour, so that
 * another app is another value and no condition anywhere else.
 *
 * Source: PROTOCOL.md sections 1.1 (SmartPSS, recorded) and 6.4 (what differs between apps).
 *
 * @module
 */
import { EMPTY } from "../bytes.ts";
import { formatCreated } from "./clock.ts";
import {
  AUTHENTICATED_TIMING,
  type ExchangeName,
  EXCHANGES,
  type Timing,
  USUAL_TIMING,
} from "./exchange.ts";
import { formatIdentify } from "./identify.ts";
import { encodeRequest, type Header } from "./message.ts";
import { type AppAccount, wsseHeaders } from "./wsse.ts";
import { encodeBody, type Tag } from "./xml.ts";

/** The proof of the device's account inside a body: PROTOCOL.md section 6.1. */
export interface AuthBlock {
  /** Unix seconds. */
  readonly createDate: number;
  /** The proof, base64. */
  readonly devAuth: string;
  /** Signed 32-bit. */
  readonly nonce: number;
  /** The salt the account's key was made with. */
  readonly salt: string;
  /** The account's name. */
  readonly username: string;
}

/** What a p2p-channel body is made of. */
export interface ChannelParts {
  /** Our eight bytes. */
  readonly identify: Uint8Array;
  /** As it is sent: in clear without `auth`, encrypted with it. */
  readonly localAddress: string;
  /** Local port of the socket `device`. */
  readonly localPort: number;
  /** 32 hex digits, the same for the whole link. */
  readonly clientId: string;
  /** Absent under type 0. */
  readonly auth?: AuthBlock | undefined;
}

/** What the header lines of a request are made of. */
export interface HeaderParts {
  /** Which exchange the request begins. */
  readonly exchange: ExchangeName;
  /** Number of the transaction. */
  readonly cseq: number;
  /** 32 hex digits, the same for every resend. */
  readonly requestId: string;
  /** `Authorization` and `X-WSSE`. */
  readonly wsse: readonly Header[];
  /** Of a body; absent when there is none. */
  readonly contentLength?: number | undefined;
}

/** Whether the agent is asked for a sign that the device is shown: PROTOCOL.md section 9, "sign". */
export type SignChoice = "ask" | "skip";

/** How one vendor's app talks to its cloud. */
export interface Dialect {
  /** For people and for the state file, e.g. `smartpss`. */
  readonly name: string;
  /** The cloud it belongs to: a word for people, and where it is unless told otherwise. */
  readonly cloud: { readonly name: string; readonly host: string; readonly port: number };
  /** What the app proves itself with. */
  readonly account: AppAccount;
  /** The words of the request line. */
  readonly methods: { readonly get: string; readonly post: string };
  /** Exchanges that this app posts though others get them. */
  readonly posts: readonly ExchangeName[];
  /** How CSeq is drawn: counted from 1 over all sockets, or a random signed 32-bit integer. */
  readonly cseq: "counter" | "random";
  /** Path of the first request of all, whose answer nobody waits for. */
  readonly warmUpPath: string;
  /** Whether `x-pcs-request-id` is sent, so that an answer can be known by it. */
  readonly requestIds: "sent" | "none";
  /** How `Created` is written. */
  readonly created: (unixMs: number) => string;
  /** Header lines in wire order. */
  readonly headers: (parts: HeaderParts) => Header[];
  /** Our own address as the device is told, in clear. */
  readonly localAddress: (localPort: number) => string;
  /** Body of p2p-channel. */
  readonly channelBody: (parts: ChannelParts) => Tag[];
  /** Patience of p2p-channel, without and with an account. */
  readonly channelTiming: { readonly anonymous: Timing; readonly authenticated: Timing };
  /** Body of `local-channel`, whose word an authenticated p2p-channel awaits; absent: not sent. */
  readonly localChannelBody?: ((auth: AuthBlock) => Tag[]) | undefined;
  /** Body of relay-agent; absent: none. */
  readonly relayAgentBody?: ((serial: string) => Tag[]) | undefined;
  /** Body of relay-start. */
  readonly relayStartBody: (serial: string) => Tag[];
  /** Body of relay-channel. */
  readonly relayChannelBody: (agent: string, auth: AuthBlock | undefined) => Tag[];
  /** Body of tcprelay-channel. */
  readonly tcpRelayChannelBody: (auth: AuthBlock | undefined) => Tag[];
  /** Whether the agent is asked for a sign (0x17) that the device wants to see (0x19). */
  readonly sign: SignChoice;
}

/** The auth block in the order in which independent clients send it with success. */
export function authTags(auth: AuthBlock): Tag[] {
  return [
    ["CreateDate", String(auth.createDate)],
    ["DevAuth", auth.devAuth],
    ["Nonce", String(auth.nonce)],
    ["RandSalt", auth.salt],
    ["UserName", auth.username],
  ];
}

/** The auth block of tcprelay-channel: the only form that was captured leaves the salt out. */
export function saltlessAuthTags(auth: AuthBlock | undefined): Tag[] {
  return auth ? authTags(auth).filter(([name]) => name !== "RandSalt") : [];
}

/** SmartPSS on the easy4ip cloud: the dialect of the recorded exchange. */
export const SMARTPSS: Dialect = {
  name: "smartpss",
  cloud: { name: "easy4ip", host: "www.easy4ipcloud.com", port: 8800 },
  account: {
    user: "cba1b29e32cb17aa46b8ff9e73c7f40b",
    key: "996103384cdf19179e19243e959bbf8b",
  },
  methods: { get: "DHGET", post: "DHPOST" },
  posts: [],
  cseq: "counter",
  warmUpPath: "/probe/p2psrv",
  requestIds: "none",
  created: (unixMs) => formatCreated(unixMs, "Z"),
  headers: ({ cseq, wsse, contentLength }) => [
    ["CSeq", String(cseq)],
    ...wsse,
    ...(contentLength === undefined ? [] : [
      ["Content-Type", ""],
      ["Content-Length", String(contentLength)],
    ] as const),
  ],
  // The device never reaches this candidate: it learns our address from the checks.
  localAddress: (localPort) => `127.0.0.1:${localPort}`,
  channelBody: ({ identify, localAddress, auth }) => [
    ...(auth ? authTags(auth) : []),
    ["Identify", formatIdentify(identify, "legacy")],
    [auth ? "IpEncrptV2" : "IpEncrpt", "true"],
    ["LocalAddr", localAddress],
    ["version", "5.0.0"],
  ],
  channelTiming: { anonymous: USUAL_TIMING, authenticated: AUTHENTICATED_TIMING },
  relayStartBody: () => [["Client", ":0"]],
  relayChannelBody: (agent, auth) => [...(auth ? authTags(auth) : []), ["agentAddr", agent]],
  tcpRelayChannelBody: saltlessAuthTags,
  sign: "ask",
};

/** What one datagram of a request is made of. */
export interface RequestParts {
  /** Which exchange it begins. */
  readonly exchange: ExchangeName;
  /** Of the request line. */
  readonly path: string;
  /** Number of the transaction. */
  readonly cseq: number;
  /** 32 hex digits. */
  readonly requestId: string;
  /** Of WSSE: a decimal integer. */
  readonly nonce: string;
  /** Unix time in ms, by the cloud's clock. */
  readonly createdAt: number;
  /** Absent: the request has no body. */
  readonly tags?: readonly Tag[] | undefined;
}

/** The word of the request line that begins an exchange. */
export function methodOf(dialect: Dialect, exchange: ExchangeName): string {
  const isPosted = dialect.posts.includes(exchange);
  return dialect.methods[isPosted ? "post" : EXCHANGES[exchange].method];
}

/** One datagram of a request, as `dialect` writes it. */
export function composeRequest(dialect: Dialect, parts: RequestParts): Uint8Array {
  const { exchange, cseq, requestId } = parts;
  const body = parts.tags ? encodeBody(parts.tags) : EMPTY;
  const wsse = wsseHeaders(dialect.account, parts.nonce, dialect.created(parts.createdAt));
  const contentLength = parts.tags ? body.length : undefined;
  return encodeRequest({
    method: methodOf(dialect, exchange),
    path: parts.path,
    headers: dialect.headers({ exchange, cseq, requestId, wsse, contentLength }),
    body,
  });
}
