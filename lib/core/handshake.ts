/**
 * From a serial number to a session that can carry realms: signaling, connectivity checks, the
 * relay and the sign, all overlapping, and the TCP relay when nothing else is left.
 *
 * | while          | on                                         | then                               |
 * |----------------|--------------------------------------------|------------------------------------|
 * | running        | device's 200, path not relay               | checks start; `punch` armed        |
 * | running        | a check succeeds before `punch` is due     | PTCP opens on the direct path      |
 * | running        | agent answered relay-channel               | PTCP opens through the agent       |
 * | running        | `punch` or `direct-open` due               | the relay carries, or no path      |
 * | running        | direct open, sign settled                  | established, direct                |
 * | running        | relay open and direct given up or unwanted | established, relay                 |
 * | running        | no path, and policy names the TCP relay    | the TCP relay is called            |
 * | running        | TCP relay open                             | established, tcp-relay             |
 * | running        | refused, no path left, `handshake` due     | failed                             |
 * | established    | device answers a re-punch elsewhere        | the direct endpoint moves          |
 * | any            | `release`                                  | the lease of the relay is returned |
 *
 * The sign has its own table in `sign_step.ts`, the TCP relay in `tcp_relay_path.ts`.
 *
 * Decisions: PROTOCOL.md section 9, "path", "punch", "sign", "socket count", "TCP relay".
 *
 * @module
 */
import { sameEndpoint } from "./bytes.ts";
import { type Carrier, openCarrier } from "./carrier.ts";
import { Signaling, type SignalingEvent, type SocketRole } from "./cloud/signaling.ts";
import type { Failure } from "./failure.ts";
import * as failures from "./link_failures.ts";
import type { LinkEvent, LinkOptions, LinkPhase } from "./link_options.ts";
import { isPtcp } from "./ptcp/segment.ts";
import { ConnectivityChecks } from "./punch/checks.ts";
import { isStun } from "./punch/stun.ts";
import type { MuxEvent } from "./realm/multiplexer.ts";
import type { StreamReport } from "./relay/stream.ts";
import { SignStep } from "./sign_step.ts";
import {
  TCP_RELAY_POLICY,
  type TcpEvent,
  TcpRelayPath,
  type TcpRelayPathEvent,
} from "./tcp_relay_path.ts";
import { earlier, TimerTable } from "./timer_table.ts";
import type { Datagram, Deadline, Endpoint, Machine, Transmit } from "./types.ts";

/** The timers of a handshake. */
type HandshakeTimer =
  /** The device has answered no check of ours since its 200. */
  | "punch"
  /** The device's PTCP has not answered on the direct path. */
  | "direct-open"
  /** The device's PTCP has not answered through the agent. */
  | "relay-open"
  /** The whole handshake has taken too long. */
  | "handshake";

/** What a handshake reports. */
export type HandshakeEvent =
  | Extract<LinkEvent, { type: "phase" | "device" | "warning" }>
  | TcpEvent
  | { readonly type: "established"; readonly carrier: Carrier }
  | { readonly type: "failed"; readonly failure: Failure }
  | { readonly type: "released" };

/** The direct path: `closed` for good once it was given up. */
type DirectPath = "pending" | "open" | "closed";

/** How long our checks have at least, after one of the device has come. */
const HEARD_ONLY_MS = 1_000;

/** One handshake with one device; afterwards the owner of its sockets' routing. */
export class Handshake implements Machine<HandshakeEvent, SocketRole> {
  readonly #options: LinkOptions;
  readonly #signaling: Signaling;
  readonly #checks: ConnectivityChecks;
  readonly #timers = new TimerTable<HandshakeTimer>([
    "punch",
    "direct-open",
    "relay-open",
    "handshake",
  ]);
  readonly #events: HandshakeEvent[] = [];
  readonly #passed = new Set<LinkPhase>();
  #running = false;
  #startedAt = 0;
  #punchStartedAt: number | undefined;
  #directPath: DirectPath;
  readonly #sign: SignStep;
  /** The path over a TCP relay. */
  readonly tcp: TcpRelayPath;
  #policy: readonly string[] = [];
  #direct: Carrier | undefined;
  #relay: Carrier | undefined;
  #established: Carrier | undefined;
  #relayFailure: Failure | undefined;
  #channelFailure: Failure | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { random, trace } = options.environment;
    const identify = random.bytes(8);
    this.#signaling = new Signaling({ ...options, identify });
    this.#checks = new ConnectivityChecks({ identify, random, trace });
    const isDirectWanted = options.path === "auto" || options.path === "direct";
    this.#directPath = isDirectWanted ? "pending" : "closed";
    this.#sign = new SignStep(options.sign ?? options.dialect.sign, options);
    this.tcp = new TcpRelayPath(options);
  }

  /** Begins. */
  start(now: number): void {
    this.#running = true;
    this.#startedAt = now;
    this.#timers.set("handshake", now + this.#options.handshakeTimeoutMs);
    this.#signaling.start(now);
    this.#advance(now);
  }

  /** Sends connectivity checks again, to keep or move the NAT mapping of the direct path. */
  repunch(now: number): void {
    this.#checks.repunch(now);
  }

  /** Gives the lease of the relay back; `released` follows at once when there is none. */
  release(now: number): void {
    this.#running = false;
    this.#timers.clearAll();
    this.#checks.stop();
    this.tcp.close(now);
    this.#signaling.release(now);
    this.#advance(now);
  }

  /** Takes what happened on the TCP connection that `tcp-connect` asked for. */
  handleStream(report: StreamReport, now: number): void {
    this.tcp.handleStream(report, now);
    this.#advance(now);
  }

  handleDatagram(datagram: Datagram<SocketRole>, now: number): void {
    const { socket, from, data } = datagram;
    if (isPtcp(data)) {
      const carrier = socket === "device" ? this.#direct : this.#relay;
      if (carrier && carrier.socket === socket && sameEndpoint(carrier.endpoint, from)) {
        carrier.realms.handleSegment(data, now);
        if (carrier === this.#established) return;
      } else {
        const facts = { reason: "no-session-there", socket, bytes: data.length };
        const { trace } = this.#options.environment;
        trace?.({ at: now, scope: "link", name: "datagram-dropped", data: facts });
      }
    } else if (socket === "device" && isStun(data)) {
      this.#checks.handleDatagram({ socket, from, data }, now);
    } else {
      this.#signaling.handleDatagram(datagram, now);
    }
    this.#advance(now);
  }

  handleTimeout(now: number): void {
    this.#signaling.handleTimeout(now);
    this.#checks.handleTimeout(now);
    this.#direct?.realms.handleTimeout(now);
    this.#relay?.realms.handleTimeout(now);
    this.tcp.handleTimeout(now);
    this.#sign.handleTimeout(now);
    this.#advance(now);
    if (this.#timers.take("punch", now) && !this.#checks.isAnswered) this.#giveUpDirect(now);
    if (this.#timers.take("direct-open", now)) this.#giveUpDirect(now);
    if (this.#timers.take("relay-open", now)) {
      this.#onRelayFailed(failures.relayBusy(this.#options.relayOpenTimeoutMs), now);
    }
    if (this.#timers.take("handshake", now)) this.#fail(this.#unfinished(now));
    this.#advance(now);
  }

  pollTransmit(): Transmit<SocketRole> | undefined {
    // A device hears no PTCP from an address before a check has vouched for it.
    return this.#checks.pollTransmit() ?? this.#direct?.pollTransmit() ??
      this.#relay?.pollTransmit() ?? this.#signaling.pollTransmit();
  }

  pollEvent(): HandshakeEvent | undefined {
    // The session in use may have put bytes into the stream without our knowing.
    return this.#events.shift() ?? this.tcp.pollTcpEvent();
  }

  pollDeadline(): Deadline | undefined {
    let next = earlier(this.#timers.earliest(), this.#signaling.pollDeadline());
    next = earlier(next, this.#checks.pollDeadline());
    next = earlier(next, this.#sign.pollDeadline());
    next = earlier(next, this.tcp.pollDeadline());
    next = earlier(next, this.#relay?.realms.pollDeadline());
    return earlier(next, this.#direct?.realms.pollDeadline());
  }

  /** Takes every event of the children, then draws the conclusions. */
  #advance(now: number): void {
    for (let e = this.#signaling.pollEvent(); e; e = this.#signaling.pollEvent()) {
      this.#onSignaling(e, now);
    }
    for (let e = this.#checks.pollEvent(); e; e = this.#checks.pollEvent()) {
      if (e.type === "succeeded") this.#onPathFound(e.endpoint, now);
      else if (this.#direct) this.#direct.endpoint = e.endpoint;
    }
    for (const carrier of [this.#relay, this.#direct]) {
      // The carrier in use belongs to the link: its events are read there.
      if (!carrier || carrier === this.#established) continue;
      for (let e = carrier.realms.pollEvent(); e; e = carrier.realms.pollEvent()) {
        this.#onRealms(carrier, e, now);
      }
    }
    for (let e = this.tcp.pollEvent(); e; e = this.tcp.pollEvent()) this.#onTcp(e, now);
    if (this.#running) this.#settle(now);
  }

  #onSignaling(event: SignalingEvent, now: number): void {
    switch (event.type) {
      case "registered":
        return this.#pass("lookup", now);
      case "device-info":
        return this.#pass("auth", now);
      case "channel": {
        if (!this.#running) return;
        this.#pass("channel", now);
        const { version, policy, candidates, identify } = event.answer;
        this.#policy = policy;
        this.#events.push({ type: "device", version, policy, login: event.login });
        if (this.#options.path === "tcp-relay") return this.#callTcpRelay(now);
        if (this.#directPath !== "pending") return;
        this.#punchStartedAt = now;
        this.#timers.set("punch", now + this.#options.punchTimeoutMs);
        return this.#checks.start(candidates, now, identify);
      }
      case "relay-ready":
        if (this.#running && !this.#relay) this.#openRelay(event.agent, now);
        return;
      case "clock-skew":
        this.#events.push({ type: "warning", failure: failures.clockSkew(event.offsetMs) });
        return;
      case "relay-failed":
        return this.#onRelayFailed(event.failure, now);
      case "tcp-relay-ready": {
        const createdAt = this.#options.environment.unixTimeMs() + this.#signaling.clockOffsetMs;
        return this.tcp.connect(event.agent, event.token, createdAt, now);
      }
      case "tcp-relay-failed":
        return this.#fail(this.#channelFailure ?? event.failure);
      case "failed":
      case "channel-failed":
        // A path that was found no longer needs the cloud.
        if (this.#direct) return;
        if (event.type === "channel-failed" && this.#options.path === "tcp-relay") {
          // The agent may reach it all the same; if not, this is what there is to say.
          this.#channelFailure = event.failure;
          return this.#callTcpRelay(now);
        }
        if (!this.#relay || this.#options.path === "direct") return this.#fail(event.failure);
        return this.#giveUpDirect(now);
      case "released":
        return void this.#events.push(event);
      default:
        return;
    }
  }

  #onPathFound(endpoint: Endpoint, now: number): void {
    if (!this.#running || this.#directPath !== "pending") return;
    this.#pass("punch", now);
    this.#directPath = "open";
    // A path that leads one way only has no more time than one that was not found at all.
    this.#timers.set("punch", Math.max(this.#timers.at("punch"), now + HEARD_ONLY_MS));
    this.#timers.set("direct-open", now + this.#options.directOpenTimeoutMs);
    this.#direct = openCarrier("direct", endpoint, this.#options, now);
  }

  #openRelay(agent: Endpoint, now: number): void {
    this.#timers.set("relay-open", now + this.#options.relayOpenTimeoutMs);
    this.#relay = openCarrier("relay", agent, this.#options, now);
  }

  #onRealms(carrier: Carrier, event: MuxEvent, now: number): void {
    const isDirect = carrier.path === "direct";
    if (event.type === "open") {
      this.#timers.clear(isDirect ? "direct-open" : "relay-open");
      if (isDirect) this.#timers.clear("punch");
      this.#pass(isDirect ? "session" : "relay", now);
    } else if (event.type === "closed") {
      if (isDirect) this.#giveUpDirect(now);
      else this.#onRelayFailed(failures.sessionLost(event.reason), now);
    } else this.#sign.observe(event);
  }

  #onTcp(event: TcpRelayPathEvent, now: number): void {
    if (event.type === "tcp-open") this.#pass("relay", now);
    else if (event.type === "tcp-failed") this.#fail(this.#channelFailure ?? event.failure);
    else this.#events.push(event);
  }

  /** The direct path is the second choice, until the relay has failed. */
  get #prefersRelay(): boolean {
    const { path, prefer } = this.#options;
    return path === "auto" && prefer === "relay" && !this.#relayFailure;
  }

  /** Draws the conclusions of what is open by now. */
  #settle(now: number): void {
    if (this.tcp.state === "open") return this.#establish(this.tcp.carrier!);
    if (this.#directPath === "closed" || this.#prefersRelay) {
      if (this.#relay?.connection.state === "open") this.#establish(this.#relay);
      return;
    }
    if (this.#direct) {
      this.#sign.advance(this.#relayFailure ? "failed" : this.#relay, this.#direct, now);
    }
    if (this.#sign.isSettled && this.#direct?.connection.state === "open") {
      this.#establish(this.#direct);
    }
  }

  #establish(carrier: Carrier): void {
    this.#running = false;
    this.#timers.clearAll();
    this.#sign.stop();
    this.#established = carrier;
    carrier.realms.heartbeats = "on";
    // Beside the direct path a relay is silent: one that was not answered is not called again.
    if (carrier !== this.#relay && !this.#relay?.isQuiet) this.#relay = undefined;
    this.#events.push({ type: "established", carrier });
  }

  /** The direct path is not to be had: the relay carries, or nothing does. */
  #giveUpDirect(now: number): void {
    if (!this.#running || this.#directPath === "closed") return;
    const failure = failures.punchFailed(
      this.#checks.tries,
      now - (this.#punchStartedAt ?? this.#startedAt),
      this.#options.path === "direct" ? "disabled" : "used",
    );
    this.#directPath = "closed";
    this.#timers.clear("punch");
    this.#timers.clear("direct-open");
    this.#checks.stop();
    this.#direct?.connection.abort(now);
    if (this.#options.path === "direct") {
      const { isAnswered } = this.#checks;
      this.#fail(isAnswered ? failures.sessionsFull(this.#options.directOpenTimeoutMs) : failure);
    } else if (this.#relayFailure) {
      this.#onNoPath(this.#relayFailure, now);
    } else if (!this.#prefersRelay) {
      this.#events.push({ type: "warning", failure });
    }
  }

  /** Neither direct path nor relay: the last resort, where there is one. */
  #onNoPath(failure: Failure, now: number): void {
    if (this.#options.path !== "auto" || !this.#policy.includes(TCP_RELAY_POLICY)) {
      return this.#fail(failure);
    }
    this.#events.push({ type: "warning", failure: failures.usingTcpRelay(failure) });
    this.#callTcpRelay(now);
  }

  #callTcpRelay(now: number): void {
    this.tcp.call();
    this.#signaling.callTcpRelay(now);
  }

  #onRelayFailed(failure: Failure, now: number): void {
    // What follows from the first failure, such as the end of the connection, is none of its own.
    if (!this.#running || this.#relayFailure) return;
    this.#relayFailure = failure;
    this.#timers.clear("relay-open");
    this.#relay?.connection.abort(now);
    if (this.#directPath === "closed") this.#onNoPath(failure, now);
  }

  /** Time is up: names what was being waited for. */
  #unfinished(now: number): Failure {
    const elapsedMs = now - this.#startedAt;
    if (this.tcp.state !== "unused") return failures.tcpRelayFailed("took too long");
    if (this.#relay || this.#direct) return failures.sessionsFull(elapsedMs);
    if (this.#passed.has("channel")) return this.#relayFailure ?? failures.relayBusy(elapsedMs);
    return failures.signalingSilent(this.#passed.has("lookup") ? "device" : "cloud", elapsedMs);
  }

  #fail(failure: Failure): void {
    if (!this.#running) return;
    this.#running = false;
    this.#timers.clearAll();
    this.#checks.stop();
    this.#events.push({ type: "failed", failure });
  }

  #pass(phase: LinkPhase, now: number): void {
    if (!this.#running || this.#passed.has(phase)) return;
    this.#passed.add(phase);
    this.#events.push({ type: "phase", phase, ms: now - this.#startedAt });
  }
}
