/**
 * How far a check goes. Each level includes the ones before it.
 *
 * @module
 */

/**
 * - `cloud`: the cloud knows the device and it is online; the device hears nothing of it.
 * - `session`: a session is made, with login, over a path.
 * - `port`: the device grants each port.
 * - `rtsp`: RTSP is answered; with credentials the streams are described.
 * - `media`: pictures come.
 */
export const CHECK_LEVELS = ["cloud", "session", "port", "rtsp", "media"] as const;

/** One of {@linkcode CHECK_LEVELS}. */
export type CheckLevel = typeof CHECK_LEVELS[number];

/** Whether a check of `wanted` includes `level`. */
export function includesLevel(wanted: CheckLevel, level: CheckLevel): boolean {
  return CHECK_LEVELS.indexOf(level) <= CHECK_LEVELS.indexOf(wanted);
}
