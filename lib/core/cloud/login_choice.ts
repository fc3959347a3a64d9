/**
 * Which login the device gets: type 0 or type 1, under which salt, and what its refusal means.
 *
 * | asked for | Info of the US server | first login              | after `DevPwd_InvalidSalt`         |
 * |-----------|-----------------------|--------------------------|------------------------------------|
 * | auto      | salt                  | type 1                   | fetched again, once, if it differs |
 * | auto      | empty                 | type 0                   | type 1, once: salt, else static    |
 * | auto      | silent, unreadable    | type 0                   | type 1, once, if it can be fetched |
 * | 1         | salt                  | type 1                   | fetched again, once, if it differs |
 * | 1         | anything else         | type 1, static salt      | fetched, once, if it differs       |
 * | 0         | (not waited for)      | type 0                   | failed                             |
 *
 * A refused salt means that the password was not judged. Any other refusal is the device's word and
 * final: devices lock accounts.
 *
 * Source: PROTOCOL.md sections 6.2, 6.3 and 9.
 *
 * @module
 */
import type { Failure } from "../failure.ts";
import { STATIC_SALT } from "./device_auth.ts";
import * as failures from "./failures.ts";
import type { DeviceInfo } from "./info.ts";
import { accountLogin, ANONYMOUS, type Credentials, type Login } from "./login.ts";

/** What is wanted: type 1 when the device asks for it, never, or at once. */
export type AuthType = "auto" | "0" | "1";

/** What to do after a refusal. */
export type NextStep =
  | { readonly step: "call"; readonly login: Login }
  | { readonly step: "fetch-salt" }
  | { readonly step: "fail"; readonly failure: Failure };

/** The choice for one run. */
export class LoginChoice {
  readonly #authType: AuthType;
  readonly #credentials: Credentials | undefined;
  /** What the US server told; `none` when it told nothing usable. */
  #info: DeviceInfo | "none" | undefined;
  #saltRefusals = 0;

  /** A choice nothing is known for yet. */
  constructor(authType: AuthType, credentials: Credentials | undefined) {
    this.#authType = authType;
    this.#credentials = credentials;
  }

  /** Whether the first login depends on what the US server says. */
  get needsInfo(): boolean {
    return this.#authType !== "0" && this.#credentials !== undefined;
  }

  /** Takes what the US server told, or that it told nothing usable. */
  learn(info: DeviceInfo | "none"): void {
    this.#info = info;
  }

  /** The first login, by what is known now. */
  first(): Login {
    const salt = this.#salt ?? (this.#authType === "1" ? STATIC_SALT : undefined);
    if (!this.#credentials || !this.needsInfo || salt === undefined) return ANONYMOUS;
    return accountLogin(this.#credentials, salt);
  }

  /** What a `403` with a `DevPwd_*` error leads to. */
  refused(error: string, login: Login): NextStep {
    const again = error === "DevPwd_InvalidSalt" && this.needsInfo && this.#saltRefusals++ === 0;
    if (!again) return { step: "fail", failure: this.judged(error, login) };
    // A salt that was not used yet is as good as a fresh one.
    if (login.type === "0" && this.#salt !== undefined) return this.salted(login);
    return { step: "fetch-salt" };
  }

  /** What the salt, fetched after a refusal, leads to. */
  salted(refused: Login): NextStep {
    // An empty Info and yet a login: an older device, whose salt is the same for all.
    const salt = typeof this.#info === "object" ? this.#info.salt ?? STATIC_SALT : undefined;
    const isSame = refused.type === "1" && refused.salt === salt;
    if (this.#credentials && salt === undefined) {
      return { step: "fail", failure: failures.saltUnknown() };
    }
    if (!this.#credentials || salt === undefined || isSame) {
      return { step: "fail", failure: failures.authSalt() };
    }
    return { step: "call", login: accountLogin(this.#credentials, salt) };
  }

  /** What a `DevPwd_*` error means when nothing more is tried. */
  judged(error: string, login: Login): Failure {
    if (error === "DevPwd_InvalidNonce") {
      return failures.unexpectedReply("the device refused a fresh nonce", { error });
    }
    if (!this.#credentials || (login.type === "0" && this.#authType === "0")) {
      return failures.authRequired();
    }
    if (error === "DevPwd_InvalidSalt") return failures.authSalt();
    return failures.authRejected(this.#credentials.username, error);
  }

  get #salt(): string | undefined {
    return typeof this.#info === "object" ? this.#info.salt : undefined;
  }
}
