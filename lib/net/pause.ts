/**
 * Waiting.
 *
 * @module
 */
import { Alarm, monotonicNow } from "./clock.ts";

/**
 * Waits until an instant of the monotonic clock.
 *
 * @throws The signal's reason when it is aborted first.
 */
export async function pauseUntil(at: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  if (at <= monotonicNow()) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const alarm: Alarm = new Alarm(() => monotonicNow() >= at ? resolve() : alarm.set(at));
  const abort = (): void => reject(signal?.reason);
  signal?.addEventListener("abort", abort);
  alarm.set(at);
  try {
    await promise;
  } finally {
    alarm.clear();
    signal?.removeEventListener("abort", abort);
  }
}
