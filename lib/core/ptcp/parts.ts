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
  readonly settings: PtcpSettings;
  readonly stats: PtcpStats;
  readonly sender: Sender;
  readonly receiver: Receiver;
  readonly clock: UptimeClock;
  readonly probe: WindowProbe;
}
