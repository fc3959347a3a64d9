/**
 * The tunnel: a device's TCP ports on local ports.
 *
 * @module
 */
import type { OptionalBackoff } from "../core/backoff.ts";
import type { PathKind } from "../core/carrier.ts";
import { FailureError } from "../core/failure.ts";
import { monotonicNow } from "./clock.ts";
import type { ConnectEvent, ConnectOptions } from "./connect.ts";
import { chooseForwards, type ChosenForward, DEFAULT_FORWARDS, type Forward } from "./forward.ts";
import { Forwarder, type ForwarderEvent } from "./forwarder.ts";
import type { HandshakeGate } from "./handshake_gate.ts";
import type { SupervisedStatus } from "./session_record.ts";
import {
  type SupervisedEnd,
  type SupervisedEvent,
  SupervisedSession,
} from "./supervised_session.ts";

/** Options of {@linkcode openTunnel}; everything has a default. */
export interface TunnelOptions
  extends Omit<ConnectOptions, "onEvent" | "maxStreams" | "streamBufferBytes">, OptionalBackoff {
  /** Ports to serve; default 127.0.0.1:554 (or 1554) to 554. All share one session. */
  readonly forwards?: readonly Forward[] | undefined;
  /** Local clients at a time; default 32. */
  readonly maxClients?: number | undefined;
  /** Bytes buffered for one slow client; default 4 MiB. */
  readonly clientBufferBytes?: number | undefined;
  /** How long a client that comes while there is no session waits for one, in ms; default 0. */
  readonly waitMs?: number | undefined;
  /** Before the first attempt, in ms: a device may still hold a session of somebody before us. */
  readonly startDelayMs?: number | undefined;
  /** Shared by the tunnels of one process: how many handshakes run at a time. */
  readonly gate?: HandshakeGate | undefined;
  /** Told what happens. */
  readonly onEvent?: ((event: TunnelEvent) => void) | undefined;
  /** Called with the tunnel before it is ready: for its status, and to hasten it. */
  readonly onStart?: ((tunnel: Tunnel) => void) | undefined;
}

/** What a tunnel reports while it is made and while it runs. */
export type TunnelEvent =
  | ConnectEvent
  | ForwarderEvent
  | { readonly type: "phase"; readonly phase: "ready"; readonly ms: number }
  | {
    readonly type: "listen-fallback";
    readonly remotePort: number;
    readonly wantedPort: number;
    readonly port: number;
    readonly why: "in-use" | "denied";
  }
  /** A session carries data: the first, or another after one was lost. */
  | {
    readonly type: "ready";
    /** Its number: 1 for the first. */
    readonly session: number;
    readonly ports: readonly ReadyPort[];
    readonly path: PathKind;
    readonly roundTripMs: number;
    readonly handshakeMs: number;
  }
  | Extract<SupervisedEvent, { type: "lost" | "attempt-failed" }>;

/** A local port that was seen to work. */
export interface ReadyPort {
  /** TCP port of the device. */
  readonly remotePort: number;
  /** Local address it is served on. */
  readonly hostname: string;
  /** Local port it is served on. */
  readonly port: number;
}

/** How a tunnel ended: without a failure when it was closed. */
export type TunnelEnd = SupervisedEnd;

/** What there is to know about a tunnel at one instant. */
export interface TunnelStatus extends SupervisedStatus {
  /** Local clients now, those that wait for a session included. */
  readonly clients: number;
  /** Local ports that are listened on. */
  readonly ports: readonly (ReadyPort & { readonly isGranted: boolean })[];
}

/** A tunnel: its listeners stay open while its sessions come and go. */
export interface Tunnel extends AsyncDisposable {
  /** Ports whose BIND was granted; the others' listeners are open and try again for each client. */
  readonly ports: readonly ReadyPort[];
  /** Of the present session, or the last one. */
  /** How the bytes travel. */
  readonly path: PathKind;
  /** Round trip to the device in ms. */
  readonly roundTripMs: number;
  /** From the beginning of the attempt until its session was ready, in ms. */
  readonly handshakeMs: number;
  /** Resolves when the tunnel is over: closed, or failed in a way that no retry can mend. */
  readonly closed: Promise<TunnelEnd>;
  /** What there is to know now. */
  status(): TunnelStatus;
  /** Makes the next attempt now instead of later. */
  retryNow(): void;
  /** Ends it cleanly: no more clients, DISC for the others, drain, release. */
  close(): Promise<void>;
}

/** Local clients at a time: PROTOCOL.md section 9, "realms". */
const DEFAULT_MAX_CLIENTS = 32;

/**
 * Reaches a device by its serial number and serves its ports locally, making sessions anew whenever
 * one is lost.
 *
 * Without `maxRetries` a first session that cannot be made is final; with it, it is tried again like
 * any other, and local clients are told so meanwhile.
 *
 * @param serial As printed on the device.
 * @returns The tunnel, once data can pass.
 * @throws {FailureError} With the reason why there is none.
 * @throws {RangeError} When `serial` is not 10 to 32 letters and digits.
 *
 * @example
 * ```ts
 * import { openTunnel } from "@dahua-p2p/dahua-p2p";
 *
 * async function firstPort(serial: string, password: string): Promise<number | undefined> {
 *   await using tunnel = await openTunnel(serial, { credentials: { username: "viewer", password } });
 *   return tunnel.ports[0]?.port;
 * }
 * ```
 */
export async function openTunnel(serial: string, options: TunnelOptions = {}): Promise<Tunnel> {
  requireSerial(serial);
  const isPatient = options.maxRetries !== undefined;
  const tunnel = new KeptTunnel(serial, options, isPatient ? "none" : "first");
  const { signal } = options;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal!.reason);
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    tunnel.start(isPatient ? "at-once" : "when-ready");
    options.onStart?.(tunnel);
    await Promise.race([tunnel.ready, aborted.promise]);
    return tunnel;
  } catch (error) {
    await tunnel.close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * Like {@linkcode openTunnel}, but returns at once, with its listeners open, whether the device can
 * be reached or not; it is tried for ever unless `maxRetries` says otherwise.
 *
 * @throws {FailureError} `listen-in-use` or `listen-denied`.
 * @throws {RangeError} When `serial` is not 10 to 32 letters and digits.
 */
export function startTunnel(serial: string, options: TunnelOptions = {}): Tunnel {
  requireSerial(serial);
  const tunnel = new KeptTunnel(serial, options, "none");
  tunnel.start("at-once");
  options.onStart?.(tunnel);
  return tunnel;
}

function reportFallbacks(forwards: readonly ChosenForward[], options: TunnelOptions): void {
  const wanted = options.forwards ?? DEFAULT_FORWARDS;
  forwards.forEach(({ fellBack, remotePort, localPort }, i) => {
    if (!fellBack) return;
    const wantedPort = wanted[i]!.localPort;
    options.onEvent?.({
      type: "listen-fallback",
      remotePort,
      wantedPort,
      port: localPort,
      why: fellBack,
    });
  });
}

/** Listeners over a supervised session. */
class KeptTunnel implements Tunnel {
  readonly #options: TunnelOptions;
  readonly #emit: (event: TunnelEvent) => void;
  readonly #forwards: readonly ChosenForward[];
  readonly #session: SupervisedSession;
  readonly #forwarder: Forwarder;
  readonly #ready = Promise.withResolvers<void>();
  readonly closed: Promise<TunnelEnd>;
  /** By forward, once they are listened on. */
  #localPorts: readonly number[] | undefined;
  #granted: ReadonlySet<number> = new Set();
  #path: PathKind = "direct";
  #handshakeMs = 0;
  #startedAt = 0;

  constructor(serial: string, options: TunnelOptions, giveUp: "first" | "none") {
    this.#options = options;
    this.#emit = options.onEvent ?? ((): void => {});
    this.#forwards = chooseForwards(options.forwards ?? DEFAULT_FORWARDS);
    reportFallbacks(this.#forwards, options);
    const maxClients = options.maxClients ?? DEFAULT_MAX_CLIENTS;
    this.#session = new SupervisedSession({
      serial,
      connect: {
        ...options,
        maxStreams: maxClients + this.#forwards.length,
        streamBufferBytes: options.clientBufferBytes,
      },
      remotePorts: this.#forwards.map(({ remotePort }) => remotePort),
      backoff: options,
      giveUp,
      gate: options.gate,
      onEvent: (event) => this.#onSession(event),
    });
    this.#forwarder = new Forwarder(this.#session, {
      maxClients,
      waitMs: options.waitMs ?? 0,
      onEvent: this.#emit,
    });
    // Who never waits for it must not be told of a rejection.
    this.#ready.promise.catch(() => {});
    this.closed = this.#session.closed.then(async (end) => {
      this.#forwarder.abortClients();
      await this.#forwarder.close();
      if (end.failure) this.#ready.reject(new FailureError(end.failure));
      return end;
    });
  }

  /** Resolves when the first session is ready, rejects when there will be none. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get ports(): readonly ReadyPort[] {
    return this.#listened().filter(({ remotePort }) => this.#granted.has(remotePort));
  }

  get path(): PathKind {
    return this.#path;
  }

  get roundTripMs(): number {
    return this.#session.session?.roundTripMs ?? 0;
  }

  get handshakeMs(): number {
    return this.#handshakeMs;
  }

  /** Begins; the listeners open at once or with the first session. */
  start(listen: "at-once" | "when-ready"): void {
    this.#startedAt = monotonicNow();
    if (listen === "at-once") this.#listen();
    this.#session.start(this.#options.startDelayMs);
  }

  status(): TunnelStatus {
    const ports = this.#listened().map((port) => ({
      ...port,
      isGranted: this.#granted.has(port.remotePort),
    }));
    return { ...this.#session.status(), clients: this.#forwarder.clients, ports };
  }

  retryNow(): void {
    this.#session.retryNow();
  }

  async close(): Promise<void> {
    await this.#session.close();
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #listen(): void {
    this.#localPorts ??= this.#forwarder.open(this.#forwards);
  }

  #listened(): readonly ReadyPort[] {
    return (this.#localPorts ?? []).map((port, i) => {
      const { bind, remotePort } = this.#forwards[i]!;
      return { remotePort, hostname: bind, port };
    });
  }

  #onSession(event: SupervisedEvent): void {
    if (event.type !== "ready") return this.#emit(event);
    try {
      this.#listen();
    } catch (error) {
      // Somebody took the port since it was chosen: no session of ours can mend that.
      this.#ready.reject(error);
      return;
    }
    this.#granted = event.granted;
    this.#path = event.path;
    this.#handshakeMs = event.session === 1 ? monotonicNow() - this.#startedAt : event.handshakeMs;
    const { session, path, roundTripMs } = event;
    this.#emit({ type: "phase", phase: "ready", ms: this.#handshakeMs });
    const { ports } = this;
    this.#emit({
      type: "ready",
      session,
      ports,
      path,
      roundTripMs,
      handshakeMs: this.#handshakeMs,
    });
    this.#ready.resolve();
  }
}

function requireSerial(serial: string): void {
  if (!/^[0-9A-Za-z]{10,32}$/.test(serial)) {
    throw new RangeError("a serial is 10 to 32 letters and digits");
  }
}
