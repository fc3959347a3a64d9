/**
 * Calls the device to a TCP relay: the last resort, asked for when everything else has failed.
 *
 * | state   | on                                | then                        |
 * |---------|-----------------------------------|-----------------------------|
 * | idle    | `start`                           | calling: tcprelay-channel   |
 * | calling | 200 with agent and token          | ready                       |
 * | calling | refused, silent, unusable         | failed                      |
 * | any     | `stop`                            | failed                      |
 *
 * Source: PROTOCOL.md sections 5 and 9 ("TCP relay").
 *
 * @module
 */
import type { DecodeError } from "../errors.ts";
import type { Failure } from "../failure.ts";
import type { Endpoint } from "../types.ts";
import { decodeRefusal, decodeTcpRelay } from "./answers.ts";
import * as failures from "./failures.ts";
import type { Login } from "./login.ts";
import type { RelayOptions } from "./relay_options.ts";
import * as requests from "./requests.ts";
import type { Outcome } from "./transaction_table.ts";
import { decodeBody } from "./xml.ts";

/** What it reports: the same words as signaling. */
export type TcpRelayEvent =
  /** The device was called to this agent; the token, a secret, lets us in there. */
  | { readonly type: "tcp-relay-ready"; readonly agent: Endpoint; readonly token: string }
  | { readonly type: "tcp-relay-failed"; readonly failure: Failure };

/** One call to a TCP relay. */
export class TcpRelayPreparation {
  readonly #options: RelayOptions;
  readonly #events: TcpRelayEvent[] = [];
  #state: "idle" | "calling" | "ready" | "failed" = "idle";
  #login: Login | undefined;
  #isLoginAccepted = false;

  /** One that has not begun. */
  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /**
   * Calls the device; once.
   *
   * @param word What the device has said to this login on p2p-channel.
   */
  start(main: Endpoint, login: Login, word: "accepted" | "unknown", now: number): void {
    if (this.#state !== "idle") return;
    this.#state = "calling";
    this.#login = login;
    this.#isLoginAccepted = word === "accepted";
    const { run, table } = this.#options;
    table.send(requests.tcpRelayChannel(run, main, login), now);
  }

  /** Takes the outcome of its exchange. @throws {DecodeError} On an unusable answer. */
  handleOutcome(outcome: Outcome): void {
    if (this.#state !== "calling" || outcome.kind === "trying") return;
    if (outcome.kind === "answered") {
      const { agent, token } = decodeTcpRelay(decodeBody(outcome.response.body));
      this.#state = "ready";
      this.#events.push({ type: "tcp-relay-ready", agent, token });
      return;
    }
    const refusal = outcome.kind === "refused" ? decodeRefusal(outcome.response) : undefined;
    // A login that was accepted a moment ago is not the account's fault now.
    const isJudged = refusal?.error.startsWith("DevPwd_") && !this.#isLoginAccepted;
    this.#fail(
      isJudged
        ? this.#options.judged(refusal!.error, this.#login!)
        : failures.relayBusy(outcome.transaction.exchange, refusal?.status),
    );
  }

  /** Takes an answer that cannot be used. */
  unusable(outcome: Outcome, error: DecodeError): void {
    const { exchange } = outcome.transaction;
    this.#fail(failures.unexpectedReply(error.what, { exchange }));
  }

  /** Takes no further step. */
  stop(): void {
    this.#state = "failed";
  }

  /** The next thing that happened. */
  pollEvent(): TcpRelayEvent | undefined {
    return this.#events.shift();
  }

  #fail(failure: Failure): void {
    if (this.#state !== "calling") return;
    this.#state = "failed";
    this.#events.push({ type: "tcp-relay-failed", failure });
  }
}
