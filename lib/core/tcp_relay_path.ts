/**
 * The path over a TCP relay, from the agent's name to an open session: experimental, for no success
 * against a real device is documented.
 *
 * | state   | on                                       | then                                   |
 * |---------|------------------------------------------|----------------------------------------|
 * | unused  | `call`                                   | calling: signaling asks for an agent   |
 * | calling | `connect`                                | opening: `tcp-connect`                 |
 * | opening | the agent lets us in                     | open                                   |
 * | opening | refused, ended, unusable, `tcp-open` due | closed: `failed`                       |
 * | open    | the stream ends                          | (the link hears it from the realms)    |
 * | any     | `close`                                  | closed                                 |
 *
 * Source: PROTOCOL.md sections 5 and 9 ("TCP relay").
 *
 * @module
 */
import { type Carrier, tcpRelayCarrier } from "./carrier.ts";
import type { Failure } from "./failure.ts";
import * as failures from "./link_failures.ts";
import type { LinkOptions } from "./link_options.ts";
import { CLIENT_BIND_PATH, composeRelayBind } from "./relay/relay_bind.ts";
import type { StreamReport } from "./relay/stream.ts";
import { TouStream } from "./relay/tou_stream.ts";
import { earlier, TimerTable } from "./timer_table.ts";
import type { Deadline, Endpoint } from "./types.ts";

/** The device's word for the TCP relay; searched for by a native library, never seen on the wire. */
export const TCP_RELAY_POLICY = "tcprelay";

/** What a link asks of its driver about its one TCP connection. */
export type TcpEvent =
  /** A connection is wanted; what happens on it goes to the link's `handleStream`. */
  | { readonly type: "tcp-connect"; readonly endpoint: Endpoint }
  /** The link's `pollStream` has bytes, after it had none. */
  | { readonly type: "tcp-output" }
  /** Reading, which was paused, may go on. */
  | { readonly type: "tcp-resume" }
  /** The connection is to be closed now. */
  | { readonly type: "tcp-close" };

/** What the path reports. */
export type TcpRelayPathEvent =
  | TcpEvent
  | { readonly type: "tcp-open" }
  | { readonly type: "tcp-failed"; readonly failure: Failure };

const EVENT_OF_REQUEST = {
  output: { type: "tcp-output" },
  resume: { type: "tcp-resume" },
  close: { type: "tcp-close" },
} as const satisfies Record<string, TcpEvent>;

/** The TCP relay as a path of one link. */
export class TcpRelayPath {
  readonly #options: LinkOptions;
  readonly #timers = new TimerTable<"tcp-open">(["tcp-open"]);
  readonly #events: TcpRelayPathEvent[] = [];
  #state: "unused" | "calling" | "opening" | "open" | "closed" = "unused";
  #stream: TouStream | undefined;
  #carrier: Carrier | undefined;

  /** A path that is not used yet. */
  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Where it stands; see the table above. */
  get state(): "unused" | "calling" | "opening" | "open" | "closed" {
    return this.#state;
  }

  /** The session over it, once there is an agent. */
  get carrier(): Carrier | undefined {
    return this.#carrier;
  }

  /** Whether the driver is to read no further until `tcp-resume`. */
  get isPaused(): boolean {
    return this.#stream?.isPaused ?? false;
  }

  /** Signaling has been asked for an agent. */
  call(): void {
    if (this.#state === "unused") this.#state = "calling";
  }

  /**
   * Opens the session at an agent.
   *
   * @param createdAt Unix time in ms, by the cloud's clock.
   */
  connect(agent: Endpoint, token: string, createdAt: number, now: number): void {
    if (this.#state !== "calling") return;
    const { dialect, environment: { random, trace }, relayOpenTimeoutMs } = this.#options;
    const nonce = String(random.uint32() >>> 1);
    const parts = { path: CLIENT_BIND_PATH, agent, token, nonce, createdAt };
    this.#state = "opening";
    this.#stream = new TouStream({ request: composeRelayBind(dialect, parts), trace });
    this.#carrier = tcpRelayCarrier(this.#stream, agent, this.#options);
    this.#carrier.open(now);
    this.#timers.set("tcp-open", now + relayOpenTimeoutMs);
    this.#events.push({ type: "tcp-connect", endpoint: agent });
  }

  /** Takes what happened on the connection. */
  handleStream(report: StreamReport, now: number): void {
    this.#stream?.handle(report, now);
    this.#carrier?.realms.advance(now);
    this.#observe(now);
  }

  /** The next bytes to write; asking means that the last ones were written. */
  pollStream(now: number): Uint8Array | undefined {
    const bytes = this.#stream?.takeOutput(now);
    this.#carrier?.realms.advance(now);
    return bytes;
  }

  /** Runs what is due. */
  handleTimeout(now: number): void {
    this.#carrier?.realms.handleTimeout(now);
    this.#observe(now);
    if (this.#timers.take("tcp-open", now)) {
      const { relayOpenTimeoutMs } = this.#options;
      this.#fail(failures.tcpRelayFailed(`let nobody in for ${relayOpenTimeoutMs / 1000}s`), now);
    }
  }

  /** The next thing that happened or is wanted. */
  pollEvent(): TcpRelayPathEvent | undefined {
    return this.#events.shift() ?? this.pollTcpEvent();
  }

  /** The next thing that is wanted of the driver. */
  pollTcpEvent(): TcpEvent | undefined {
    const request = this.#stream?.pollRequest();
    return request && EVENT_OF_REQUEST[request.type];
  }

  /** When `handleTimeout` is due. */
  pollDeadline(): Deadline | undefined {
    return earlier(this.#timers.earliest(), this.#carrier?.realms.pollDeadline());
  }

  /** Gives it up, or ends the session on it. */
  close(now: number): void {
    this.#state = "closed";
    this.#timers.clearAll();
    this.#stream?.abort(now);
  }

  /** Reads the realms' events until the session is open: then they are the link's. */
  #observe(now: number): void {
    const { realms } = this.#carrier ?? {};
    while (realms && this.#state === "opening") {
      const event = realms.pollEvent();
      if (!event) return;
      if (event.type === "open") {
        this.#state = "open";
        this.#timers.clearAll();
        this.#events.push({ type: "tcp-open" });
      } else if (event.type === "closed") {
        this.#fail(this.#meaningOf(event.reason), now);
      }
    }
  }

  #meaningOf(reason: string): Failure {
    switch (reason) {
      case "connect-failed":
        return failures.tcpRelayFailed("cannot be reached over TCP");
      case "bind-refused":
        return failures.tcpRelayFailed("refused us", this.#stream!.refusal);
      case "relay-closed":
        return failures.tcpRelayFailed("closed the connection");
      default:
        return failures.sessionBroken("the TCP relay's answer makes no sense");
    }
  }

  #fail(failure: Failure, now: number): void {
    this.close(now);
    this.#events.push({ type: "tcp-failed", failure });
  }
}
