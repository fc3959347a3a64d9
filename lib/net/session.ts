/**
 * One session with a device on real sockets: a link, its driver and the streams on it.
 *
 * @module
 */
import type { PathKind } from "../core/carrier.ts";
import type { SocketRole } from "../core/cloud/signaling.ts";
import { type Failure, FailureError } from "../core/failure.ts";
import { Link } from "../core/link.ts";
import type { LinkEvent, LinkSettings } from "../core/link_options.ts";
import { emptyStats, type PtcpStats } from "../core/ptcp/stats.ts";
import type { RealmId } from "../core/realm/multiplexer.ts";
import type { Endpoint } from "../core/types.ts";
import { monotonicNow } from "./clock.ts";
import { MachineDriver } from "./driver.ts";
import { RealmStream } from "./realm_stream.ts";
import { type Tap, TappedSocket } from "./tapped_socket.ts";
import { TcpPump } from "./tcp_pump.ts";
import { UdpSocket } from "./udp.ts";

/** What a session reports besides what its streams do. */
export type SessionEvent = Extract<LinkEvent, { type: "phase" | "device" | "warning" }>;

/** Everything a session needs. */
export interface SessionSettings extends Omit<LinkSettings, "localPort"> {
  /** Told what happens besides the streams. */
  readonly onEvent?: ((event: SessionEvent) => void) | undefined;
  /** Is shown every datagram of the sockets. */
  readonly tap?: Tap | undefined;
  /** Ends the handshake early; rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

function openSockets(tap: Tap | undefined): Readonly<Record<SocketRole, UdpSocket>> {
  const opened: UdpSocket[] = [];
  const socket = (role: SocketRole): UdpSocket => {
    const one = tap ? new TappedSocket(role, tap) : new UdpSocket();
    opened.push(one);
    return one;
  };
  try {
    return { main: socket("main"), us: socket("us"), device: socket("device") };
  } catch (error) {
    closeSockets(opened);
    throw error;
  }
}

/** Closes sockets that nobody listens on yet. */
function closeSockets(sockets: readonly UdpSocket[]): void {
  for (const socket of sockets) void socket.close();
}

/** A live session; a lost one stays lost. */
export class Session {
  readonly #driver: MachineDriver<LinkEvent, SocketRole, Link>;
  readonly #sockets: Readonly<Record<SocketRole, UdpSocket>>;
  readonly #streams = new Map<RealmId, RealmStream>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<Failure | undefined>();
  readonly #onEvent: ((event: SessionEvent) => void) | undefined;
  #tcp: TcpPump | undefined;
  #isReady = false;
  #isOver = false;
  #stats: Readonly<PtcpStats> = emptyStats();

  private constructor(settings: SessionSettings) {
    this.#onEvent = settings.onEvent;
    this.#sockets = openSockets(settings.tap);
    let link: Link;
    try {
      link = new Link({ ...settings, localPort: this.#sockets.device.port });
    } catch (error) {
      closeSockets(Object.values(this.#sockets));
      throw error;
    }
    this.#driver = new MachineDriver(
      link,
      this.#sockets,
      (event) => this.#handle(event),
      (socket, error) =>
        settings.environment.trace?.({
          at: monotonicNow(),
          scope: "udp",
          name: "socket-error",
          data: { socket, error: error.name },
        }),
    );
    // Who never asks for the end must not be told of a rejection.
    this.#ready.promise.catch(() => {});
  }

  /**
   * Makes a session.
   *
   * @throws {FailureError} With the reason why there is none.
   */
  static async open(settings: SessionSettings): Promise<Session> {
    settings.signal?.throwIfAborted();
    const session = new Session(settings);
    const abort = (): void => session.#driver.run((link, now) => link.stop(now));
    settings.signal?.addEventListener("abort", abort);
    try {
      session.#driver.run((link, now) => link.start(now));
      await session.#ready.promise;
      return session;
    } catch (error) {
      await session.#stop();
      settings.signal?.throwIfAborted();
      throw error;
    } finally {
      settings.signal?.removeEventListener("abort", abort);
    }
  }

  /** The path in use. */
  get path(): PathKind {
    return this.#driver.machine.path ?? "relay";
  }

  /** Smoothed round trip in ms; 0 before the first sample. */
  get roundTripMs(): number {
    return this.#driver.machine.roundTripMs ?? 0;
  }

  /** Whether streams can be opened now; false from the moment the session begins to end. */
  get isUsable(): boolean {
    return !this.#isOver && this.#driver.machine.state === "ready";
  }

  /** What the transport has counted so far. */
  get stats(): Readonly<PtcpStats> {
    const { carrier } = this.#driver.machine;
    if (carrier) this.#stats = carrier.connection.stats;
    return this.#stats;
  }

  /** The machine was asleep: what is lost shall be noticed in seconds. */
  wake(): void {
    this.#driver.run((link, now) => link.wake(now));
  }

  /** Streams that are open or opening. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Resolves once the session is over: with the failure that ended it, or without. */
  get closed(): Promise<Failure | undefined> {
    return this.#closed.promise;
  }

  /** Opens a stream to a TCP port of the device. */
  connect(port: number): RealmStream {
    const driver = this.#driver;
    let realm: RealmId | undefined;
    const stream = new RealmStream({
      write: (bytes) => driver.run((link, now) => link.write(realm!, bytes, now)),
      read: (maxBytes) => driver.run((link, now) => link.read(realm!, maxBytes, now)),
      finish: () => driver.run((link, now) => link.finish(realm!, now)),
      close: () => {
        if (realm === undefined) return;
        const id = realm;
        this.#streams.delete(id);
        driver.run((link, now) => link.close(id, now));
      },
    });
    if (!this.isUsable) {
      stream.onClosed("session-lost");
      return stream;
    }
    driver.run((link, now) => {
      realm = link.bind(port, now);
      this.#streams.set(realm, stream);
    });
    return stream;
  }

  /** Ends the session: DISC for every stream, drain, release. Resolves when the sockets are closed. */
  async close(): Promise<void> {
    this.#driver.run((link, now) => link.stop(now));
    await this.#closed.promise;
    await this.#stop();
  }

  /** Drops the session without a word to the device. */
  async abandon(): Promise<void> {
    this.#end(undefined);
    await this.#stop();
  }

  #handle(event: LinkEvent): void {
    switch (event.type) {
      case "phase":
      case "device":
      case "warning":
        this.#onEvent?.(event);
        return;
      case "ready":
        this.#isReady = true;
        // The counters live as long as the connection, and are wanted after it.
        this.#stats = this.stats;
        this.#ready.resolve();
        return;
      case "closed":
        return this.#end(event.failure);
      case "tcp-connect":
        this.#tcp = this.#openTcp(event.endpoint);
        return;
      case "tcp-output":
        return this.#tcp?.output();
      case "tcp-resume":
        return this.#tcp?.resume();
      case "tcp-close":
        return this.#tcp?.close();
      case "realm-connected":
        return this.#streams.get(event.realm)?.onConnected();
      case "realm-readable":
        return this.#streams.get(event.realm)?.onReadable();
      case "realm-writable":
        return this.#streams.get(event.realm)?.onWritable();
      case "realm-refused":
        this.#streams.get(event.realm)?.onRefused();
        this.#streams.delete(event.realm);
        return;
      case "realm-closed":
        this.#streams.get(event.realm)?.onClosed(event.reason);
        this.#streams.delete(event.realm);
        return;
    }
  }

  #openTcp(endpoint: Endpoint): TcpPump {
    const driver = this.#driver;
    return TcpPump.connect(endpoint, {
      onReport: (report) => driver.run((link, now) => link.handleStream(report, now)),
      take: () => driver.run((link, now) => link.pollStream(now)),
      isPaused: () => driver.machine.isStreamPaused,
    });
  }

  async #stop(): Promise<void> {
    this.#tcp?.close();
    await Promise.all([this.#driver.stop(), this.#tcp?.done]);
  }

  #end(failure: Failure | undefined): void {
    this.#isOver = true;
    for (const stream of this.#streams.values()) stream.onClosed("session-lost");
    this.#streams.clear();
    if (!this.#isReady) {
      this.#ready.reject(
        failure ? new FailureError(failure) : new DOMException("stopped", "AbortError"),
      );
    }
    this.#closed.resolve(failure);
    // A session that died by itself must not keep its sockets.
    void this.#stop();
  }
}
