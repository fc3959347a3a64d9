/**
 * The call to the device: p2p-channel, and before it local-channel where the dialect has that.
 *
 * Both carry the account's proof, so that a wrong password would be judged twice if they left
 * together: p2p-channel waits for the word on local-channel.
 *
 * | stage   | on                                      | then                          |
 * |---------|-----------------------------------------|-------------------------------|
 * | idle    | `start`, nothing to say before          | calling: p2p-channel leaves   |
 * | idle    | `start` with an account, local-channel  | proving: local-channel leaves |
 * | proving | 403 `DevPwd_*`                          | idle: judged                  |
 * | proving | any other answer, or silent             | calling: p2p-channel leaves   |
 * | calling | 200                                     | idle: answered                |
 * | calling | 403 `DevPwd_*`                          | idle: judged                  |
 * | calling | any other refusal                       | idle: refused                 |
 * | calling | silent                                  | idle: silent                  |
 *
 * Source: PROTOCOL.md sections 6.4 and 9 ("device auth").
 *
 * @module
 */
import type { Endpoint } from "../types.ts";
import { type ChannelAnswer, decodeChannel, decodeRefusal, type Refusal } from "./answers.ts";
import { addressKeyOf, ANONYMOUS, type Login } from "./login.ts";
import * as requests from "./requests.ts";
import type { Outcome, TransactionTable } from "./transaction_table.ts";
import { decodeBody } from "./xml.ts";

/** What a call is made with. */
export interface DeviceCallOptions {
  /** What all requests share. */
  readonly run: requests.RunFacts;
  /** Where requests go. */
  readonly table: TransactionTable;
  /** Told when p2p-channel leaves, for the first time or again. */
  readonly channelSent: (login: Login, now: number) => void;
}

/** What became of a call. */
export type CallResult =
  /** The device is being asked. */
  | { readonly type: "trying" }
  | { readonly type: "answered"; readonly answer: ChannelAnswer; readonly login: Login }
  /** The device's word on the login: a `DevPwd_*` error. */
  | { readonly type: "judged"; readonly error: string; readonly login: Login }
  | { readonly type: "refused"; readonly refusal: Refusal }
  | { readonly type: "silent" };

/** The calls of one run, one at a time. */
export class DeviceCall {
  readonly #options: DeviceCallOptions;
  #stage: "idle" | "proving" | "calling" = "idle";
  #login: Login = ANONYMOUS;
  #main: Endpoint | undefined;
  #calledAt = 0;

  /** No call yet. */
  constructor(options: DeviceCallOptions) {
    this.#options = options;
  }

  /** The login of the call made last. */
  get login(): Login {
    return this.#login;
  }

  /** When p2p-channel last left, in monotonic ms. */
  get calledAt(): number {
    return this.#calledAt;
  }

  /** Begins, or begins again with another login. */
  start(main: Endpoint, login: Login, now: number): void {
    this.#main = main;
    this.#login = login;
    const { run, table } = this.#options;
    const localChannel = requests.localChannel(run, main, login);
    if (!localChannel) return this.#call(now);
    this.#stage = "proving";
    table.send(localChannel, now);
  }

  /**
   * Takes the outcome of local-channel or p2p-channel.
   *
   * @returns What became of the call, if it is known now.
   * @throws {DecodeError} On an unusable answer to p2p-channel.
   */
  handleOutcome(outcome: Outcome, now: number): CallResult | undefined {
    const isOurs = outcome.transaction.exchange === "local-channel"
      ? this.#stage === "proving"
      : this.#stage === "calling";
    if (!isOurs) return undefined;
    const refusal = outcome.kind === "refused" ? decodeRefusal(outcome.response) : undefined;
    if (refusal?.status === 403 && refusal.error.startsWith("DevPwd_")) {
      this.#stage = "idle";
      return { type: "judged", error: refusal.error, login: this.#login };
    }
    if (this.#stage === "calling") return this.#onChannel(outcome, refusal, now);
    if (outcome.kind !== "trying") this.#call(now);
    return undefined;
  }

  #call(now: number): void {
    const { run, table, channelSent } = this.#options;
    this.#stage = "calling";
    this.#calledAt = now;
    table.send(requests.p2pChannel(run, this.#main!, this.#login), now);
    channelSent(this.#login, now);
  }

  #onChannel(outcome: Outcome, refusal: Refusal | undefined, now: number): CallResult {
    if (outcome.kind === "trying") return { type: "trying" };
    this.#stage = "idle";
    if (refusal) return { type: "refused", refusal };
    if (outcome.kind !== "answered") return { type: "silent" };
    const { deriveKey, trace } = this.#options.run.environment;
    const answer = decodeChannel(
      decodeBody(outcome.response.body),
      addressKeyOf(this.#login, deriveKey),
      (what) => trace?.({ at: now, scope: "signaling", name: "address-dropped", data: { what } }),
    );
    return { type: "answered", answer, login: this.#login };
  }
}
