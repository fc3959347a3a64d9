/**
 * What a history of checks says about a device: how much of the time it was up, when it was not and
 * why, and how long its handshakes take.
 *
 * A check is a sample: its state is taken to hold until the next one, but not longer than three
 * usual intervals. Time nobody looked at counts for nothing; neither do checks that judged nothing.
 *
 * @module
 */
import type { HistoryRow } from "../net/history_store.ts";

/** A time in which every check found the device down. */
export interface Outage {
  /** Of the first check that found it down, Unix ms. */
  readonly from: number;
  /** Of the first check that found it up again; absent while it lasts. */
  readonly to?: number | undefined;
  /** Until it was up again, or until the last check. */
  readonly durationMs: number;
  /** The most frequent reason. */
  readonly reason: string;
  /** Of the last check with that reason. */
  readonly message: string;
  readonly checks: number;
}

/** Handshake times in ms, nearest rank. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** One device. */
export interface DeviceReport {
  readonly id: string;
  /** Its last name. */
  readonly device: string;
  /** Checks that judged it, and those that did not. */
  readonly checks: number;
  readonly unjudged: number;
  readonly upChecks: number;
  /** Of the time that was looked at, 0 to 1; absent when no check judged it. */
  readonly availability?: number | undefined;
  readonly lookedAtMs: number;
  readonly outages: readonly Outage[];
  readonly handshake?: Percentiles | undefined;
  /** Share of the checks with a path that used the relay, 0 to 1. */
  readonly relayShare?: number | undefined;
  /** The last judged state. */
  readonly state?: "up" | "down" | undefined;
  readonly lastReason?: string | undefined;
  readonly lastCheckAt: number;
  /** The worst state in each equal part of the report's time. */
  readonly timeline: readonly TimelineState[];
}

/** `none`: nobody looked. */
export type TimelineState = "up" | "down" | "none";

/** The time a report covers, Unix ms. */
export interface ReportWindow {
  readonly since: number;
  readonly until: number;
}

/** Parts of a timeline. */
export const TIMELINE_PARTS = 120;

const HOLDS_INTERVALS = 3;

/** A device that was checked once: how long that is taken to hold. */
const LONE_CHECK_MS = 5 * 60_000;

/**
 * Reports on one device.
 *
 * @param rows Of the device, at least one, in the order of time.
 */
export function reportDevice(rows: readonly HistoryRow[], window: ReportWindow): DeviceReport {
  const last = rows.at(-1)!;
  const judged = rows.filter(({ state }) => state !== "unknown");
  const holdMs = HOLDS_INTERVALS * usualInterval(judged);
  const timeline = new Timeline(window);
  let upMs = 0;
  let lookedAtMs = 0;
  judged.forEach((row, i) => {
    const nextAt = judged[i + 1]?.startedAt ?? window.until;
    const until = Math.min(nextAt, row.startedAt + holdMs, window.until);
    const ms = Math.max(0, until - row.startedAt);
    lookedAtMs += ms;
    if (row.state === "up") upMs += ms;
    timeline.mark(row.startedAt, until, row.state === "up" ? "up" : "down");
  });
  const upChecks = judged.filter(({ state }) => state === "up").length;
  const paths = judged.filter(({ path }) => path !== undefined);
  const current = judged.at(-1);
  const handshake = percentiles(
    judged.flatMap(({ state, handshakeMs }) =>
      state === "up" && handshakeMs !== undefined ? [handshakeMs] : []
    ),
  );
  return {
    id: last.id,
    device: last.device,
    checks: judged.length,
    unjudged: rows.length - judged.length,
    upChecks,
    ...(judged.length === 0
      ? {}
      : { availability: lookedAtMs > 0 ? upMs / lookedAtMs : upChecks / judged.length }),
    lookedAtMs,
    outages: outages(judged),
    ...(handshake ? { handshake } : {}),
    ...(paths.length === 0
      ? {}
      : { relayShare: paths.filter(({ path }) => path !== "direct").length / paths.length }),
    ...(current ? { state: current.state as "up" | "down", lastReason: current.reason } : {}),
    lastCheckAt: last.startedAt,
    timeline: timeline.parts,
  };
}

function usualInterval(rows: readonly HistoryRow[]): number {
  const gaps = rows.slice(1).map((row, i) => row.startedAt - rows[i]!.startedAt)
    .sort((a, b) => a - b);
  return gaps[gaps.length >> 1] || LONE_CHECK_MS;
}

function outages(rows: readonly HistoryRow[]): Outage[] {
  const found: Outage[] = [];
  let down: HistoryRow[] = [];
  const close = (to: number | undefined): void => {
    if (down.length === 0) return;
    const from = down[0]!.startedAt;
    const reason = mostFrequent(down.map((row) => row.reason));
    found.push({
      from,
      ...(to === undefined ? {} : { to }),
      durationMs: (to ?? down.at(-1)!.startedAt) - from,
      reason,
      message: down.findLast((row) => row.reason === reason)!.message,
      checks: down.length,
    });
    down = [];
  };
  for (const row of rows) {
    if (row.state === "down") down.push(row);
    else close(row.startedAt);
  }
  close(undefined);
  return found;
}

function mostFrequent(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].reduce((best, one) => one[1] > best[1] ? one : best)[0];
}

/** Nearest-rank percentiles; nothing of nothing. */
export function percentiles(values: readonly number[]): Percentiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1]!;
  return { p50: rank(0.5), p90: rank(0.9), p99: rank(0.99) };
}

class Timeline {
  readonly parts: TimelineState[] = new Array(TIMELINE_PARTS).fill("none");
  readonly #since: number;
  readonly #partMs: number;

  constructor({ since, until }: ReportWindow) {
    this.#since = since;
    this.#partMs = Math.max(1, (until - since) / TIMELINE_PARTS);
  }

  mark(from: number, to: number, state: "up" | "down"): void {
    const first = Math.max(0, Math.floor((from - this.#since) / this.#partMs));
    const last = Math.min(
      TIMELINE_PARTS - 1,
      Math.max(first, Math.ceil((to - this.#since) / this.#partMs) - 1),
    );
    for (let i = first; i <= last; i++) if (this.parts[i] !== "down") this.parts[i] = state;
  }
}
