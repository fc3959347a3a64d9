/**
 * Options of the multiplexer, each with its limit, default and reason.
 *
 * @module
 */
import type { Random, Trace } from "../types.ts";

/** What a multiplexer can be told. */
export interface MultiplexerOptions {
  /** Where realm ids come from. */
  readonly random: Random;
  /** Realms at a time, closed ones with unread bytes included; 64: twice the default of clients. */
  readonly maxRealms?: number | undefined;
  /** Bytes from the device that wait for one client; 4 MiB, seconds of a main stream. */
  readonly realmBufferBytes?: number | undefined;
  /** Bytes from one client that wait to be sent; 64 KiB, what the peer's window takes at once. */
  readonly realmSendBufferBytes?: number | undefined;
  /**
   * Unsent bytes in the connection above which no more data frames are written into it; 8 KiB, so
   * that a small request never waits behind much.
   */
  readonly unsentLimitBytes?: number | undefined;
  /** How long a BIND may stay unanswered; 10 s: answers take 11 ms, at worst 40. */
  readonly bindTimeoutMs?: number | undefined;
  /** How long a BIND holds up the next one at most; 50 ms, the slowest answer recorded and more. */
  readonly bindSpacingMs?: number | undefined;
  /** Between heartbeats; 5 s, as every known client. */
  readonly heartbeatIntervalMs?: number | undefined;
  /** Silence after a local end of file that ends a realm; 30 s. */
  readonly halfCloseIdleMs?: number | undefined;
  /** How long a client may read nothing while others use the connection; 10 s. */
  readonly slowClientMs?: number | undefined;
  /**
   * Ports whose realm ends as soon as the local end of file is passed on; 554: no RTSP client closes
   * one direction only, and the device would stream on.
   */
  readonly closeAfterFlushPorts?: readonly number[] | undefined;
  /** Ids of closed realms remembered, so that late bytes meet no new realm; 1024. */
  readonly maxRetiredIds?: number | undefined;
  /** Where ended realms and ignored frames are told. */
  readonly trace?: Trace | undefined;
}

/** Options with every default filled in. */
export type MultiplexerSettings =
  & {
    readonly [Name in Exclude<keyof MultiplexerOptions, "trace">]-?: Exclude<
      MultiplexerOptions[Name],
      undefined
    >;
  }
  & { readonly trace: Trace | undefined };

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} When a number is not positive.
 */
export function settleMultiplexer(options: MultiplexerOptions): MultiplexerSettings {
  const positive = (name: string, value: number): number => {
    if (!(value > 0)) throw new RangeError(`${name} must be above 0, not ${value}`);
    return value;
  };
  return {
    random: options.random,
    maxRealms: positive("maxRealms", options.maxRealms ?? 64),
    realmBufferBytes: positive("realmBufferBytes", options.realmBufferBytes ?? 4 * 1024 * 1024),
    realmSendBufferBytes: positive(
      "realmSendBufferBytes",
      options.realmSendBufferBytes ?? 64 * 1024,
    ),
    unsentLimitBytes: positive("unsentLimitBytes", options.unsentLimitBytes ?? 8 * 1024),
    bindTimeoutMs: positive("bindTimeoutMs", options.bindTimeoutMs ?? 10_000),
    bindSpacingMs: positive("bindSpacingMs", options.bindSpacingMs ?? 50),
    heartbeatIntervalMs: positive("heartbeatIntervalMs", options.heartbeatIntervalMs ?? 5_000),
    halfCloseIdleMs: positive("halfCloseIdleMs", options.halfCloseIdleMs ?? 30_000),
    slowClientMs: positive("slowClientMs", options.slowClientMs ?? 10_000),
    closeAfterFlushPorts: options.closeAfterFlushPorts ?? [554],
    maxRetiredIds: positive("maxRetiredIds", options.maxRetiredIds ?? 1024),
    trace: options.trace,
  };
}
