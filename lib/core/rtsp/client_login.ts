/**
 * The login of one RTSP connection: at most one judged attempt.
 *
 * | state     | on                                    | then                                    |
 * |-----------|---------------------------------------|-----------------------------------------|
 * | anonymous | 401 with a digest challenge           | challenged: the next request answers it |
 * | challenged| request sent                          | sent                                    |
 * | sent      | any status but 401                    | accepted                                |
 * | sent      | 401 `stale=true`, for the first time  | challenged: nothing was judged          |
 * | sent      | 401                                   | refused, for good                       |
 * | accepted  | 401 `stale=true`                      | challenged: the nonce is too old        |
 * | accepted  | 401                                   | refused, for good                       |
 *
 * @module
 */
import { toHex } from "../bytes.ts";
import type { Failure } from "../failure.ts";
import type { Random } from "../types.ts";
import { limitReached, loginRefused, loginWanted } from "./client_failures.ts";
import {
  chooseDigestChallenge,
  digestAuthorization,
  type DigestChallenge,
  type DigestCredentials,
} from "./digest.ts";

/** Stale nonces accepted in one connection: a device that calls every nonce stale is not believed. */
const MAX_STALE = 2;

/** The login of one connection. */
export class RtspLogin {
  readonly #credentials: DigestCredentials | undefined;
  readonly #random: Random;
  readonly #account: "proven" | "unproven";
  #challenge: DigestChallenge | undefined;
  #state: "anonymous" | "challenged" | "sent" | "accepted" | "refused" = "anonymous";
  #nonceCount = 0;
  #stale = 0;

  constructor(
    credentials: DigestCredentials | undefined,
    random: Random,
    account: "proven" | "unproven",
  ) {
    this.#credentials = credentials;
    this.#random = random;
    this.#account = account;
  }

  /** Whether requests carry a login by now. */
  get sent(): boolean {
    return this.#state === "sent" || this.#state === "accepted";
  }

  /** The value of `Authorization` for the next request; nothing before a challenge. */
  authorization(method: string, uri: string): string | undefined {
    const challenge = this.#challenge;
    if (!challenge || !this.#credentials) return undefined;
    if (this.#state === "challenged") this.#state = "sent";
    return digestAuthorization(challenge, this.#credentials, {
      method,
      uri,
      cnonce: toHex(this.#random.bytes(8)),
      nonceCount: ++this.#nonceCount,
    });
  }

  /** Takes a challenge that answers a request without login, so that the next one carries it. */
  learn(values: readonly string[]): void {
    if (!this.#credentials || this.#challenge) return;
    const challenge = chooseDigestChallenge(values);
    if (!challenge) return;
    this.#challenge = challenge;
    this.#state = "challenged";
  }

  /** A request with or without login was served. */
  served(): void {
    if (this.#state === "sent") this.#state = "accepted";
  }

  /**
   * Takes a 401.
   *
   * @returns `again` when the same request may be sent with a login, else why not.
   */
  refused(values: readonly string[]): "again" | Failure {
    if (!this.#credentials) return loginWanted("none-given");
    const challenge = chooseDigestChallenge(values);
    const mayAnswer = this.#state === "anonymous" ||
      (this.sent && challenge?.stale === true && ++this.#stale < MAX_STALE);
    if (mayAnswer) {
      if (!challenge) return loginWanted("basic-only");
      this.#challenge = challenge;
      this.#nonceCount = 0;
      this.#state = "challenged";
      return "again";
    }
    const proven = this.#account === "proven" || this.#state === "accepted";
    this.#state = "refused";
    return proven
      ? limitReached("401 for a login that the device has accepted before")
      : loginRefused(this.#credentials.username);
  }
}
