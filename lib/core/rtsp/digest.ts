/**
 * HTTP digest authentication as RTSP uses it: challenges read, answers computed, written and read.
 *
 * ```text
 * WWW-Authenticate: Digest realm="Login to <hex>", nonce="<hex>"          what the devices send
 * Authorization: Digest username="…", realm="…", nonce="…", uri="…", response="<hex>"
 * ```
 *
 * Source: RFC 2069, RFC 2617 and RFC 7616 (MD5, SHA-256, their `-sess` forms, `qop=auth`);
 * PROTOCOL.md section 1.4 for the challenge of real devices.
 *
 * @module
 */
import { md5 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, utf8 } from "../bytes.ts";

/** Hash algorithm of a challenge. */
export type DigestAlgorithm = "MD5" | "MD5-sess" | "SHA-256" | "SHA-256-sess";

/** One authentication scheme with its parameters, as a challenge or an answer carries it. */
export interface AuthScheme {
  /** As written, e.g. `Digest`. */
  readonly scheme: string;
  /** By lower-case name; the first of equal names counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** A digest challenge that can be answered. */
export interface DigestChallenge {
  /** What the login is for. */
  readonly realm: string;
  /** Fresh text of the server that the answer covers. */
  readonly nonce: string;
  /** Hash algorithm; MD5 when the challenge names none. */
  readonly algorithm: DigestAlgorithm;
  /** Whether `qop=auth` is offered; without it the answer is that of RFC 2069. */
  readonly qop: "auth" | "none";
  /** Text to be sent back as it is. */
  readonly opaque?: string | undefined;
  /** The nonce was too old and the credentials were not judged. */
  readonly stale: boolean;
}

/** Who answers. */
export interface DigestCredentials {
  /** Account name. */
  readonly username: string;
  /** Its password; only its hash leaves. */
  readonly password: string;
}

/** What is asked for with the answer. */
export interface DigestRequest {
  /** Method of the request, e.g. `DESCRIBE`. */
  readonly method: string;
  /** URI as the request line has it. */
  readonly uri: string;
  /** Client nonce, needed for `qop=auth` and the `-sess` algorithms. */
  readonly cnonce?: string | undefined;
  /** How often this nonce was used, 1 for the first time; for `qop=auth`. */
  readonly nonceCount?: number | undefined;
}

const ALGORITHMS: Readonly<Record<string, DigestAlgorithm>> = {
  "md5": "MD5",
  "md5-sess": "MD5-sess",
  "sha-256": "SHA-256",
  "sha-256-sess": "SHA-256-sess",
};

/**
 * Reads the schemes of a `WWW-Authenticate` or `Authorization` value; several may share one header.
 *
 * @returns In order; what cannot be read is left out, never an exception.
 */
export function parseAuthSchemes(value: string): AuthScheme[] {
  const schemes: { scheme: string; parameters: Map<string, string> }[] = [];
  const item =
    /\s*,?\s*(?:([!#$%&'*+\-.^_`|~\w]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([^\s,="]+))/y;
  for (let match = item.exec(value); match; match = item.exec(value)) {
    const [, name, quoted, bare, scheme] = match;
    if (scheme !== undefined) {
      schemes.push({ scheme, parameters: new Map() });
      continue;
    }
    const parameters = schemes[schemes.length - 1]?.parameters;
    const key = name!.toLowerCase();
    if (parameters && !parameters.has(key)) {
      parameters.set(key, quoted?.replace(/\\(.)/g, "$1") ?? bare!);
    }
  }
  return schemes;
}

/**
 * The first digest challenge among the `WWW-Authenticate` values that can be answered: the server
 * lists them in its order of preference (RFC 7616 section 3.7).
 */
export function chooseDigestChallenge(values: readonly string[]): DigestChallenge | undefined {
  for (const { scheme, parameters } of values.flatMap(parseAuthSchemes)) {
    if (scheme.toLowerCase() !== "digest") continue;
    const realm = parameters.get("realm");
    const nonce = parameters.get("nonce");
    const algorithm = ALGORITHMS[(parameters.get("algorithm") ?? "MD5").toLowerCase()];
    const qops = parameters.get("qop")?.toLowerCase().split(",").map((qop) => qop.trim());
    if (realm === undefined || nonce === undefined || algorithm === undefined) continue;
    if (qops && !qops.includes("auth")) continue;
    const opaque = parameters.get("opaque");
    return {
      realm,
      nonce,
      algorithm,
      qop: qops ? "auth" : "none",
      ...(opaque === undefined ? {} : { opaque }),
      stale: parameters.get("stale")?.toLowerCase() === "true",
    };
  }
  return undefined;
}

/**
 * The `response` value that proves knowledge of the password.
 *
 * @returns Lower-case hex.
 * @throws {TypeError} When the challenge needs a client nonce and `request` has none.
 */
export function digestResponse(
  challenge: DigestChallenge,
  credentials: DigestCredentials,
  request: DigestRequest,
): string {
  const { realm, nonce, algorithm, qop } = challenge;
  const hash = (text: string): string =>
    toHex(algorithm.startsWith("MD5") ? md5(utf8(text)) : sha256(utf8(text)));
  const session = algorithm.endsWith("-sess");
  const { cnonce } = request;
  if ((session || qop === "auth") && cnonce === undefined) {
    throw new TypeError("this challenge needs a client nonce");
  }
  const account = hash(`${credentials.username}:${realm}:${credentials.password}`);
  const secret = session ? hash(`${account}:${nonce}:${cnonce}`) : account;
  const asked = hash(`${request.method}:${request.uri}`);
  return qop === "auth"
    ? hash(`${secret}:${nonce}:${formatCount(request)}:${cnonce}:auth:${asked}`)
    : hash(`${secret}:${nonce}:${asked}`);
}

/**
 * The value of an `Authorization` header that answers `challenge`.
 *
 * @throws {TypeError} As {@linkcode digestResponse}.
 */
export function digestAuthorization(
  challenge: DigestChallenge,
  credentials: DigestCredentials,
  request: DigestRequest,
): string {
  const fields = [
    `username=${quote(credentials.username)}`,
    `realm=${quote(challenge.realm)}`,
    `nonce=${quote(challenge.nonce)}`,
    `uri=${quote(request.uri)}`,
    `response="${digestResponse(challenge, credentials, request)}"`,
  ];
  // Devices that name no algorithm may not know the parameter: it is sent only when it says more.
  if (challenge.algorithm !== "MD5") fields.push(`algorithm=${challenge.algorithm}`);
  if (challenge.opaque !== undefined) fields.push(`opaque=${quote(challenge.opaque)}`);
  if (challenge.qop === "auth") fields.push("qop=auth", `nc=${formatCount(request)}`);
  if (request.cnonce !== undefined && (challenge.qop === "auth" || isSession(challenge))) {
    fields.push(`cnonce=${quote(request.cnonce)}`);
  }
  return `Digest ${fields.join(", ")}`;
}

function isSession(challenge: DigestChallenge): boolean {
  return challenge.algorithm.endsWith("-sess");
}

function formatCount(request: DigestRequest): string {
  return (request.nonceCount ?? 1).toString(16).padStart(8, "0");
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
