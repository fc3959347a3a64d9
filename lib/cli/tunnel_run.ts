/**
 * One tunnel in the foreground: from the first packet to the exit code.
 *
 * @module
 */
import type { Failure } from "../core/failure.ts";
import type { Tunnel, TunnelEnd, TunnelEvent, TunnelOptions } from "../net/tunnel.ts";
import { type DataFormat, lostLine, readyLine } from "./data_line.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";
import type { Log } from "./log.ts";
import type { LineOutput } from "./output.ts";
import type { StopRequest } from "./stop_signals.ts";

/** A clean close takes at most this long: 5 s are promised, the library needs less. */
const CLOSE_LIMIT_MS = 5000;

/** Before it is ready nothing need be closed cleanly, but what the library lets go at once may go. */
const ABORT_LIMIT_MS = 500;

/** Makes a tunnel; the library's `openTunnel`. */
export type OpenTunnel = (serial: string, options: TunnelOptions) => Promise<Tunnel>;

/** Everything one tunnel in the foreground needs. */
export interface TunnelRun {
  readonly serial: string;
  /** Name of the device in output. */
  readonly name: string;
  readonly options: TunnelOptions;
  readonly open: OpenTunnel;
  readonly log: Log;
  readonly stdout: LineOutput;
  readonly format: DataFormat;
  /** Resolves when the process is asked to stop. */
  readonly stopped: Promise<StopRequest>;
  /** Called with the tunnel as soon as there is one, ready or not. */
  readonly onStart?: ((tunnel: Tunnel) => void) | undefined;
  /** Told after each change of its state. */
  readonly onChange?: (() => void) | undefined;
  /** Called once the tunnel is ready and said to be; what it returns is disposed of at the end. */
  readonly onReady?: ((tunnel: Tunnel) => AsyncDisposable | undefined) | undefined;
}

/**
 * Opens the tunnel, prints READY for each port, and waits for its end or a request to stop.
 *
 * @returns 0 after a clean stop, 130 or 143 when stopped before READY, else the code of the reason
 * for which the session was lost.
 * @throws {FailureError} When there is no tunnel.
 * @throws {OutputClosedError} When nobody reads standard output.
 */
export async function runTunnel(run: TunnelRun): Promise<ExitCode> {
  const { log, stopped } = run;
  const abort = new AbortController();
  const broken = Promise.withResolvers<never>();
  // Nobody waits for it until there is a tunnel.
  broken.promise.catch(() => {});
  const opening = run.open(run.serial, {
    ...run.options,
    signal: abort.signal,
    onStart: run.onStart,
    onEvent: (event) => {
      logTunnelEvent(event, log);
      run.onChange?.();
      try {
        tell(event, run);
      } catch (error) {
        // Nobody reads standard output: the tunnel, which knows nothing of that, ends below.
        broken.reject(error);
      }
    },
    ...(log.traces ? { trace: (event) => log.trace(event) } : {}),
  });
  const first = await Promise.race([opening, stopped]);
  if ("exitCode" in first) {
    abort.abort();
    await within(ABORT_LIMIT_MS, opening.then((tunnel) => tunnel.close(), () => {}));
    return first.exitCode;
  }
  try {
    announce(first, run);
    await using _companion = run.onReady?.(first);
    const end = await Promise.race([first.closed, stopped, broken.promise]);
    if ("exitCode" in end) {
      log.info("stopping", `Stopped by ${end.signal}; closing the session.`);
      return EXIT.ok;
    }
    return reportEnd(end, run);
  } finally {
    await within(CLOSE_LIMIT_MS, first.close());
    log.flush();
  }
}

/** Writes the data lines of what happens after the first session is ready. */
function tell(event: TunnelEvent, run: TunnelRun): void {
  if (event.type === "ready" && event.session > 1) announce(event, run);
  if (event.type !== "lost") return;
  const { failure: { reason }, upMs, retryInMs } = event;
  run.stdout.line(lostLine({ name: run.name, reason, upMs, retryInMs }, run.format));
}

function announce(
  ready: Pick<Tunnel, "ports" | "path" | "roundTripMs" | "handshakeMs">,
  { name, format, stdout }: TunnelRun,
): void {
  const { path, roundTripMs, handshakeMs } = ready;
  for (const { hostname, port, remotePort } of ready.ports) {
    const facts = { name, hostname, port, remotePort, path, roundTripMs, handshakeMs };
    stdout.line(readyLine(facts, format));
  }
}

function reportEnd({ failure = UNEXPLAINED, upMs }: TunnelEnd, run: TunnelRun): ExitCode {
  run.log.failure(failure);
  // A session that was up had its LOST when it went, unless nothing will come after it.
  if (upMs > 0) {
    run.stdout.line(lostLine({ name: run.name, reason: failure.reason, upMs }, run.format));
  }
  return exitCodeOf(failure.reason);
}

/** The library says that every end we did not ask for has a reason. */
const UNEXPLAINED: Failure = {
  reason: "internal",
  what: "The session ended without a reason.",
  advice: "This is a bug: please report it with the output under --debug.",
};

/** Writes what happens in a tunnel to the log. */
export function logTunnelEvent(event: TunnelEvent, log: Log): void {
  switch (event.type) {
    case "phase":
      log.phase(event.phase, event.ms);
      break;
    case "warning":
      log.warning(event.failure);
      break;
    case "device":
      log.debug("device", `Device version ${event.version}, policy ${event.policy.join(",")}.`, {
        version: event.version,
        policy: event.policy.join(","),
      });
      break;
    case "listen-fallback": {
      const why = event.why === "denied" ? "needs privileges" : "is in use";
      const { wantedPort, port, remotePort } = event;
      log.info(
        "listen-fallback",
        `Local port ${wantedPort} ${why}; using ${port} for the device's port ${remotePort}.`,
        { wantedPort, port, remotePort, why: event.why },
      );
      break;
    }
    case "client-opened":
      log.debug("client-opened", `Client ${event.client} opened port ${event.remotePort}.`, {
        client: event.client,
        remotePort: event.remotePort,
      });
      break;
    case "client-closed":
      log.debug(
        "client-closed",
        `Client ${event.client} left port ${event.remotePort} (${event.why}).`,
        { client: event.client, remotePort: event.remotePort, why: event.why },
      );
      break;
    case "client-unserved":
      log.notice(
        "client-unserved",
        `Turned a client of port ${event.remotePort} away: there is no session (${event.reason}).`,
        { remotePort: event.remotePort, client: event.client, reason: event.reason },
      );
      break;
    case "lost":
      log.loss(event.failure, event.retryInMs);
      break;
    case "attempt-failed":
      log.loss(event.failure, event.retryInMs);
      break;
    case "ready":
      log.debug("ready", `Session ${event.session} is ready over the ${event.path} path.`, {
        session: event.session,
        path: event.path,
      });
      break;
    case "client-turned-away":
      log.notice(
        "client-turned-away",
        `Turned a client away: ${event.limit} are connected; --max-clients allows more.`,
        { remotePort: event.remotePort, limit: event.limit },
      );
      break;
  }
}

/** Waits for a promise, but not longer than this. */
export async function within(limitMs: number, promise: Promise<unknown>): Promise<void> {
  const { promise: limit, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  try {
    await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
