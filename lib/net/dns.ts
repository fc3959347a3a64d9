/**
 * Names of servers to IPv4 addresses.
 *
 * @module
 */
import { isIpv4 } from "../core/bytes.ts";
import { FailureError } from "../core/failure.ts";
import { Alarm, monotonicNow } from "./clock.ts";

/**
 * The IPv4 addresses of a host; a literal is its own address.
 *
 * @throws {FailureError} `cloud-unreachable` when the name has no address or nobody answers.
 */
export async function resolveIpv4(host: string, signal?: AbortSignal): Promise<readonly string[]> {
  if (isIpv4(host)) return [host];
  let addresses: string[];
  try {
    addresses = await Deno.resolveDns(host, "A", signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new FailureError({
      reason: "cloud-unreachable",
      what: `The name ${host} could not be resolved (${
        error instanceof Error ? error.name : "unknown error"
      }).`,
      advice: "Check the network and DNS of this machine, or give the address with --cloud.",
      facts: { host },
    });
  }
  if (addresses.length === 0) {
    throw new FailureError({
      reason: "cloud-unreachable",
      what: `The name ${host} has no IPv4 address.`,
      advice: "Check the name given with --cloud.",
      facts: { host },
    });
  }
  return addresses;
}

/**
 * The IPv4 addresses of a host, within a time.
 *
 * @throws {FailureError} `cloud-unreachable` when there is none, or not in time.
 */
export async function resolveWithin(
  host: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const limit = new AbortController();
  const alarm = new Alarm(() =>
    limit.abort(
      new FailureError({
        reason: "cloud-unreachable",
        what: `Nobody resolved the name ${host} in ${timeoutMs / 1000}s.`,
        advice: "Check the network and DNS of this machine.",
        facts: { host, timeoutMs },
      }),
    )
  );
  alarm.set(monotonicNow() + timeoutMs);
  try {
    return await resolveIpv4(
      host,
      signal ? AbortSignal.any([signal, limit.signal]) : limit.signal,
    );
  } finally {
    alarm.clear();
  }
}
