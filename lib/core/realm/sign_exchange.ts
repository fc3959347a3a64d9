/**
 * The sign: four bytes that the relay agent gives and the device may want to see.
 *
 * | state     | on                    | then                     |
 * |-----------|-----------------------|--------------------------|
 * | any       | `request`             | requested: 0x17 leaves   |
 * | requested | 0x18                  | received, `sign`         |
 * | any       | `present`             | presented: 0x19 leaves   |
 * | presented | 0x1A                  | confirmed: 0x1B leaves, `sign-answered` |
 *
 * Source: PROTOCOL.md sections 2.5 and 6.7.
 *
 * @module
 */
import type { MuxEvent } from "./events.ts";
import type { SignFrame } from "./frame.ts";
import type { Outbox } from "./outbox.ts";

/** The sign exchange on one connection: with the agent, or with the device. */
export class SignExchange {
  readonly #outbox: Outbox;
  #state: "idle" | "requested" | "received" | "presented" | "confirmed" = "idle";

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** Asks the agent. */
  request(): void {
    this.#outbox.control({ type: "sign-request" });
    this.#state = "requested";
  }

  /**
   * Shows the device what the agent gave.
   *
   * @throws {RangeError} When it is not of 4 bytes.
   */
  present(value: Uint8Array): void {
    this.#outbox.control({ type: "sign-present", value });
    this.#state = "presented";
  }

  /** Takes a frame of the exchange; the event it makes, or nothing when it was not waited for. */
  handle(frame: SignFrame): MuxEvent | undefined {
    if (frame.type === "sign" && this.#state === "requested") {
      this.#state = "received";
      return { type: "sign", value: frame.value };
    }
    if (frame.type === "sign-answer" && this.#state === "presented") {
      this.#state = "confirmed";
      this.#outbox.control({ type: "sign-confirm" });
      return { type: "sign-answered" };
    }
    return undefined;
  }
}
