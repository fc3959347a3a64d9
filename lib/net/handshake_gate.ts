/**
 * How many handshakes of one process run at a time, and who is next.
 *
 * @module
 */

/** Whether a device has lately been reachable. */
export type GateRank = "sound" | "failing";

/** Limits of a gate. */
export interface HandshakeGateOptions {
  /** Handshakes at a time. A few: each takes a lease of a relay and the cloud counts requests. */
  readonly slots: number;
  /** Of those, how many devices that keep failing may hold: the others must not wait for them. */
  readonly failingSlots: number;
}

/** Defaults: users run 4 to 30 devices, and relays refuse more than about 6 allocations at a time. */
export const GATE_DEFAULTS: HandshakeGateOptions = { slots: 4, failingSlots: 2 };

interface Waiting {
  readonly rank: GateRank;
  readonly enter: () => void;
}

/** Lets handshakes in, the sound before the failing, each in the order of their coming. */
export class HandshakeGate {
  readonly #options: HandshakeGateOptions;
  readonly #waiting: Waiting[] = [];
  readonly #inside: Record<GateRank, number> = { sound: 0, failing: 0 };

  /** Makes a gate with nobody inside. */
  constructor(options: Partial<HandshakeGateOptions> = {}) {
    this.#options = { ...GATE_DEFAULTS, ...options };
  }

  /** Handshakes that run now. */
  get running(): number {
    return this.#inside.sound + this.#inside.failing;
  }

  /** Handshakes that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Waits for a slot.
   *
   * @returns The slot; disposing of it lets the next one in.
   * @throws The signal's reason when it is aborted first.
   */
  async enter(rank: GateRank, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { rank, enter: resolve };
    const abort = (): void => {
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort);
    this.#waiting.push(waiting);
    this.#admit();
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    let isHeld = true;
    return {
      [Symbol.dispose]: (): void => {
        if (!isHeld) return;
        isHeld = false;
        this.#inside[rank]--;
        this.#admit();
      },
    };
  }

  #admit(): void {
    for (;;) {
      const next = this.#next();
      if (!next) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#inside[next.rank]++;
      next.enter();
    }
  }

  #next(): Waiting | undefined {
    if (this.running >= this.#options.slots) return undefined;
    const sound = this.#waiting.find(({ rank }) => rank === "sound");
    if (sound) return sound;
    return this.#inside.failing < this.#options.failingSlots ? this.#waiting[0] : undefined;
  }
}
