/**
 * The timers of a connection: when it wants to be called, and what came due.
 *
 * Every part keeps its own instant; here they meet in one table.
 *
 * Source: PROTOCOL.md section 10 (opening, loss, receiving) and section 9 (liveness).
 *
 * @module
 */
import { TimerTable } from "../timer_table.ts";
import type { Deadline } from "../types.ts";
import type { PtcpCloseReason } from "./events.ts";
import type { Parts } from "./parts.ts";

/** The timers, each with its purpose. */
type Timer =
  /** The oldest segment in flight, or the CONNECT, was not acknowledged in time. */
  | "retransmit"
  /** The peer's window is zero: ask whether it still is. */
  | "window-probe"
  /** In-order data was not acknowledged yet. */
  | "ack-delay"
  /** Data in flight made no progress. */
  | "give-up"
  /** The hole is still there; only with the NACK quirk. */
  | "nack";

/** The timers of one connection. */
export class Timers {
  readonly #parts: Parts;
  readonly #table = new TimerTable<Timer>([
    "retransmit",
    "window-probe",
    "ack-delay",
    "give-up",
    "nack",
  ]);

  /**
   * The timers of one connection.
   *
   * @param parts Those whose instants they are.
   */
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The first that will be due, or nothing. */
  next(): Deadline | undefined {
    const { sender, receiver, probe } = this.#parts;
    const table = this.#table;
    table.set("retransmit", sender.retransmitAt);
    table.set("window-probe", probe.dueAt);
    table.set("ack-delay", receiver.ackAt);
    table.set("give-up", this.#giveUpAt());
    table.set("nack", receiver.nackAt);
    return table.earliest();
  }

  /**
   * Runs every timer that is due.
   *
   * @param state Whether the CONNECT was answered.
   * @returns Why the connection ends now, if it does.
   */
  run(state: "connecting" | "open", now: number): PtcpCloseReason | undefined {
    const { sender, receiver, probe } = this.#parts;
    receiver.onAckTimeout(now);
    const resend = sender.onTimeout(now);
    if (resend === "resend") this.#tellResend(now);
    if (resend === "exhausted") return state === "open" ? "resend-limit" : "connect-timeout";
    if (probe.onTimeout(now) === "exhausted") return "window-probe-timeout";
    if (this.#giveUpAt() > now) return undefined;
    return state === "open" ? "stalled" : "connect-timeout";
  }

  #giveUpAt(): number {
    const { sender, settings } = this.#parts;
    return sender.flight > 0 ? sender.lastProgressAt + settings.giveUpMs : Infinity;
  }

  #tellResend(now: number): void {
    const { sender, settings: { trace, name: scope } } = this.#parts;
    const data = { sequence: sender.unacknowledged, rtoMs: sender.rtt.rtoMs };
    trace?.({ at: now, scope, name: "retransmit", data });
  }
}
