/**
 * The cloud's clock: how far it is ahead of ours, learned from `Date` headers, and the text forms
 * of an instant. The language's own `Date` is not used for "now": the wall clock is a parameter.
 *
 * Source: PROTOCOL.md sections 1.1 (`Date`, ISO form, UTC), 6.4 (`Created`), 9 (clock).
 *
 * @module
 */

/** From this difference on, ours is wrong and people are told so. */
export const CLOCK_SKEW_MS = 60_000;

/** Offset of the cloud's clock against the local wall clock. */
export class ServerClock {
  readonly #unixTimeMs: () => number;
  #offsetMs = 0;
  #known = false;

  /**
   * A clock that knows nothing yet.
   *
   * @param unixTimeMs The local wall clock, Unix time in ms.
   */
  constructor(unixTimeMs: () => number) {
    this.#unixTimeMs = unixTimeMs;
  }

  /** How far the cloud is ahead of us; 0 until it has said so. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Whether the cloud has told its time. */
  get known(): boolean {
    return this.#known;
  }

  /** Whether the two differ by more than {@linkcode CLOCK_SKEW_MS}. */
  get skewed(): boolean {
    return Math.abs(this.#offsetMs) > CLOCK_SKEW_MS;
  }

  /** The cloud's time now, Unix time in ms. */
  now(): number {
    return this.#unixTimeMs() + this.#offsetMs;
  }

  /** Learns from a `Date` header; one that cannot be read changes nothing. */
  observe(dateHeader: string | undefined): void {
    const serverMs = dateHeader === undefined ? undefined : parseServerDate(dateHeader);
    if (serverMs === undefined) return;
    this.#offsetMs = serverMs - this.#unixTimeMs();
    this.#known = true;
  }
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const IMF = /^[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

/**
 * Unix time in ms of a `Date` header, in the ISO form the cloud uses or the one of RFC 9110.
 *
 * @returns Undefined when it is neither, or no possible date.
 */
export function parseServerDate(text: string): number | undefined {
  const iso = ISO.exec(text.trim());
  if (iso) {
    const utc = utcMs(iso[1]!, Number(iso[2]), iso[3]!, iso[4]!, iso[5]!, iso[6]!);
    const zone = iso[7]!;
    if (utc === undefined || zone === "Z") return utc;
    const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
    return utc - (zone.startsWith("-") ? -minutes : minutes) * 60_000;
  }
  const imf = IMF.exec(text.trim());
  if (!imf) return undefined;
  const month = MONTHS.indexOf(imf[2]!) / 3 + 1;
  if (!Number.isInteger(month)) return undefined;
  return utcMs(imf[3]!, month, imf[1]!, imf[4]!, imf[5]!, imf[6]!);
}

function utcMs(
  year: string,
  month: number,
  day: string,
  hour: string,
  minute: string,
  second: string,
): number | undefined {
  if (month < 1 || month > 12 || Number(day) < 1 || Number(day) > 31) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  return Date.UTC(
    Number(year),
    month - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
}

/**
 * An instant as `2024-06-07T02:31:50` and `zone`, in UTC, whole seconds.
 *
 * @param unixMs Years 1970 to 9999; anything beyond is clamped.
 * @param zone How UTC is written: SmartPSS says `Z`, DMSS a numeric offset.
 */
export function formatCreated(unixMs: number, zone: "Z" | "+00:00"): string {
  const clamped = Math.min(Math.max(0, unixMs), 253_402_300_799_000);
  const seconds = Math.floor(clamped / 1000);
  const days = Math.floor(seconds / 86_400);
  const rest = seconds % 86_400;
  const { year, month, day } = civilDate(days);
  const time = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${
    time.map(two).join(":")
  }${zone}`;
}

/** Gregorian date of a day number since 1970-01-01, counted in 400-year eras from 0000-03-01. */
function civilDate(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra -
    (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}
