/**
 * Which ports a session carries: each is asked for once before it is called ready.
 *
 * @module
 */
import { type Failure, FailureError } from "../core/failure.ts";
import { Alarm, monotonicNow } from "./clock.ts";
import type { RealmStream } from "./realm_stream.ts";
import type { Session } from "./session.ts";

/** What asking found out. */
export interface ProbeResult {
  /** Ports whose BIND was answered CONN; the realms are closed again. */
  readonly granted: ReadonlySet<number>;
  /** Why the others were not. */
  readonly failures: readonly Failure[];
}

/**
 * Asks the device for each port: PROTOCOL.md section 9, "ready".
 *
 * @param limitMs How long answers are waited for; by default as long as for any BIND.
 * @throws {FailureError} When none is granted: the reason of the first.
 */
export async function probePorts(
  session: Session,
  remotePorts: readonly number[],
  limitMs?: number,
): Promise<ProbeResult> {
  const granted = new Set<number>();
  const failures: Failure[] = [];
  const waiting = new Set<RealmStream>();
  const limit = new Alarm(() => waiting.forEach((stream) => stream.close()));
  if (limitMs !== undefined) limit.set(monotonicNow() + limitMs);
  await Promise.all([...new Set(remotePorts)].map(async (port) => {
    const stream = session.connect(port);
    waiting.add(stream);
    const outcome = await stream.opened;
    waiting.delete(stream);
    if (outcome === "connected") {
      granted.add(port);
      stream.close();
    } else {
      failures.push(await whyNot(session, port, outcome));
    }
  }));
  limit.clear();
  if (granted.size === 0) throw new FailureError(failures[0]!);
  return { granted, failures };
}

async function whyNot(
  session: Session,
  port: number,
  outcome: "refused" | "failed",
): Promise<Failure> {
  if (outcome === "refused") {
    return {
      reason: "port-closed",
      what: `The device refused port ${port}.`,
      advice: "Some firmware closes a port to P2P; is the service on? Try 37777 or 554.",
      facts: { port },
    };
  }
  const ended = await Promise.race([session.closed, Promise.resolve(undefined)]);
  return ended ?? {
    reason: "sessions-full",
    what: `The device did not answer for port ${port}.`,
    advice: "Close viewers in the vendor's app or wait 5 to 10 minutes.",
    facts: { port },
  };
}
