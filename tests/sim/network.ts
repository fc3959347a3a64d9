/**
 * A network in virtual time: any number of machines, links between them with latency, loss and all
 * the rest, NAT boxes, and a clock that jumps to whatever happens next. One seed decides everything.
 *
 * Every machine is driven exactly as a real driver would: a datagram, a deadline or a command, then
 * transmits, events, deadline. A machine that lies about its deadline fails the run, and every
 * failure names the seed.
 *
 * @example
 * ```ts
 * const net = new VirtualNetwork({ seed: 7, link: { latencyMs: 20, lossRate: 0.02 } });
 * const node = net.attach({ name: "client", machine, addresses: { main: { ip: "10.0.0.1", port: 5 } } });
 * node.act((now) => machine.start(now));
 * net.run({ untilMs: net.now + 30_000, until: () => ready });
 * ```
 *
 * @module
 */
import { formatEndpoint } from "../../lib/core/bytes.ts";
import { seededRandom } from "../../lib/core/random.ts";
import type { Datagram, Endpoint, Machine, Random, Transmit } from "../../lib/core/types.ts";
import { Heap } from "./heap.ts";
import type { Nat } from "./nat.ts";

/** What a datagram meets on its way from one host to another. */
export interface LinkConditions {
  readonly latencyMs?: number | undefined;
  /** Uniform extra delay; datagrams do not overtake each other because of it. */
  readonly jitterMs?: number | undefined;
  readonly lossRate?: number | undefined;
  /** Loss in bursts: chance a datagram to enter one, and to leave it; inside, all is lost. */
  readonly burst?: { readonly enterRate: number; readonly leaveRate: number } | undefined;
  readonly duplicationRate?: number | undefined;
  /** Chance to be held back by up to `reorderDelayMs`, so that later ones overtake. */
  readonly reorderRate?: number | undefined;
  readonly reorderDelayMs?: number | undefined;
  /** Rate of the line; datagrams queue for it. */
  readonly bytesPerSecond?: number | undefined;
  /** What does not fit the queue is dropped at its tail. */
  readonly queueBytes?: number | undefined;
  /** IP packets above this are dropped. */
  readonly mtuBytes?: number | undefined;
}

/**
 * Conditions from one party to another, asked for each datagram, so that they may change with time.
 * `from` is a node's name; `to` is a node's name, or that of the NAT it is behind.
 */
export type LinkRule = (from: string, to: string, now: number) => LinkConditions;

/** What became of a datagram. */
export type Fate =
  | "delivered"
  | "lost"
  | "burst"
  | "queue-full"
  | "too-big"
  | "filtered"
  | "no-route"
  | "node-gone";

/** One datagram as the network saw it. */
export interface Sighting {
  readonly at: number;
  readonly from: string;
  readonly socket: string;
  /** Source after the NATs of the sender. */
  readonly source: Endpoint;
  readonly to: Endpoint;
  readonly data: Uint8Array;
  readonly fate: Fate;
}

/** A network's settings. */
export interface NetworkOptions {
  readonly seed: number;
  readonly link?: LinkConditions | LinkRule | undefined;
  /** The clock's first reading; not 0, so that nobody takes it for "not set". */
  readonly startMs?: number | undefined;
  /** Chance that a machine's `handleTimeout` is called though nothing is due. */
  readonly spuriousTimeoutRate?: number | undefined;
  /** A timer fires up to this late. */
  readonly timerLatenessMs?: number | undefined;
  /** Sees every datagram and its fate. */
  readonly onDatagram?: ((sighting: Sighting) => void) | undefined;
}

/** A machine and where it lives. */
export interface NodeOptions<Event, Socket extends string> {
  readonly name: string;
  readonly machine: Machine<Event, Socket>;
  /** Address of each socket, inside the NAT when there is one. */
  readonly addresses: Readonly<Record<Socket, Endpoint>>;
  readonly nat?: Nat | undefined;
  readonly onEvent?: ((event: Event, now: number) => void) | undefined;
}

/** A machine in the network. */
export interface NetworkNode {
  readonly name: string;
  /** Calls a command of the machine at the present instant, then drains it. */
  act<T>(command: (now: number) => T): T;
  /** Gives its sockets other addresses: what is on its way to the old ones is dropped. */
  readdress(addresses: Readonly<Record<string, Endpoint>>): void;
  /** Delivers a datagram at the present instant, whatever the network thinks of its source. */
  deliver(datagram: Datagram): void;
  /** Takes it off the network: what is on its way to it is dropped. */
  detach(): void;
}

/** Why {@linkcode VirtualNetwork.run} returned. */
export type RunEnd = "condition" | "time" | "idle";

/** Conditions under which the clock counts round trips: see {@linkcode roundTripLink}. */
export const ROUND_TRIP_MS = 100;

/**
 * A rule with exactly half of {@linkcode ROUND_TRIP_MS} from and to the named parties and nothing
 * elsewhere: a client's elapsed time over {@linkcode ROUND_TRIP_MS} is its number of round trips,
 * and what the cloud asks of the device costs none.
 */
export function roundTripLink(...clients: readonly string[]): LinkRule {
  const far: LinkConditions = { latencyMs: ROUND_TRIP_MS / 2 };
  const near: LinkConditions = {};
  return (from, to) => clients.includes(from) || clients.includes(to) ? far : near;
}

interface Node {
  readonly name: string;
  readonly machine: Machine<unknown, string>;
  addresses: Readonly<Record<string, Endpoint>>;
  readonly nat: Nat | undefined;
  readonly onEvent: ((event: unknown, now: number) => void) | undefined;
  isAttached: boolean;
  isDraining: boolean;
  /** Earliest wake-up of this node in the heap. */
  queuedAt: number;
  /** Consecutive timeouts that changed nothing. */
  idleTimeouts: number;
}

interface LineState {
  freeAt: number;
  lastArrivalAt: number;
  isInBurst: boolean;
}

interface Flight {
  readonly from: Node;
  readonly socket: string;
  readonly source: Endpoint;
  readonly to: Endpoint;
  readonly data: Uint8Array;
  /** Where the destination is looked up: the LAN of this NAT, or the internet. */
  readonly domain: Nat | undefined;
}

/** Most datagrams one drain may send; a machine beyond it is caught in a loop. */
const MAX_DRAIN = 100_000;

/** The network. */
export class VirtualNetwork {
  readonly seed: number;
  /** How many datagrams met which fate. */
  readonly fates: Record<Fate, number> = {
    delivered: 0,
    lost: 0,
    burst: 0,
    "queue-full": 0,
    "too-big": 0,
    filtered: 0,
    "no-route": 0,
    "node-gone": 0,
  };
  readonly #random: Random;
  readonly #spuriousTimeoutRate: number;
  readonly #timerLatenessMs: number;
  readonly #onDatagram: ((sighting: Sighting) => void) | undefined;
  readonly #heap = new Heap<() => void>();
  readonly #nodes = new Set<Node>();
  /** Nodes and sockets by domain name and address. */
  readonly #hosts = new Map<string, { readonly node: Node; readonly socket: string }>();
  readonly #nats = new Map<string, Nat>();
  readonly #lines = new Map<string, LineState>();
  #rule: LinkRule;
  #now: number;
  #steps = 0;

  constructor(options: NetworkOptions) {
    this.seed = options.seed;
    this.#random = seededRandom(options.seed);
    this.#now = options.startMs ?? 100_000;
    this.#spuriousTimeoutRate = options.spuriousTimeoutRate ?? 0;
    this.#timerLatenessMs = options.timerLatenessMs ?? 0;
    this.#onDatagram = options.onDatagram;
    this.#rule = asRule(options.link ?? {});
  }

  /** Virtual monotonic ms. */
  get now(): number {
    return this.#now;
  }

  /** How many things have happened. */
  get steps(): number {
    return this.#steps;
  }

  /** Changes the conditions from now on. */
  setLink(link: LinkConditions | LinkRule): void {
    this.#rule = asRule(link);
  }

  /** Puts a machine on the network. */
  attach<Event, Socket extends string>(options: NodeOptions<Event, Socket>): NetworkNode {
    const node: Node = {
      name: options.name,
      machine: options.machine as Machine<unknown, string>,
      addresses: options.addresses,
      nat: options.nat,
      onEvent: options.onEvent as Node["onEvent"],
      isAttached: true,
      isDraining: false,
      queuedAt: Infinity,
      idleTimeouts: 0,
    };
    for (let nat = options.nat; nat !== undefined; nat = nat.outer) {
      this.#nats.set(hostKey(nat.outer, nat.publicIp), nat);
    }
    this.#place(node);
    this.#nodes.add(node);
    this.#drain(node);
    return {
      name: node.name,
      act: (command) => {
        const result = command(this.#now);
        this.#drain(node);
        return result;
      },
      readdress: (addresses) => {
        this.#unplace(node);
        node.addresses = addresses;
        this.#place(node);
      },
      deliver: ({ socket, from, data }) => {
        node.machine.handleDatagram({ socket, from, data }, this.#now);
        this.#drain(node);
      },
      detach: () => this.#detach(node),
    };
  }

  /** Calls `action` at the instant `at` (now, when that has passed). */
  schedule(at: number, action: (now: number) => void): void {
    this.#heap.push(Math.max(at, this.#now), () => action(this.#now));
  }

  /**
   * Lets things happen in order until the clock reaches `untilMs`, or `until` holds, or nothing is
   * left to happen. The clock stands at `untilMs` afterwards unless the condition held.
   *
   * @param options.maxSteps Things that may happen in this run; beyond, it fails.
   * @throws {Error} Names the seed, the step and the instant, with the failure as its cause.
   */
  run(options: {
    readonly untilMs: number;
    readonly until?: (() => boolean) | undefined;
    readonly maxSteps?: number | undefined;
  }): RunEnd {
    const lastStep = this.#steps + (options.maxSteps ?? 5_000_000);
    try {
      for (;;) {
        if (options.until?.()) return "condition";
        const at = this.#heap.nextAt;
        if (at === undefined || at > options.untilMs) {
          this.#now = Math.max(this.#now, options.untilMs);
          return at === undefined ? "idle" : "time";
        }
        if (++this.#steps > lastStep) throw new Error("too many steps");
        this.#now = Math.max(this.#now, at);
        this.#heap.pop()!();
      }
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Error(`seed ${this.seed}, step ${this.#steps}, ${this.#now} ms: ${what}`, {
        cause: error,
      });
    }
  }

  #detach(node: Node): void {
    node.isAttached = false;
    this.#nodes.delete(node);
    this.#unplace(node);
  }

  #place(node: Node): void {
    for (const [socket, endpoint] of Object.entries(node.addresses)) {
      const key = hostKey(node.nat, formatEndpoint(endpoint));
      if (this.#hosts.has(key)) throw new RangeError(`${key} is taken`);
      this.#hosts.set(key, { node, socket });
    }
  }

  #unplace(node: Node): void {
    for (const endpoint of Object.values(node.addresses)) {
      this.#hosts.delete(hostKey(node.nat, formatEndpoint(endpoint)));
    }
  }

  /** Transmits, then events, until neither is left; then the deadline, once. */
  #drain(node: Node, cause: "timeout" | "other" = "other"): void {
    // An event handler that acts on its own node is drained by the loop that called it.
    if (node.isDraining || !node.isAttached) return;
    node.isDraining = true;
    let outputs = 0;
    try {
      for (let isBusy = true; isBusy;) {
        isBusy = false;
        for (
          let transmit = node.machine.pollTransmit();
          transmit !== undefined;
          transmit = node.machine.pollTransmit()
        ) {
          this.#send(node, transmit);
          isBusy = true;
          if (++outputs > MAX_DRAIN) throw new Error(`${node.name} sends without end`);
        }
        for (
          let event = node.machine.pollEvent();
          event !== undefined;
          event = node.machine.pollEvent()
        ) {
          node.onEvent?.(event, this.#now);
          isBusy = true;
          if (++outputs > MAX_DRAIN) throw new Error(`${node.name} reports without end`);
        }
      }
    } finally {
      node.isDraining = false;
    }
    const deadline = node.machine.pollDeadline();
    if (deadline !== undefined) {
      if (Number.isNaN(deadline.at)) throw new Error(`${node.name}: ${deadline.reason} is NaN`);
      if (deadline.at > this.#now || outputs > 0) node.idleTimeouts = 0;
      else if (cause === "timeout" && ++node.idleTimeouts > 2) {
        throw new Error(`${node.name} wants ${deadline.reason} again and again at ${deadline.at}`);
      }
      this.#wake(node, Math.max(deadline.at, this.#now));
    }
  }

  #wake(node: Node, at: number): void {
    const late = this.#timerLatenessMs > 0 ? this.#uniform() * this.#timerLatenessMs : 0;
    if (node.queuedAt <= at + late || at === Infinity) return;
    const queuedAt = node.queuedAt = at + late;
    this.#heap.push(queuedAt, () => {
      // An earlier wake-up has taken this one's place.
      if (node.queuedAt !== queuedAt || !node.isAttached) return;
      node.queuedAt = Infinity;
      const deadline = node.machine.pollDeadline();
      if (deadline === undefined) return;
      if (deadline.at > this.#now) return this.#wake(node, deadline.at);
      node.machine.handleTimeout(this.#now);
      this.#drain(node, "timeout");
    });
  }

  #send(node: Node, { socket, to, data }: Transmit): void {
    let source = node.addresses[socket];
    if (source === undefined) throw new Error(`${node.name} has no socket ${socket}`);
    // The machine may write into its buffer again; what is on its way must not change.
    const copy = data.slice();
    let domain = node.nat;
    while (domain !== undefined && !this.#hosts.has(hostKey(domain, formatEndpoint(to)))) {
      source = domain.outbound(source, to, this.#now);
      const hairpin = to.ip === domain.publicIp;
      if (hairpin && domain.hairpinning === "supported") {
        return this.#fly({ from: node, socket, source, to, data: copy, domain: domain.outer });
      }
      if (hairpin) {
        return this.#see({ from: node, socket, source, to, data: copy, domain }, "filtered");
      }
      domain = domain.outer;
    }
    this.#fly({ from: node, socket, source, to, data: copy, domain });
  }

  #fly(flight: Flight): void {
    const { from, to, domain, data } = flight;
    const host = this.#hosts.get(hostKey(domain, formatEndpoint(to)));
    const nat = this.#nats.get(hostKey(domain, to.ip));
    const target = host?.node.name ?? nat?.name;
    if (target === undefined) return this.#see(flight, "no-route");
    const conditions = this.#rule(from.name, target, this.#now);
    const line = this.#line(`${from.name} ${target}`);
    if (data.length + 28 > (conditions.mtuBytes ?? Infinity)) return this.#see(flight, "too-big");
    if (conditions.burst !== undefined) {
      const { enterRate, leaveRate } = conditions.burst;
      line.isInBurst = line.isInBurst ? !this.#chance(leaveRate) : this.#chance(enterRate);
      if (line.isInBurst) return this.#see(flight, "burst");
    }
    if (this.#chance(conditions.lossRate)) return this.#see(flight, "lost");
    const departsAt = this.#transmit(line, data.length + 28, conditions);
    if (departsAt === undefined) return this.#see(flight, "queue-full");
    for (let copies = this.#chance(conditions.duplicationRate) ? 2 : 1; copies > 0; copies--) {
      let at = departsAt + (conditions.latencyMs ?? 0) +
        (conditions.jitterMs ? this.#uniform() * conditions.jitterMs : 0);
      if (this.#chance(conditions.reorderRate)) {
        at += this.#uniform() * (conditions.reorderDelayMs ?? 20);
      } else {
        at = line.lastArrivalAt = Math.max(at, line.lastArrivalAt);
      }
      this.#heap.push(at, () => this.#arrive(flight));
    }
  }

  /** When the datagram has left the line's queue, or nothing when the queue is full. */
  #transmit(line: LineState, bytes: number, conditions: LinkConditions): number | undefined {
    const { bytesPerSecond, queueBytes = 64 * 1024 } = conditions;
    if (bytesPerSecond === undefined) return this.#now;
    const startsAt = Math.max(this.#now, line.freeAt);
    const queued = (startsAt - this.#now) / 1000 * bytesPerSecond;
    if (queued + bytes > queueBytes && queued > 0) return undefined;
    line.freeAt = startsAt + bytes / bytesPerSecond * 1000;
    return line.freeAt;
  }

  #arrive(flight: Flight): void {
    let { to, domain } = flight;
    for (;;) {
      const host = this.#hosts.get(hostKey(domain, formatEndpoint(to)));
      if (host !== undefined) {
        this.#see(flight, "delivered");
        const { node, socket } = host;
        const { source: from, data } = flight;
        node.machine.handleDatagram({ socket, from, data }, this.#now);
        if (this.#chance(this.#spuriousTimeoutRate)) node.machine.handleTimeout(this.#now);
        this.#drain(node);
        return;
      }
      const nat = this.#nats.get(hostKey(domain, to.ip));
      if (nat === undefined) return this.#see(flight, "node-gone");
      const inside = nat.inbound(to.port, flight.source, this.#now);
      if (inside === undefined) return this.#see(flight, "filtered");
      to = inside;
      domain = nat;
    }
  }

  #see({ from, socket, source, to, data }: Flight, fate: Fate): void {
    this.fates[fate]++;
    this.#onDatagram?.({ at: this.#now, from: from.name, socket, source, to, data, fate });
  }

  #line(key: string): LineState {
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { freeAt: 0, lastArrivalAt: 0, isInBurst: false };
      this.#lines.set(key, line);
    }
    return line;
  }

  #chance(rate: number | undefined): boolean {
    return rate !== undefined && rate > 0 && this.#uniform() < rate;
  }

  #uniform(): number {
    return this.#random.uint32() / 0x1_0000_0000;
  }
}

function asRule(link: LinkConditions | LinkRule): LinkRule {
  return typeof link === "function" ? link : () => link;
}

function hostKey(domain: Nat | undefined, address: string): string {
  return `${domain?.name ?? ""}|${address}`;
}
