/**
 * What is known about the hosts of relays: which were silent or refused a moment ago, and how many
 * places are being asked for. All sessions of a process share one, so that a dead relay is found out
 * once and a cloud is not asked for too much at a time.
 *
 * Source: PROTOCOL.md sections 4.2, 4.3 (back-off of 3 to 15 s, at most 6 in parallel) and 9.
 *
 * @module
 */

/** Limits, each with its default. */
export interface RelayHostsOptions {
  /** Places asked for at a time; 4: another client found 6 to be refused. */
  readonly maxInFlight: number;
  /** How long a host that failed once is left alone; doubled each time it fails again. */
  readonly restMinMs: number;
  /** Longest rest. */
  readonly restMaxMs: number;
  /** Hosts remembered; the oldest goes. A cloud has a few dozen. */
  readonly maxHosts: number;
  /** After this long a request that was forgotten no longer counts as under way. */
  readonly requestMs: number;
}

/** Defaults of a {@linkcode RelayHosts}. */
export const RELAY_HOSTS_DEFAULTS: RelayHostsOptions = {
  maxInFlight: 4,
  restMinMs: 3_000,
  restMaxMs: 15_000,
  maxHosts: 64,
  requestMs: 5_000,
};

/** A request for a place, while it is under way. */
export interface AllocationTicket {
  /** When it left. */
  readonly at: number;
}

interface Rest {
  readonly ms: number;
  readonly until: number;
}

/** Health of relay hosts, by IP address. */
export class RelayHosts {
  readonly #options: RelayHostsOptions;
  readonly #rests = new Map<string, Rest>();
  readonly #inFlight = new Set<AllocationTicket>();

  /** Hosts of which nothing bad is known. */
  constructor(options: Partial<RelayHostsOptions> = {}) {
    this.#options = { ...RELAY_HOSTS_DEFAULTS, ...options };
  }

  /** From when on a host may be used; `-Infinity` when there is nothing against it. */
  readyAt(ip: string): number {
    return this.#rests.get(ip)?.until ?? -Infinity;
  }

  /** A host was silent, or refused: it rests. */
  failed(ip: string, now: number): void {
    const { restMinMs, restMaxMs, maxHosts } = this.#options;
    const before = this.#rests.get(ip);
    const ms = Math.min(before ? 2 * before.ms : restMinMs, restMaxMs);
    this.#rests.delete(ip);
    this.#rests.set(ip, { ms, until: now + ms });
    if (this.#rests.size > maxHosts) this.#rests.delete(this.#rests.keys().next().value!);
  }

  /** A host did what it should. */
  answered(ip: string): void {
    this.#rests.delete(ip);
  }

  /** Whether one more place may be asked for now. */
  hasRoom(now: number): boolean {
    for (const ticket of this.#inFlight) {
      if (now - ticket.at >= this.#options.requestMs) this.#inFlight.delete(ticket);
    }
    return this.#inFlight.size < this.#options.maxInFlight;
  }

  /** A place is being asked for. */
  begin(now: number): AllocationTicket {
    const ticket = { at: now };
    this.#inFlight.add(ticket);
    return ticket;
  }

  /** The request has ended. */
  end(ticket: AllocationTicket): void {
    this.#inFlight.delete(ticket);
  }
}
