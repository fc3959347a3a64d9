/**
 * A session that is made again whenever it is lost: the policy of a supervisor, carried out on real
 * sockets and the real clock. Each session has sockets of its own: the device knows the old ones,
 * and a NAT may have forgotten them.
 *
 * @module
 */
import { type OptionalBackoff, retryClass } from "../core/backoff.ts";
import type { PathKind } from "../core/carrier.ts";
import { type Failure, FailureError } from "../core/failure.ts";
import { type DeviceRoute, Memory, type RouteMemory } from "../core/memory.ts";
import type { Unavailability } from "../core/rtsp/unavailable.ts";
import { nextSign } from "../core/sign_choice.ts";
import { Supervisor, type SupervisorEvent } from "../core/supervisor.ts";
import { Alarm, monotonicNow } from "./clock.ts";
import type { ConnectEvent, ConnectOptions } from "./connect.ts";
import { systemRandom } from "./environment.ts";
import type { HandshakeGate } from "./handshake_gate.ts";
import type { RealmStream } from "./realm_stream.ts";
import { SessionRecord, type SupervisedStatus } from "./session_record.ts";
import type { Session } from "./session.ts";
import { systemSleepWatch } from "./sleep_watch.ts";
import { openVerifiedSession, type VerifiedSession } from "./verified_session.ts";

/** What a supervised session reports beside the events of its handshakes. */
export type SupervisedEvent =
  | ConnectEvent
  /** A session carries data. */
  | {
    readonly type: "ready";
    /** Its number: 1 for the first. */
    readonly session: number;
    readonly path: PathKind;
    readonly roundTripMs: number;
    readonly handshakeMs: number;
    /** Ports of the device whose BIND was granted. */
    readonly granted: ReadonlySet<number>;
  }
  /** A session that carried data is gone. */
  | {
    readonly type: "lost";
    readonly failure: Failure;
    /** How long it was ready. */
    readonly upMs: number;
    readonly retryInMs: number;
  }
  /** There is still none. */
  | {
    readonly type: "attempt-failed";
    readonly failure: Failure;
    readonly retryInMs: number;
    /** In a row. */
    readonly failures: number;
  };

/** How it ended: without a failure when it was closed. */
export interface SupervisedEnd {
  readonly failure?: Failure;
  /** Since the last session was ready; 0 when there was none at the end. */
  readonly upMs: number;
}

/** What a supervised session is made of. */
export interface SupervisedOptions {
  readonly serial: string;
  readonly connect: Omit<ConnectOptions, "onEvent" | "signal">;
  /** Ports of the device that are asked for before a session is called ready. */
  readonly remotePorts: readonly number[];
  readonly backoff?: OptionalBackoff | undefined;
  /** What ends it before its first session. */
  readonly giveUp?: "first" | "none" | undefined;
  /** Shared with others: how many handshakes run at a time. */
  readonly gate?: HandshakeGate | undefined;
  readonly onEvent: (event: SupervisedEvent) => void;
}

/** Failures in a row after which a device no longer takes handshake slots from the sound ones. */
const FAILING_AFTER = 3;

/** One device's session, kept up. */
export class SupervisedSession {
  readonly #options: SupervisedOptions;
  readonly #supervisor: Supervisor;
  readonly #alarm = new Alarm(() => {
    this.#supervisor.handleTimeout(monotonicNow());
    this.#drain();
  });
  readonly #closed = Promise.withResolvers<SupervisedEnd>();
  readonly #waiters = new Set<() => void>();
  readonly #record = new SessionRecord();
  #sleep: Disposable | undefined;
  #session: Session | undefined;
  #attempting: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();
  readonly #memory: RouteMemory;
  #route: DeviceRoute | undefined;
  #isClosing = false;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    this.#memory = options.connect.memory ?? new Memory(Date.now);
    this.#supervisor = new Supervisor({
      random: systemRandom,
      backoff: options.backoff,
      giveUp: options.giveUp,
    });
  }

  /** Begins the first attempt, after `delayMs`. */
  start(delayMs = 0): void {
    const now = monotonicNow();
    this.#sleep = systemSleepWatch.listen(() => this.#wake());
    this.#supervisor.start(now, now + delayMs);
    this.#drain();
  }

  /** The session that carries data now, if any. */
  get session(): Session | undefined {
    return this.#session?.isUsable ? this.#session : undefined;
  }

  /** Resolves when it is over for good: closed, or failed in a way that no retry can mend. */
  get closed(): Promise<SupervisedEnd> {
    return this.#closed.promise;
  }

  /** Opens a stream to a port of the device, or nothing while there is no session. */
  connect(remotePort: number): RealmStream | undefined {
    return this.session?.connect(remotePort);
  }

  /** Why there is no session now; nothing when there is one. */
  get outage(): Unavailability | undefined {
    if (this.session) return undefined;
    const { retryAt } = this.#supervisor;
    return {
      reason: this.#record.failure?.reason ?? "starting",
      ...(retryAt === undefined ? {} : { retryInMs: Math.max(0, retryAt - monotonicNow()) }),
    };
  }

  /** Waits until there is a session, but no longer than `limitMs`. */
  async whenUp(limitMs: number): Promise<void> {
    if (this.session || limitMs <= 0 || this.#isClosing) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    this.#waiters.add(resolve);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(resolve);
    }
  }

  /** Makes the next attempt now instead of later. */
  retryNow(): void {
    if (this.#isClosing) return;
    this.#supervisor.retryNow(monotonicNow());
    this.#drain();
  }

  /** What there is to know now. */
  status(): SupervisedStatus {
    return this.#record.status(this.#supervisor, this.session);
  }

  /** Ends it cleanly; resolves when every socket is closed. */
  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#supervisor.stop(monotonicNow());
      this.#attempting?.abort();
      // The end is told after the session has been closed, so that everything is gone by then.
      await this.#session?.close();
      await this.#work;
      this.#drain();
    }
    await this.#closed.promise;
  }

  /** Takes up what the supervisor says. */
  #drain(): void {
    for (let e = this.#supervisor.pollEvent(); e; e = this.#supervisor.pollEvent()) {
      this.#handle(e);
    }
    const deadline = this.#supervisor.pollDeadline();
    if (deadline) this.#alarm.set(deadline.at);
    else this.#alarm.clear();
  }

  #handle(event: SupervisorEvent): void {
    switch (event.type) {
      case "attempt":
        this.#work = this.#attempt();
        return;
      case "down": {
        const { failure, upMs, retryInMs } = event;
        if (!failure) return;
        if (upMs > 0) this.#options.onEvent({ type: "lost", failure, upMs, retryInMs });
        else {
          const { failures } = this.#supervisor;
          this.#options.onEvent({ type: "attempt-failed", failure, retryInMs, failures });
        }
        return;
      }
      case "ended": {
        const { failure, upMs } = event;
        this.#sleep?.[Symbol.dispose]();
        this.#sleep = undefined;
        this.#wakeWaiters();
        this.#closed.resolve(failure ? { failure, upMs } : { upMs });
      }
    }
  }

  /** Makes a session and asks it for the ports. Never throws. */
  async #attempt(): Promise<void> {
    const { serial, connect, remotePorts, gate, onEvent } = this.#options;
    const abort = new AbortController();
    this.#attempting = abort;
    this.#record.phase = undefined;
    try {
      const rank = this.#supervisor.failures >= FAILING_AFTER ? "failing" : "sound";
      using _slot = await gate?.enter(rank, abort.signal);
      const startedAt = monotonicNow();
      const verified = await openVerifiedSession(serial, remotePorts, {
        ...connect,
        memory: this.#memory,
        signal: abort.signal,
        onEvent: (event) => this.#onConnectEvent(event),
      });
      if (abort.signal.aborted) return await verified.session.close();
      for (const failure of verified.failures) onEvent({ type: "warning", failure });
      this.#begin(verified, monotonicNow() - startedAt);
    } catch (error) {
      if (abort.signal.aborted) return;
      const failure = failureOf(error);
      this.#record.failed(failure);
      this.#supervisor.failed(failure, monotonicNow());
    } finally {
      if (this.#attempting === abort) this.#attempting = undefined;
    }
    this.#drain();
  }

  #begin({ session, route, granted }: VerifiedSession, handshakeMs: number): void {
    this.#session = session;
    this.#route = route;
    this.#record.ready(handshakeMs);
    this.#supervisor.succeeded(monotonicNow());
    void session.closed.then((failure) => this.#onSessionClosed(session, failure));
    const { path, roundTripMs } = session;
    this.#wakeWaiters();
    this.#options.onEvent({
      type: "ready",
      session: this.#supervisor.sessions,
      path,
      roundTripMs,
      handshakeMs,
      granted,
    });
  }

  #onSessionClosed(session: Session, failure: Failure | undefined): void {
    this.#record.over(session, failure);
    this.#session = undefined;
    if (this.#isClosing) return;
    if (failure) this.#reconsiderSign(failure);
    this.#supervisor.lost(failure, monotonicNow());
    this.#drain();
  }

  /** A direct session that carried nothing may be about the sign: the next one goes the other way. */
  #reconsiderSign(failure: Failure): void {
    const route = this.#route;
    if (!route) return;
    const sign = nextSign(failure, route.sign, route.path);
    if (sign !== route.sign) this.#memory.remember(this.#options.serial, { ...route, sign });
  }

  #onConnectEvent(event: ConnectEvent): void {
    if (event.type === "phase") this.#record.phase = event.phase;
    else if (event.type === "device") this.#record.version = event.version;
    this.#options.onEvent(event);
  }

  /** The machine was asleep: what is lost is noticed soon, and what waits has waited enough. */
  #wake(): void {
    this.#session?.wake();
    const { state } = this.#supervisor;
    const { failure } = this.#record;
    // A refused login is not tried again because the lid was opened.
    const isRefused = failure !== undefined && retryClass(failure.reason) === "login";
    if (state === "waiting" && !isRefused) this.retryNow();
  }

  #wakeWaiters(): void {
    for (const wake of this.#waiters) wake();
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure;
  return {
    reason: "internal",
    what: `Unexpected error: ${error instanceof Error ? `${error.name}: ${error.message}` : error}`,
    advice: "This is a bug: please report it with the output of the same command under --debug.",
  };
}
