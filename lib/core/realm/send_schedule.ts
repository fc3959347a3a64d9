/**
 * Whose frame leaves next: an equal share of the upstream for every realm that has something to
 * send, and no waiting behind the others for a realm that sends little.
 *
 * @module
 */

/** What a sender carries for the schedule; only the schedule writes to it. */
export interface ScheduleEntry {
  /** Bytes it may still send in this turn. */
  credit: number;
  /** Where it stands: not at all, among the fresh, or in the round. */
  place: "none" | "fresh" | "round";
}

/** An entry that is not scheduled. */
export function newScheduleEntry(): ScheduleEntry {
  return { credit: 0, place: "none" };
}

/** Bytes a sender may send in one turn: one full frame. */
const QUANTUM_BYTES = 1292;

/**
 * Deficit round robin over senders with a fast lane: who had nothing to send goes first, for one
 * quantum; after that it takes its place in the round (the scheduling of RFC 8290, FQ-CoDel, clauses
 * 4.1 and 4.2). A sender that runs dry in the fast lane passes through the round once more before it
 * may be fresh again, so that coming and going gains nothing.
 *
 * @typeParam Sender What is scheduled, with its entry in `schedule`.
 */
export class SendSchedule<Sender extends { readonly schedule: ScheduleEntry }> {
  readonly #fresh: Sender[] = [];
  readonly #round: Sender[] = [];

  /** Schedules a sender that has something to send; no effect on one that is scheduled. */
  add(sender: Sender): void {
    if (sender.schedule.place !== "none") return;
    sender.schedule.place = "fresh";
    sender.schedule.credit = QUANTUM_BYTES;
    this.#fresh.push(sender);
  }

  /** Takes a sender out, e.g. because its realm is closed. */
  remove(sender: Sender): void {
    const { place } = sender.schedule;
    if (place === "none") return;
    const lane = place === "fresh" ? this.#fresh : this.#round;
    lane.splice(lane.indexOf(sender), 1);
    sender.schedule.place = "none";
  }

  /**
   * Whose turn it is, or nobody's.
   *
   * @param isEmpty Whether a sender has nothing left to send; such a one leaves.
   */
  next(isEmpty: (sender: Sender) => boolean): Sender | undefined {
    for (;;) {
      const sender = this.#fresh[0] ?? this.#round[0];
      if (sender === undefined) return undefined;
      const { schedule } = sender;
      if (schedule.credit <= 0) {
        schedule.credit += QUANTUM_BYTES;
        this.#toRound(sender);
      } else if (!isEmpty(sender)) {
        return sender;
      } else if (schedule.place === "fresh" && this.#round.length > 0) {
        this.#toRound(sender);
      } else {
        this.remove(sender);
      }
    }
  }

  /** Accounts for a frame that the sender whose turn it was has sent. */
  sent(sender: Sender, bytes: number): void {
    sender.schedule.credit -= bytes;
  }

  #toRound(sender: Sender): void {
    const lane = sender.schedule.place === "fresh" ? this.#fresh : this.#round;
    lane.shift();
    sender.schedule.place = "round";
    this.#round.push(sender);
  }
}
