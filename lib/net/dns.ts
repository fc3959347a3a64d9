/**
 * Names of servers to IPv4 addresses.
 *
 * @module
 */
import { isIpv4 } from "../core/bytes.ts";
import { FailureError } from "../core/failure.ts";

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
