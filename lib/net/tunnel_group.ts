/**
 * Many tunnels in one process. They share a gate for handshakes and nothing else: what happens to
 * one does not reach the others.
 *
 * @module
 */
import { BACKOFF_DEFAULTS } from "../core/backoff.ts";
import { type Failure, FailureError } from "../core/failure.ts";
import { Alarm, monotonicNow } from "./clock.ts";
import { HandshakeGate } from "./handshake_gate.ts";
import {
  startTunnel,
  type Tunnel,
  type TunnelEnd,
  type TunnelEvent,
  type TunnelOptions,
  type TunnelStatus,
} from "./tunnel.ts";

/** One device of a group. */
export interface GroupMember {
  /** Its name, unique in the group. */
  readonly name: string;
  readonly serial: string;
  /** Plain data: two members with equal options are the same. */
  readonly options: Omit<TunnelOptions, "onEvent" | "onStart" | "gate" | "signal" | "startDelayMs">;
}

/** How a group is run. */
export interface TunnelGroupOptions {
  /** Handshakes at a time; default 4. */
  readonly handshakes?: number | undefined;
  /** Told what happens to which device. */
  readonly onEvent: (name: string, event: TunnelEvent) => void;
  /** A device is given up: no retry is left. */
  readonly onEnd: (name: string, end: TunnelEnd) => void;
  /** What is the same for all and no plain data: a trace, a memory. */
  readonly common?: Pick<TunnelOptions, "memory" | "trace" | "tap"> | undefined;
  /** Makes a tunnel; for tests. */
  readonly start?: typeof startTunnel | undefined;
}

/** What applying a new list of members did. */
export interface GroupChange {
  readonly started: readonly string[];
  readonly stopped: readonly string[];
  readonly restarted: readonly string[];
  readonly kept: readonly string[];
}

/** Until a local port that could not be listened on is tried again. */
const LISTEN_RETRY_MS = 10_000;

/** Tunnels by name. */
export class TunnelGroup {
  readonly #options: TunnelGroupOptions;
  readonly #gate: HandshakeGate;
  readonly #runs = new Map<string, MemberRun>();

  constructor(options: TunnelGroupOptions) {
    this.#options = options;
    this.#gate = new HandshakeGate(
      options.handshakes === undefined ? {} : {
        slots: options.handshakes,
        failingSlots: Math.max(1, Math.floor(options.handshakes / 2)),
      },
    );
  }

  /** Members now, in the order of the last list. */
  get names(): readonly string[] {
    return [...this.#runs.keys()];
  }

  /** Handshakes that run now. */
  get handshakes(): number {
    return this.#gate.running;
  }

  /** Members that have not been given up. */
  get running(): number {
    return [...this.#runs.values()].filter(({ isOver }) => !isOver).length;
  }

  /**
   * Makes the group what the list says: new members start, missing ones stop, changed ones stop and
   * start again after the clean cool-down; the others keep their sessions.
   */
  async apply(members: readonly GroupMember[]): Promise<GroupChange> {
    const change = { started: [], stopped: [], restarted: [], kept: [] } as Record<
      keyof GroupChange,
      string[]
    >;
    const stopping: Promise<void>[] = [];
    const wanted = new Set(members.map(({ name }) => name));
    for (const [name, run] of this.#runs) {
      if (wanted.has(name)) continue;
      change.stopped.push(name);
      stopping.push(run.close());
      this.#runs.delete(name);
    }
    // Ports of those that go may be wanted by those that come.
    await Promise.all(stopping);
    const old = new Map(this.#runs);
    this.#runs.clear();
    await Promise.all(members.map(async (member) => {
      const present = old.get(member.name);
      if (present?.isSame(member)) {
        change.kept.push(member.name);
        this.#runs.set(member.name, present);
        return;
      }
      const run = new MemberRun(member, this.#gate, this.#options);
      // In its place now, so that the order is that of the list.
      this.#runs.set(member.name, run);
      (present ? change.restarted : change.started).push(member.name);
      const hadSession = present?.status()?.state === "up";
      await present?.close();
      const { cleanCooldownMs = BACKOFF_DEFAULTS.cleanCooldownMs } = member.options;
      run.start(hadSession ? cleanCooldownMs : 0);
    }));
    return change;
  }

  /** What there is to know of each member; of one whose ports are taken only that. */
  statuses(): ReadonlyMap<string, TunnelStatus> {
    return new Map([...this.#runs].map(([name, run]) => [name, run.status()]));
  }

  /** Makes every attempt now instead of later; who was given up is tried again. */
  retryNow(): void {
    for (const run of this.#runs.values()) run.retryNow();
  }

  /** Ends all of them cleanly. */
  async close(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.close()));
  }
}

/** The life of one member: its tunnel, or the wait for a local port. */
class MemberRun {
  readonly #member: GroupMember;
  readonly #gate: HandshakeGate;
  readonly #options: TunnelGroupOptions;
  readonly #alarm = new Alarm(() => this.#open(0));
  #tunnel: Tunnel | undefined;
  #failure: Failure | undefined;
  #retryAt: number | undefined;
  #isClosed = false;
  /** Given up; `retryNow` makes it go on. */
  isOver = false;

  constructor(member: GroupMember, gate: HandshakeGate, options: TunnelGroupOptions) {
    this.#member = member;
    this.#gate = gate;
    this.#options = options;
  }

  isSame({ serial, options }: GroupMember): boolean {
    return serial === this.#member.serial &&
      JSON.stringify(options) === JSON.stringify(this.#member.options);
  }

  start(delayMs: number): void {
    if (!this.#isClosed) this.#open(delayMs);
  }

  status(): TunnelStatus {
    return this.#tunnel?.status() ?? {
      state: "waiting",
      failure: this.#failure,
      retryInMs: this.#retryAt && Math.max(0, this.#retryAt - monotonicNow()),
      sessions: 0,
      failures: 0,
      lostBy: {},
      failedBy: {},
      bytesIn: 0,
      bytesOut: 0,
      retransmits: 0,
      clients: 0,
      ports: [],
    };
  }

  retryNow(): void {
    if (this.#isClosed) return;
    if (this.isOver || !this.#tunnel) this.#open(0);
    else this.#tunnel.retryNow();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#alarm.clear();
    await this.#tunnel?.close();
  }

  #open(delayMs: number): void {
    const { serial, name, options } = this.#member;
    const { start = startTunnel, common, onEvent, onEnd } = this.#options;
    this.#alarm.clear();
    this.#retryAt = undefined;
    this.isOver = false;
    try {
      const tunnel = start(serial, {
        ...options,
        ...common,
        gate: this.#gate,
        startDelayMs: delayMs,
        onEvent: (event) => onEvent(name, event),
      });
      this.#tunnel = tunnel;
      void tunnel.closed.then((end) => {
        if (this.#isClosed || this.#tunnel !== tunnel) return;
        this.isOver = true;
        onEnd(name, end);
      });
    } catch (error) {
      if (!(error instanceof FailureError)) throw error;
      // Somebody else's port is that device's trouble alone, and may pass.
      const { failure } = error;
      this.#failure = failure;
      this.#retryAt = monotonicNow() + LISTEN_RETRY_MS;
      this.#alarm.set(this.#retryAt);
      onEvent(name, {
        type: "attempt-failed",
        failure,
        retryInMs: LISTEN_RETRY_MS,
        failures: 1,
      });
    }
  }
}
