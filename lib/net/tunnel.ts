/**
 * The tunnel: a device's TCP ports on local ports.
 *
 * @module
 */
import type { PathKind } from "../core/carrier.ts";
import { type Failure, FailureError } from "../core/failure.ts";
import { monotonicNow } from "./clock.ts";
import { connectDevice, type ConnectEvent, type ConnectOptions } from "./connect.ts";
import { chooseForwards, type ChosenForward, DEFAULT_FORWARDS, type Forward } from "./forward.ts";
import { Forwarder, type ForwarderEvent } from "./forwarder.ts";
import type { Session } from "./session.ts";

/** Options of {@linkcode openTunnel}; everything has a default. */
export interface TunnelOptions
  extends Omit<ConnectOptions, "onEvent" | "maxStreams" | "streamBufferBytes"> {
  /** Ports to serve; default 127.0.0.1:554 (or 1554) to 554. All share one session. */
  readonly forwards?: readonly Forward[] | undefined;
  /** Local clients at a time; default 32. */
  readonly maxClients?: number | undefined;
  /** Bytes buffered for one slow client; default 4 MiB. */
  readonly clientBufferBytes?: number | undefined;
  readonly onEvent?: ((event: TunnelEvent) => void) | undefined;
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
  };

/** A local port that was seen to work. */
export interface ReadyPort {
  readonly remotePort: number;
  readonly hostname: string;
  readonly port: number;
}

/** How a tunnel ended: without a failure when it was closed. */
export interface TunnelEnd {
  readonly failure?: Failure;
  /** Since it was ready. */
  readonly upMs: number;
}

/** A tunnel that is up. */
export interface Tunnel extends AsyncDisposable {
  /** Ports whose BIND was granted; the others' listeners are open and try again for each client. */
  readonly ports: readonly ReadyPort[];
  readonly path: PathKind;
  /** Round trip to the device in ms. */
  readonly roundTripMs: number;
  /** From the call until it was ready, in ms. */
  readonly handshakeMs: number;
  /** Resolves when the tunnel is over, for whatever reason. */
  readonly closed: Promise<TunnelEnd>;
  /** Ends it cleanly: no more clients, DISC for the others, drain, release. */
  close(): Promise<void>;
}

/** Local clients at a time: PROTOCOL.md section 9, "realms". */
const DEFAULT_MAX_CLIENTS = 32;

/**
 * Reaches a device by its serial number and serves its ports locally.
 *
 * @param serial As printed on the device.
 * @returns The tunnel, once data can pass.
 * @throws {FailureError} With the reason why there is none.
 *
 * @example
 * ```ts no-run
 * import { openTunnel } from "@dahua-p2p/dahua-p2p";
 *
 * await using tunnel = await openTunnel("EXAMPLE0SERIAL0", {
 *   credentials: { username: "viewer", password: Deno.env.get("CAMERA_PASSWORD") ?? "" },
 * });
 * console.log(tunnel.ports[0]);
 * ```
 */
export async function openTunnel(serial: string, options: TunnelOptions = {}): Promise<Tunnel> {
  const startedAt = monotonicNow();
  const forwards = chooseForwards(options.forwards ?? DEFAULT_FORWARDS);
  reportFallbacks(forwards, options);
  const maxClients = options.maxClients ?? DEFAULT_MAX_CLIENTS;
  const session = await connectDevice(serial, {
    ...options,
    maxStreams: maxClients + forwards.length,
    streamBufferBytes: options.clientBufferBytes,
    onEvent: options.onEvent,
  });
  const tunnel = new SessionTunnel(session, maxClients, options.onEvent ?? ((): void => {}));
  try {
    await tunnel.open(forwards, startedAt);
  } catch (error) {
    await tunnel.close();
    throw error;
  }
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

/** A tunnel that lives as long as its one session. */
class SessionTunnel implements Tunnel {
  readonly #session: Session;
  readonly #emit: (event: TunnelEvent) => void;
  readonly #forwarder: Forwarder;
  readonly closed: Promise<TunnelEnd>;
  readonly path: PathKind;
  #ports: readonly ReadyPort[] = [];
  #readyAt = monotonicNow();
  #handshakeMs = 0;

  constructor(session: Session, maxClients: number, emit: (event: TunnelEvent) => void) {
    this.#session = session;
    this.#emit = emit;
    this.path = session.path;
    this.#forwarder = new Forwarder(session, { maxClients, onEvent: emit });
    this.closed = session.closed.then(async (failure) => {
      const upMs = monotonicNow() - this.#readyAt;
      this.#forwarder.abortClients();
      await this.#forwarder.close();
      return failure ? { failure, upMs } : { upMs };
    });
  }

  get ports(): readonly ReadyPort[] {
    return this.#ports;
  }

  get roundTripMs(): number {
    return this.#session.roundTripMs;
  }

  get handshakeMs(): number {
    return this.#handshakeMs;
  }

  /** Asks the device for each port, then opens the listeners. */
  async open(forwards: readonly Forward[], startedAt: number): Promise<void> {
    const granted = await this.#probe(forwards);
    const ports = this.#forwarder.open(forwards);
    this.#ports = forwards
      .map(({ bind, remotePort }, i) => ({ remotePort, hostname: bind, port: ports[i]! }))
      .filter(({ remotePort }) => granted.has(remotePort));
    this.#readyAt = monotonicNow();
    this.#handshakeMs = this.#readyAt - startedAt;
    this.#emit({ type: "phase", phase: "ready", ms: this.#handshakeMs });
  }

  async close(): Promise<void> {
    await this.#session.close();
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The remote ports whose BIND is answered CONN; the realms are closed again. */
  async #probe(forwards: readonly Forward[]): Promise<ReadonlySet<number>> {
    const remotePorts = [...new Set(forwards.map(({ remotePort }) => remotePort))];
    const granted = new Set<number>();
    const failures: Failure[] = [];
    await Promise.all(remotePorts.map(async (port) => {
      const stream = this.#session.connect(port);
      const outcome = await stream.opened;
      if (outcome === "connected") {
        granted.add(port);
        stream.close();
      } else {
        failures.push(await this.#whyNot(port, outcome));
      }
    }));
    if (granted.size === 0) throw new FailureError(failures[0]!);
    for (const failure of failures) this.#emit({ type: "warning", failure });
    return granted;
  }

  async #whyNot(port: number, outcome: "refused" | "failed"): Promise<Failure> {
    if (outcome === "refused") {
      return {
        reason: "port-closed",
        what: `The device refused port ${port}.`,
        advice: "Some firmware closes a port to P2P; is the service on? Try 37777 or 554.",
        facts: { port },
      };
    }
    const ended = await Promise.race([this.#session.closed, Promise.resolve(undefined)]);
    return ended ?? {
      reason: "sessions-full",
      what: `The device did not answer for port ${port}.`,
      advice: "Close viewers in the vendor's app or wait 5 to 10 minutes.",
      facts: { port },
    };
  }
}
