/**
 * WSSE UsernameToken: how an app, not a person, proves itself to the cloud.
 *
 * Source: PROTOCOL.md sections 1.1 and 6.4.
 *
 * @module
 */
import { sha1 } from "@noble/hashes/legacy.js";
import { encodeBase64 } from "../base64.ts";
import { utf8 } from "../bytes.ts";
import type { Header } from "./message.ts";

/** The pair a vendor's app carries: public constants, retired now and then. */
export interface AppAccount {
  /** The app's name. */
  readonly user: string;
  /** The app's key. */
  readonly key: string;
}

/**
 * The digest: base64(SHA-1(nonce + created + "DHP2P:" + user + ":" + key)).
 *
 * @param nonce A decimal integer, as text.
 * @param created ISO 8601, exactly as sent.
 */
export function passwordDigest(user: string, key: string, nonce: string, created: string): string {
  return encodeBase64(sha1(utf8(`${nonce}${created}DHP2P:${user}:${key}`)));
}

/** The two header lines of a request, in wire order. */
export function wsseHeaders(account: AppAccount, nonce: string, created: string): Header[] {
  const digest = passwordDigest(account.user, account.key, nonce, created);
  return [
    ["Authorization", 'WSSE profile="UsernameToken"'],
    [
      "X-WSSE",
      `UsernameToken Username="${account.user}", PasswordDigest="${digest}", ` +
      `Nonce="${nonce}", Created="${created}"`,
    ],
  ];
}
