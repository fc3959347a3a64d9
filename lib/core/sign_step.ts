/**
 * The step of a handshake that shows the device a sign: 4 bytes of the relay agent that some devices
 * want to see on the direct path before they accept a BIND.
 *
 * | state     | on                                               | then                            |
 * |-----------|--------------------------------------------------|---------------------------------|
 * | wanted    | relay open                                       | asked: 0x17                     |
 * | wanted    | relay failed, or `sign` due while direct is open | settled: we go on without       |
 * | asked     | 0x18                                             | received                        |
 * | received  | direct open                                      | presented: 0x19                 |
 * | presented | 0x1A                                             | settled                         |
 * | any       | `sign` due                                       | settled: we go on without       |
 *
 * Source: PROTOCOL.md section 9, "sign".
 *
 * @module
 */
import type { Carrier } from "./carrier.ts";
import type { SignChoice } from "./cloud/dialect.ts";
import type { LinkOptions } from "./link_options.ts";
import type { MuxEvent } from "./realm/multiplexer.ts";
import { TimerTable } from "./timer_table.ts";
import type { Deadline } from "./types.ts";

type Sign =
  | { readonly state: "wanted" | "asked" | "presented" | "settled" }
  | { readonly state: "received"; readonly value: Uint8Array };

/** Asks for a sign and presents it, as far as both sessions are there. */
export class SignStep {
  readonly #options: Pick<LinkOptions, "signTimeoutMs" | "signRelayTimeoutMs">;
  readonly #timers = new TimerTable<"sign">(["sign"]);
  #sign: Sign;

  /** @param choice Whether there is anything to do at all. */
  constructor(
    choice: SignChoice,
    options: Pick<LinkOptions, "signTimeoutMs" | "signRelayTimeoutMs">,
  ) {
    this.#options = options;
    this.#sign = { state: choice === "ask" ? "wanted" : "settled" };
  }

  /** Whether nothing more is to be done, with or without a sign. */
  get isSettled(): boolean {
    return this.#sign.state === "settled";
  }

  /** Takes what a session that is not in use yet reports. */
  observe(event: MuxEvent): void {
    if (event.type === "sign" && this.#sign.state === "asked") {
      this.#sign = { state: "received", value: event.value };
    } else if (event.type === "sign-answered" && this.#sign.state === "presented") {
      this.stop();
    }
  }

  /** Takes every step that the sessions allow. */
  advance(relay: Carrier | "failed" | undefined, direct: Carrier | undefined, now: number): void {
    const { signTimeoutMs, signRelayTimeoutMs } = this.#options;
    const isDirectOpen = direct?.connection.state === "open";
    if (this.#sign.state === "wanted") {
      if (relay === "failed") this.stop();
      else if (relay?.connection.state === "open") {
        relay.realms.requestSign(now);
        this.#sign = { state: "asked" };
        this.#timers.set("sign", now + signTimeoutMs);
      } else if (isDirectOpen && !this.#timers.isSet("sign")) {
        this.#timers.set("sign", now + signRelayTimeoutMs);
      }
    }
    if (this.#sign.state === "received" && isDirectOpen) {
      direct.realms.present(this.#sign.value, now);
      this.#sign = { state: "presented" };
      this.#timers.set("sign", now + signTimeoutMs);
    }
  }

  /** Goes on without a sign when it has taken too long. */
  handleTimeout(now: number): void {
    if (this.#timers.take("sign", now)) this.stop();
  }

  /** When `handleTimeout` is due. */
  pollDeadline(): Deadline | undefined {
    return this.#timers.earliest();
  }

  /** Does nothing more. */
  stop(): void {
    this.#sign = { state: "settled" };
    this.#timers.clearAll();
  }
}
