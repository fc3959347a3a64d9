/**
 * Local ports for ports of the device.
 *
 * @module
 */
import { type Failure, FailureError } from "../core/failure.ts";

/** One forwarded port. */
export interface Forward {
  /** IP literal of the local interface to listen on; IPv6 without brackets. */
  readonly bind: string;
  /** 0 for any free port. */
  readonly localPort: number;
  /** TCP port of the device. */
  readonly remotePort: number;
  /** Tried when `localPort` is not permitted or taken. */
  readonly fallbackLocalPort?: number | undefined;
}

/** A forward whose local port is known to be usable. */
export interface ChosenForward extends Forward {
  /** Set when the fallback had to be taken: why. */
  readonly fellBack?: "in-use" | "denied";
}

/** RTSP on the port everybody expects, or on the one nobody needs privileges for. */
export const DEFAULT_FORWARDS: readonly Forward[] = [
  { bind: "127.0.0.1", localPort: 554, remotePort: 554, fallbackLocalPort: 1554 },
];

/** `host:port`, with an IPv6 host in brackets. */
export function formatListen(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/**
 * Opens a listener.
 *
 * @throws {FailureError} `listen-in-use` or `listen-denied`.
 */
export function listen(forward: Forward): Deno.TcpListener {
  const { bind, localPort } = forward;
  try {
    return Deno.listen({ hostname: bind, port: localPort });
  } catch (error) {
    throw new FailureError(listenFailure(error, forward));
  }
}

/**
 * Finds out which local ports can be listened on, before anything is asked of the network.
 *
 * @throws {FailureError} `listen-in-use` or `listen-denied` for the first that cannot.
 */
export function chooseForwards(forwards: readonly Forward[]): readonly ChosenForward[] {
  const opened: Deno.TcpListener[] = [];
  try {
    return forwards.map((forward) => {
      const [listener, chosen] = listenOrFallBack(forward);
      // All stay open until all are tried: two forwards must not share a port.
      opened.push(listener);
      return chosen;
    });
  } finally {
    for (const listener of opened) listener.close();
  }
}

function listenOrFallBack(forward: Forward): [Deno.TcpListener, ChosenForward] {
  try {
    return [listen(forward), forward];
  } catch (error) {
    const { fallbackLocalPort } = forward;
    if (fallbackLocalPort === undefined || !(error instanceof FailureError)) throw error;
    const fellBack = error.reason === "listen-denied" ? "denied" : "in-use";
    const chosen = { ...forward, localPort: fallbackLocalPort, fellBack } as const;
    return [listen(chosen), chosen];
  }
}

function listenFailure(error: unknown, { bind, localPort, remotePort }: Forward): Failure {
  const where = formatListen(bind, localPort);
  const facts = { bind, localPort, remotePort };
  if (error instanceof Deno.errors.AddrInUse) {
    return {
      reason: "listen-in-use",
      what: `${where} is in use.`,
      advice: `Choose another with -L, e.g. -L 0:${remotePort} for any free port.`,
      facts,
    };
  }
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return {
      reason: "listen-denied",
      what: `Port ${localPort} needs root.`,
      advice: `Use -L ${localPort < 1024 ? localPort + 1000 : 0}:${remotePort}.`,
      facts,
    };
  }
  return {
    reason: "listen-denied",
    what: `${where} cannot be listened on (${error instanceof Error ? error.name : "unknown"}).`,
    advice: "The address must be one of this machine.",
    facts,
  };
}
