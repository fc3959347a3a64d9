/**
 * What the options of a check mean.
 *
 * @module
 */
import type { PathPolicy } from "../core/cloud/signaling.ts";
import type { CheckLevel } from "../health/check_level.ts";
import type { FleetOptions } from "../health/fleet.ts";
import type { CheckedDevice } from "./check_devices.ts";
import {
  CHANNEL,
  CHECK_JSON,
  CHECK_TIMEOUT,
  CONCURRENCY,
  KEY_FRAME_TIMEOUT,
  LEVEL,
  MEDIA_TIME,
  NAGIOS,
  ON_CHANGE,
  PING_URL,
  PORT,
  RATE,
  SPLAY,
} from "./check_options.ts";
import type { CheckFormat } from "./check_outputs.ts";
import { PATH, RELAY } from "./options.ts";
import type { Settings } from "./settings.ts";

/** The settings of one run. */
export interface CheckSettings {
  readonly level: CheckLevel;
  /** Absent when nobody chose. */
  readonly path?: PathPolicy | undefined;
  readonly ports?: readonly number[] | undefined;
  readonly channels?: readonly number[] | undefined;
  readonly measureMs?: number | undefined;
  readonly keyFrameTimeoutMs?: number | undefined;
  readonly pace: Pick<
    FleetOptions<CheckedDevice>,
    "concurrency" | "ratePerSecond" | "runTimeoutMs"
  >;
  readonly splayMs?: number | undefined;
  readonly format: CheckFormat;
  readonly pingUrl?: URL | undefined;
  readonly onChange?: string | undefined;
  /** Width of the column of names. */
  readonly nameWidth: number;
}

/**
 * Reads the settings.
 *
 * @throws {FailureError} `usage` when two contradict each other.
 */
export function checkSettings(settings: Settings, nameWidth: number): CheckSettings {
  const format = settings.chosen(CHECK_JSON, NAGIOS);
  const ports = settings.all(PORT);
  const channels = settings.all(CHANNEL).flat();
  return {
    level: settings.get(LEVEL) ?? "rtsp",
    path: settings.chosen(RELAY, PATH) === RELAY ? "relay" : settings.get(PATH),
    ports: ports.length > 0 ? [...new Set(ports)] : undefined,
    channels: channels.length > 0 ? [...new Set(channels)] : undefined,
    measureMs: settings.get(MEDIA_TIME),
    keyFrameTimeoutMs: settings.get(KEY_FRAME_TIMEOUT),
    pace: {
      concurrency: settings.get(CONCURRENCY),
      ratePerSecond: settings.get(RATE),
      runTimeoutMs: settings.get(CHECK_TIMEOUT),
    },
    splayMs: settings.get(SPLAY),
    format: format === CHECK_JSON ? "json" : format === NAGIOS ? "nagios" : "text",
    pingUrl: settings.get(PING_URL),
    onChange: settings.get(ON_CHANGE),
    nameWidth,
  };
}
