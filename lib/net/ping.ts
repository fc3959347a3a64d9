/**
 * Tells a watchdog on the web that a run has begun or ended.
 *
 * @module
 */

/** A watchdog that does not answer must not hold a check up for longer. */
const PING_TIMEOUT_MS = 5_000;

/**
 * Posts a text.
 *
 * @returns What went wrong, or nothing; never throws.
 */
export async function ping(url: URL, text: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      method: "POST",
      body: text,
      headers: { "Content-Type": "text/plain; charset=utf-8", "User-Agent": "dahua-p2p" },
      signal: AbortSignal.timeout(PING_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `it answered ${response.status}`;
  } catch (error) {
    // The text of the error names the URL, which is a secret: who has it can ping.
    return error instanceof DOMException && error.name === "TimeoutError"
      ? `no answer in ${PING_TIMEOUT_MS / 1000}s`
      : "it cannot be reached";
  }
}
