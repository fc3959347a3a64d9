/**
 * The parts of one connection that its other parts work on.
 *
 * @module
 */
import type { PtcpSettings } from "./options.ts";
import type { Receiver } from "./receiver.ts";
import type { Sender } from "./sender.ts";
import type { PtcpStats } from "./stats.ts";
import type { UptimeClock } from "./uptime_clock.ts";
import type { WindowProbe } from "./window_probe.ts";

/** Everything that opening, inbound and outbound segments share. */
export interface Parts {
  /** Options with their defaults. */
  readonly settings: PtcpSettings;
  /** Counters, counted by every part. */
  readonly stats: PtcpStats;
  /** What is sent and resent. */
  readonly sender: Sender;
  /** What is acknowledged and delivered. */
  readonly receiver: Receiver;
  /** Our timestamps. */
  readonly clock: UptimeClock;
  /** Probing of a closed window. */
  readonly probe: WindowProbe;
}
