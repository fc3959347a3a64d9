/**
 * A cloud that answers as its script says, and signaling with it, in virtual time.
 *
 * Every request is checked as a real server would: WSSE digest, a nonce never seen, and for
 * authenticated bodies the device's own proof.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, EMPTY, utf8 } from "../../../lib/core/bytes.ts";
import { deviceAuth, deviceKey, encryptAddress } from "../../../lib/core/cloud/device_auth.ts";
import { SMARTPSS } from "../../../lib/core/cloud/dialect.ts";
import type { ExchangeName } from "../../../lib/core/cloud/exchange.ts";
import { encryptInfo } from "../../../lib/core/cloud/info.ts";
import {
  decodeRequest,
  type DhRequest,
  encodeResponse,
  type Header,
  header,
} from "../../../lib/core/cloud/message.ts";
import {
  Signaling,
  type SignalingEvent,
  type SignalingOptions,
  type SocketRole,
} from "../../../lib/core/cloud/signaling.ts";
import { passwordDigest } from "../../../lib/core/cloud/wsse.ts";
import { type Body, decodeBody, encodeBody, type Tag } from "../../../lib/core/cloud/xml.ts";
import { seededRandom } from "../../../lib/core/random.ts";
import type { DeriveKey, Endpoint, TraceEvent } from "../../../lib/core/types.ts";

export const SERIAL = "EXAMPLE0SERIAL0";
export const TOKEN = "00112233445566778899AABBCCDDEEFF-00112233445566778899aabbccddeeff";
export const TCP_TOKEN = "ffeeddccbbaa99887766554433221100";
export const TCP_AGENT: Endpoint = { ip: "192.0.2.12", port: 31500 };
export const MAIN: Endpoint = { ip: "192.0.2.1", port: 8800 };
export const MAIN_2: Endpoint = { ip: "192.0.2.2", port: 8800 };
export const US: Endpoint = { ip: "192.0.2.80", port: 8803 };
export const RELAY: Endpoint = { ip: "192.0.2.7", port: 8900 };
export const AGENT: Endpoint = { ip: "192.0.2.11", port: 31407 };
export const SALT = "5daf91fc5cfc1be8e081cfb08f792799";
export const ACCOUNT = { username: "admin", password: "pass123" };
/** 2024-06-07T02:31:50Z. */
export const EPOCH_MS = 1_717_727_510_000;

/** A stand-in for PBKDF2 that costs nothing. */
export const cheapDerive: DeriveKey = (password: Uint8Array, salt: Uint8Array): Uint8Array =>
  sha256(concatBytes([password, salt]));

/** A request as the cloud received it. */
export interface Arrival {
  readonly at: number;
  readonly exchange: ExchangeName;
  /** How often this exchange had arrived before. */
  readonly before: number;
  readonly socket: SocketRole;
  readonly to: Endpoint;
  readonly request: DhRequest;
  readonly cseq: string;
  readonly body: Body;
}

/** One datagram the cloud sends back. */
export interface Reply {
  /** After the request left. */
  readonly afterMs: number;
  readonly from?: Endpoint;
  readonly data: Uint8Array;
}

/** What the cloud does about a request. */
export type Script = (arrival: Arrival) => readonly Reply[];

/** A response to `arrival` with its CSeq. */
export function reply(
  arrival: Arrival,
  status: number,
  tags: readonly Tag[] | undefined,
  options: {
    afterMs?: number;
    from?: Endpoint;
    cseq?: string;
    date?: string;
    headers?: readonly Header[];
  } = {},
): Reply {
  const body = tags ? encodeBody(tags) : EMPTY;
  const headers: Header[] = [
    ...(options.date ? [["Date", options.date] as const] : []),
    ["CSeq", options.cseq ?? arrival.cseq],
    ...(options.headers ?? []),
    ...(tags ? [["Content-Type", ""], ["Content-Length", `${body.length}`]] as const : []),
  ];
  const data = encodeResponse({ status, statusText: "Server Nat Info!", headers, body });
  return { afterMs: options.afterMs ?? 50, data, ...(options.from ? { from: options.from } : {}) };
}

/** The refusal a device sends for its password layer. */
export function devPwd(arrival: Arrival, error: string, afterMs = 300): Reply {
  return reply(arrival, 403, [["ErrCode", "4"], ["Error", error]], { afterMs });
}

const CHANNEL_TAGS: Tag[] = [
  ["Identify", "a0 b1 c2 d3 e4 f5 a6 17"],
  ["IpEncrpt", "false"],
  ["LocalAddr", "192.168.1.108:23730"],
  ["NatValueT", "0"],
  ["Policy", "p2p,udprelay"],
  ["PubAddr", "198.51.100.20:23730"],
  ["Relay", ":0"],
  ["version", "6.3.0"],
];

/** The cloud and a device without login: everything works, one round trip is 50 ms. */
export const HEALTHY: Readonly<Record<ExchangeName, Script>> = {
  "warm-up": (a) => [reply(a, 200, undefined)],
  "lookup": (a) => [reply(a, 200, [["DS", "192.0.2.80:8802"], ["US", "192.0.2.80:8803"]])],
  "online-relay": (a) => [reply(a, 200, [["Address", "192.0.2.7:8900"]])],
  "probe-device": (a) => [reply(a, 200, undefined)],
  "device-info": (a) => [reply(a, 200, [["Info", ""]])],
  "local-channel": (a) => [reply(a, 200, [])],
  "p2p-channel": (a) => [
    reply(a, 100, [], { afterMs: 200 }),
    reply(a, 200, CHANNEL_TAGS, { afterMs: 300 }),
  ],
  "relay-agent": (a) => [reply(a, 200, [["Agent", "192.0.2.11:31407"], ["Token", TOKEN]])],
  "relay-start": (a) => [reply(a, 200, [["SID", TOKEN.slice(33)], ["Time", "30"]])],
  "relay-channel": (a) => [
    reply(a, 200, [["version", "6.3.0"]], { afterMs: 300, from: AGENT }),
  ],
  "relay-unbind": (a) => [reply(a, 200, undefined)],
  "tcprelay-channel": (a) => [
    reply(a, 200, [["Agent", "192.0.2.12:31500"], ["Token", TCP_TOKEN]], { afterMs: 300 }),
  ],
};

/** No answer. */
export const SILENT: Script = (): Reply[] => [];

/** Loses the first `count` arrivals. */
export function losing(count: number, script: Script): Script {
  return (arrival) => arrival.before < count ? [] : script(arrival);
}

/** Info of a device with a login. */
export function saltedInfo(salt = SALT): Script {
  return (a) => [
    reply(a, 200, [
      ["DevVersion", "6.7.30"],
      ["Info", encryptInfo(`{"randsalt":"${salt}","rtspport":554}`)],
    ]),
  ];
}

/** A device with a login: judges every authenticated body, also its nonces. */
export class LockedDevice {
  readonly salt: string;
  readonly password: string;
  /** How often an account was judged. */
  judgements = 0;
  readonly #nonces = new Set<string>();

  constructor(salt = SALT, password = ACCOUNT.password) {
    this.salt = salt;
    this.password = password;
  }

  /** Scripts of everything the device judges. */
  get scripts(): Partial<Record<ExchangeName, Script>> {
    return {
      "device-info": saltedInfo(this.salt),
      "local-channel": (a) => {
        const error = this.#judge(a, "");
        return [error ? devPwd(a, error) : reply(a, 200, [])];
      },
      "p2p-channel": (a) => {
        const error = this.#judge(a, a.body.get("LocalAddr") ?? "");
        if (error) return [devPwd(a, error)];
        const key = deviceKey(ACCOUNT.username, this.password, this.salt);
        const addressKey = cheapDerive(key, utf8("-5"), 0, 32);
        return [
          reply(a, 100, [], { afterMs: 200 }),
          reply(a, 200, [
            ["Identify", "a0 b1 c2 d3 e4 f5 a6 17"],
            ["IpEncrptV2", "true"],
            ["IpType", "3"],
            ["LocalAddr", encryptAddress(addressKey, "192.168.1.108,10.0.0.9:23730")],
            ["Nonce", "-5"],
            ["PubAddr", "198.51.100.20:23730"],
            ["Policy", "p2p,udprelay"],
            ["TransType", "0"],
            ["version", "6.7.30"],
          ], { afterMs: 300 }),
        ];
      },
      "relay-channel": (a) => {
        const error = this.#judge(a, "");
        if (error) return [devPwd(a, error)];
        return [reply(a, 200, [["version", "6.7.30"]], { afterMs: 300, from: AGENT })];
      },
    };
  }

  #judge({ body }: Arrival, payload: string): string | undefined {
    if (body.get("RandSalt") !== this.salt) return "DevPwd_InvalidSalt";
    const nonce = body.get("Nonce") ?? "";
    if (this.#nonces.has(nonce)) return "DevPwd_InvalidNonce";
    this.#nonces.add(nonce);
    this.judgements++;
    const key = deviceKey(body.get("UserName") ?? "", this.password, this.salt);
    const proof = deviceAuth(key, Number(nonce), Number(body.get("CreateDate")), payload);
    return proof === body.get("DevAuth") ? undefined : "DevPwd_InvalidDigest";
  }
}

const PATHS: readonly [RegExp, ExchangeName][] = [
  [/^\/(probe\/p2psrv|online\/stun)$/, "warm-up"],
  [/^\/online\/p2psrv\//, "lookup"],
  [/^\/online\/relay$/, "online-relay"],
  [/^\/probe\/device\//, "probe-device"],
  [/^\/info\/device\//, "device-info"],
  [/\/local-channel$/, "local-channel"],
  [/\/p2p-channel$/, "p2p-channel"],
  [/^\/relay\/agent$/, "relay-agent"],
  [/^\/relay\/start\//, "relay-start"],
  [/\/relay-channel$/, "relay-channel"],
  [/^\/relay\/unbind\//, "relay-unbind"],
  [/\/tcprelay-channel$/, "tcprelay-channel"],
];

/** Signaling together with a scripted cloud. */
export class CloudRun {
  readonly signaling: Signaling;
  readonly arrivals: Arrival[] = [];
  readonly events: { readonly at: number; readonly event: SignalingEvent }[] = [];
  readonly traces: TraceEvent[] = [];
  now = 0;
  readonly #scripts: Readonly<Record<ExchangeName, Script>>;
  readonly #deliveries: { at: number; from: Endpoint; socket: SocketRole; data: Uint8Array }[] = [];
  readonly #dialect: SignalingOptions["dialect"];
  readonly #wsseNonces = new Set<string>();

  constructor(
    scripts: Partial<Record<ExchangeName, Script>> = {},
    options: Partial<SignalingOptions> & { readonly clockErrorMs?: number; seed?: number } = {},
  ) {
    const { clockErrorMs = 0, seed = 1, ...rest } = options;
    this.#scripts = { ...HEALTHY, ...scripts };
    this.#dialect = options.dialect ?? SMARTPSS;
    this.signaling = new Signaling({
      serial: SERIAL,
      path: "auto",
      authType: "auto",
      dialect: SMARTPSS,
      servers: [MAIN],
      localPort: 59474,
      identify: Uint8Array.of(0x10, 0xaa, 0xbb, 0x0c, 0x40, 0x50, 0x06, 0x71),
      environment: {
        random: seededRandom(seed),
        unixTimeMs: () => EPOCH_MS + clockErrorMs + this.now,
        deriveKey: cheapDerive,
        trace: (event) => this.traces.push(event),
      },
      ...rest,
    });
  }

  /** Starts and runs until `until`. */
  start(until = 0): this {
    this.signaling.start(this.now);
    return this.runUntil(until);
  }

  /** Runs virtual time up to and including `until`, or to the end of all activity. */
  runUntil(until: number): this {
    for (let steps = 0;; steps++) {
      assert(steps < 5000, "signaling does not come to rest");
      this.#drain();
      const deadline = this.signaling.pollDeadline();
      this.#deliveries.sort((a, b) => a.at - b.at);
      const delivery = this.#deliveries[0];
      const at = Math.min(delivery?.at ?? Infinity, deadline?.at ?? Infinity);
      if (at > until) break;
      assert(at >= this.now, "time goes back");
      this.now = at;
      if (delivery && delivery.at === at) {
        this.#deliveries.shift();
        const { socket, from, data } = delivery;
        this.signaling.handleDatagram({ socket, from, data }, this.now);
      } else {
        this.signaling.handleTimeout(this.now);
      }
    }
    if (until !== Infinity) this.now = until;
    return this;
  }

  /** Lets a datagram arrive now. */
  inject(socket: SocketRole, from: Endpoint, data: Uint8Array): this {
    this.signaling.handleDatagram({ socket, from, data }, this.now);
    this.#drain();
    return this;
  }

  /** Releases now. */
  release(): this {
    this.signaling.release(this.now);
    this.#drain();
    return this;
  }

  /** When each request of an exchange left. */
  sentAt(exchange: ExchangeName): number[] {
    return this.of(exchange).map((arrival) => arrival.at);
  }

  /** Every request of an exchange. */
  of(exchange: ExchangeName): Arrival[] {
    return this.arrivals.filter((arrival) => arrival.exchange === exchange);
  }

  /** Exchanges by the order in which they first left. */
  get order(): ExchangeName[] {
    return [...new Set(this.arrivals.map((arrival) => arrival.exchange))];
  }

  /** Types of the events so far. */
  get told(): string[] {
    return this.events.map(({ event }) => event.type);
  }

  /** The event of a type that happened once, or nothing. */
  event<T extends SignalingEvent["type"]>(
    type: T,
  ): Extract<SignalingEvent, { type: T }> & { at: number } | undefined {
    const found = this.events.filter(({ event }) => event.type === type);
    assert(found.length <= 1, `${type} was said ${found.length} times`);
    const [first] = found;
    return first &&
      { ...(first.event as Extract<SignalingEvent, { type: T }>), at: first.at };
  }

  /** Reason word of the failure, if it failed. */
  get reason(): string | undefined {
    return this.event("failed")?.failure.reason;
  }

  #drain(): void {
    for (let t = this.signaling.pollTransmit(); t; t = this.signaling.pollTransmit()) {
      const request = decodeRequest(t.data);
      const exchange = PATHS.find(([pattern]) => pattern.test(request.path))![1];
      this.#checkWsse(request);
      const arrival: Arrival = {
        at: this.now,
        exchange,
        before: this.of(exchange).length,
        socket: t.socket,
        to: t.to,
        request,
        cseq: header(request, "CSeq")!,
        body: decodeBody(request.body),
      };
      this.arrivals.push(arrival);
      for (const { afterMs, from, data } of this.#scripts[exchange](arrival)) {
        this.#deliveries.push({
          at: this.now + afterMs,
          from: from ?? t.to,
          socket: t.socket,
          data,
        });
      }
    }
    for (let e = this.signaling.pollEvent(); e; e = this.signaling.pollEvent()) {
      this.events.push({ at: this.now, event: e });
    }
  }

  #checkWsse(request: DhRequest): void {
    const match =
      /^UsernameToken Username="(.*)", PasswordDigest="(.*)", Nonce="(\d+)", Created="(.*)"$/
        .exec(header(request, "X-WSSE") ?? "");
    if (!match && this.#dialect.name !== SMARTPSS.name) return;
    assert(match, "no X-WSSE");
    const [, user, digest, nonce, created] = match;
    const { account } = this.#dialect;
    assertEquals(user, account.user);
    assertEquals(digest, passwordDigest(account.user, account.key, nonce!, created!));
    assert(!this.#wsseNonces.has(nonce!), "a WSSE nonce was used twice");
    this.#wsseNonces.add(nonce!);
  }
}

/** Bytes no one can have meant. */
export function hostileDatagrams(): Uint8Array[] {
  const texts = [
    "",
    "HTTP/",
    "HTTP/1.1",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 999 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nCSeq: 99999999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nCSeq: x\r\n\r\n<body><US>a",
    "HTTP/1.1 403 Forbidden\r\nCSeq: 4711\r\n\r\n<body><Error>DevPwd_</Error></body>",
    "HTTP/1.1 200 OK\r\nCSeq: 2\r\nContent-Length: 5\r\n\r\n&&&&&",
    "DHGET / HTTP/1.1\r\n\r\n",
    "PTCP\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
  ];
  return [...texts.map(utf8), Uint8Array.of(0xff, 0xfe, 0xff, 0xe7), new Uint8Array(65_000)];
}
