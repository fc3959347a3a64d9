/**
 * Keeps secrets out of whatever we print: serials are shortened, passwords and what is derived from
 * them never appear. The rest of the program does not put them there; this is the second lock.
 *
 * @module
 */

/** First and last characters of a serial that stay readable. */
const SERIAL_ENDS = 3;

/** Shorter passwords are not searched for: replacing common words would spell them out. */
const MIN_SEARCHED_SECRET = 5;

const HIDDEN = "[redacted]";

/** Names of fields that hold a secret, or something a password can be guessed from. */
const SECRET_NAME =
  /password|passwd|secret|digest|salt|token|nonce|authorization|devauth|appkey|randsalt|^key$|^sign$/i;

/** `7C0...D1F`: enough to tell one's own devices apart, too little to reach one. */
export function shortSerial(serial: string): string {
  return `${serial.slice(0, SERIAL_ENDS)}...${serial.slice(-SERIAL_ENDS)}`;
}

/** Rewrites text and fields on their way out. */
export class Redactor {
  #showsSerials = false;
  #publicUserinfo: string | undefined;
  /** Longest first, so that a secret that contains another is replaced whole. */
  #replacements: { readonly from: string; readonly to: string }[] = [];

  /** Serials and public addresses appear in full from now on. Secrets never do. */
  showSerials(): void {
    this.#showsSerials = true;
  }

  /** Registers a serial; every later occurrence is shortened. */
  addSerial(serial: string): void {
    if (!this.#showsSerials) this.#add(serial, shortSerial(serial));
  }

  /** Registers a secret; every later occurrence, plain or percent-encoded, is replaced. */
  addSecret(secret: string): void {
    if (secret.length < MIN_SEARCHED_SECRET) return;
    this.#add(secret, HIDDEN);
    this.#add(encodeURIComponent(secret), HIDDEN);
    this.#add(JSON.stringify(secret).slice(1, -1), HIDDEN);
  }

  /** Lets the login of a simulated device stand in URLs. */
  addPublicLogin(login: { readonly username: string; readonly password: string }): void {
    this.#publicUserinfo = `${login.username}:${login.password}`;
  }

  /** The name of a device in logs and data lines. */
  deviceName(serial: string): string {
    return this.#showsSerials ? serial : shortSerial(serial);
  }

  /** Text without serials, secrets, or credentials in URLs. */
  text(text: string): string {
    let result = text.replace(
      /(\b[a-z][a-z0-9+.-]*:\/\/)([^\s/]*)@/gi,
      (whole, scheme: string, userinfo: string) =>
        userinfo === this.#publicUserinfo ? whole : `${scheme}${HIDDEN}@`,
    );
    for (const { from, to } of this.#replacements) result = result.replaceAll(from, to);
    return result;
  }

  /** One named value of a trace or a log record. */
  field(name: string, value: string | number | boolean): string | number | boolean {
    if (SECRET_NAME.test(name)) return HIDDEN;
    return typeof value === "string" ? this.text(value) : value;
  }

  /** Like {@linkcode field}, with public IPv4 addresses masked: for protocol traces. */
  traceField(name: string, value: string | number | boolean): string | number | boolean {
    const shown = this.field(name, value);
    return typeof shown === "string" && !this.#showsSerials ? maskAddresses(shown) : shown;
  }

  #add(from: string, to: string): void {
    if (this.#replacements.some((known) => known.from === from)) return;
    this.#replacements.push({ from, to });
    this.#replacements.sort((a, b) => b.from.length - a.from.length);
  }
}

/** Masks the last two numbers of every public IPv4 address: `198.51.x.x`. */
export function maskAddresses(text: string): string {
  return text.replace(
    /\b(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}\b/g,
    (whole, first: string, second: string) =>
      isPrivate(Number(first), Number(second)) ? whole : `${first}.${second}.x.x`,
  );
}

/** Loopback, private, link-local, carrier-grade NAT and unspecified addresses reveal nobody. */
function isPrivate(first: number, second: number): boolean {
  return first === 0 || first === 10 || first === 127 ||
    (first === 100 && second >= 64 && second <= 127) ||
    (first === 169 && second === 254) ||
    (first === 172 && second >= 16 && second <= 31) ||
    (first === 192 && second === 168);
}
