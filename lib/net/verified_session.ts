/**
 * A session that was seen to carry data: every port is asked for before it is called ready, and a
 * device that grants a direct session but leaves its BINDs unanswered is asked again in the other way
 * about the sign.
 *
 * @module
 */
import { type Failure, FailureError } from "../core/failure.ts";
import { type DeviceRoute, Memory } from "../core/memory.ts";
import { nextSign, type SignChoice } from "../core/sign_choice.ts";
import { monotonicNow } from "./clock.ts";
import { type ConnectOptions, DEFAULT_TIMEOUT_MS, reachDevice, type Reached } from "./connect.ts";
import { probePorts, type ProbeResult } from "./port_probe.ts";
import type { Session } from "./session.ts";

/** A session and what it is known to carry. */
export interface VerifiedSession extends ProbeResult {
  /** It carries data. */
  readonly session: Session;
  /** How it came about; its sign is what {@linkcode nextSign} needs when it is lost. */
  readonly route: DeviceRoute;
}

/** Less than this is not enough for another session and its BINDs. */
const SHORTEST_ATTEMPT_MS = 3_000;

/**
 * Reaches a device and asks it for ports. What worked is remembered.
 *
 * @param remotePorts Ports of the device; at least one.
 * @throws {FailureError} When there is no session, or no port is granted: the reason of the first.
 */
export async function openVerifiedSession(
  serial: string,
  remotePorts: readonly number[],
  options: ConnectOptions,
): Promise<VerifiedSession> {
  const memory = options.memory ?? new Memory(Date.now);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const startedAt = monotonicNow();
  const remainingMs = (): number => timeoutMs - (monotonicNow() - startedAt);
  const open = async (limitMs: number, sign: SignChoice | undefined): Promise<Reached> =>
    await reachDevice(serial, { ...options, memory, sign, timeoutMs: limitMs });
  let reached = await open(timeoutMs, options.sign);
  for (let mayChange = true;; mayChange = false) {
    const { session, route } = reached;
    try {
      const probed = await probe(session, remotePorts, remainingMs(), options.signal);
      memory.remember(serial, route);
      return { session, route, ...probed };
    } catch (error) {
      await session.close();
      options.signal?.throwIfAborted();
      if (!(error instanceof FailureError)) throw error;
      const sign = nextSign(error.failure, route.sign, route.path);
      const leftMs = remainingMs();
      if (!mayChange || sign === route.sign || leftMs < SHORTEST_ATTEMPT_MS) throw error;
      // The cloud that has just reached the device is asked first.
      memory.remember(serial, { ...route, sign });
      options.onEvent?.({ type: "warning", failure: tryingOther(error.failure, sign) });
      reached = await open(leftMs, sign);
    }
  }
}

/** Asks for the ports; closing the session ends it, for nobody waits for a device that is left. */
async function probe(
  session: Session,
  remotePorts: readonly number[],
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<ProbeResult> {
  const close = (): void => void session.close();
  signal?.addEventListener("abort", close);
  try {
    const result = await probePorts(session, remotePorts, limitMs);
    signal?.throwIfAborted();
    return result;
  } finally {
    signal?.removeEventListener("abort", close);
  }
}

function tryingOther(failure: Failure, sign: SignChoice): Failure {
  const how = sign === "ask" ? "with" : "without";
  return { ...failure, advice: `Trying again ${how} the relay's sign.` };
}
