/**
 * Checks one device: from the cloud's word up to pictures, as far as it is asked to go.
 *
 * @module
 */
import { type Failure, FailureError } from "../core/failure.ts";
import { deviceId } from "../core/serial_hash.ts";
import { Alarm, monotonicNow } from "../net/clock.ts";
import { connectDevice, type ConnectOptions, DEFAULT_TIMEOUT_MS } from "../net/connect.ts";
import type { HandshakeGate } from "../net/handshake_gate.ts";
import { lookUpDevice } from "../net/lookup.ts";
import { probePorts } from "../net/port_probe.ts";
import type { Session } from "../net/session.ts";
import { type CheckLevel, includesLevel } from "./check_level.ts";
import type { CheckResult } from "./check_result.ts";
import { Findings } from "./findings.ts";
import { checkRtsp, DEFAULT_RTSP_PORT, describeFindings, type RtspCheck } from "./rtsp_check.ts";
import type { FindTunnel } from "./running_tunnels.ts";
import { checkThroughTunnel } from "./tunnel_check.ts";

/** How to check a device; everything has a default. */
export interface CheckDeviceOptions extends
  Pick<
    ConnectOptions,
    "credentials" | "authType" | "path" | "cloud" | "dialect" | "app" | "memory" | "trace"
  > {
  /** Its name for people; by default the beginning of the serial's hash. */
  readonly name?: string | undefined;
  /** Default `rtsp`. */
  readonly level?: CheckLevel | undefined;
  /** Ports of the device that must be granted; default 554. */
  readonly ports?: readonly number[] | undefined;
  /** Channels that are described, of which the first is watched; default 1. */
  readonly channels?: readonly number[] | undefined;
  /** For the whole check of the device, in ms; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** From PLAY until a key frame must have come, in ms; default 10,000. */
  readonly keyFrameTimeoutMs?: number | undefined;
  /** How long media is watched, in ms; default 5,000. */
  readonly measureMs?: number | undefined;
  /** Ends the check; the result says so. */
  readonly signal?: AbortSignal | undefined;
  /** Shared with others: how many handshakes, and so relay allocations, run at a time. */
  readonly gate?: HandshakeGate | undefined;
  /** Finds a tunnel that runs already and is asked instead. */
  readonly findTunnel?: FindTunnel | undefined;
}

/** The handshake's own limit comes a little earlier than ours: it knows what was being waited for. */
const HANDSHAKE_MARGIN_MS = 100;

/**
 * Checks a device. Never rejects: whatever goes wrong is the result.
 *
 * @param serial As printed on the device.
 *
 * @example
 * ```ts no-run
 * import { checkDevice } from "@dahua-p2p/dahua-p2p";
 *
 * const { state, reason, message } = await checkDevice("EXAMPLE0SERIAL0", { level: "cloud" });
 * console.log(state, reason, message);
 * ```
 */
export async function checkDevice(
  serial: string,
  options: CheckDeviceOptions = {},
): Promise<CheckResult> {
  const level = options.level ?? "rtsp";
  const id = deviceId(serial);
  const device = { name: options.name ?? id, id };
  const record = level === "cloud" ? undefined : options.findTunnel?.(serial);
  const ends = options.signal ?? new AbortController().signal;
  let slot: Disposable | undefined;
  try {
    if (level !== "cloud" && !record) slot = await options.gate?.enter("sound", ends);
  } catch (error) {
    return new Findings(device, level, Date.now()).unjudged(error);
  }
  const findings = new Findings(device, level, Date.now());
  if (level !== "cloud" && !record) findings.found.pathWanted = options.path ?? "auto";
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const limit = new AbortController();
  const alarm = new Alarm(() => limit.abort(new FailureError(tookTooLong(timeoutMs))));
  alarm.set(monotonicNow() + timeoutMs);
  const run: Run = {
    serial,
    level,
    options,
    findings,
    timeoutMs,
    signal: AbortSignal.any([limit.signal, ends]),
    handshakeEnded: () => slot?.[Symbol.dispose](),
    rtsp: {
      level,
      port: rtspPort(options.ports),
      channels: options.channels ?? [1],
      credentials: options.credentials,
      keyFrameTimeoutMs: options.keyFrameTimeoutMs,
      measureMs: options.measureMs,
      trace: options.trace,
    },
  };
  try {
    if (level === "cloud") return await checkCloud(run);
    if (record) {
      const ports = options.ports ?? [DEFAULT_RTSP_PORT];
      return await checkThroughTunnel(record, { ...run, ports });
    }
    return await checkSession(run);
  } catch (error) {
    return error === ends.reason && ends.aborted ? findings.unjudged(error) : findings.down(error);
  } finally {
    alarm.clear();
    run.handshakeEnded();
  }
}

interface Run {
  readonly serial: string;
  readonly level: CheckLevel;
  readonly options: CheckDeviceOptions;
  readonly findings: Findings;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Lets the next handshake begin. */
  readonly handshakeEnded: () => void;
  readonly rtsp: RtspCheck;
}

/** The port that speaks RTSP, of those that are checked. */
function rtspPort(ports: readonly number[] | undefined): number {
  if (ports === undefined || ports.includes(DEFAULT_RTSP_PORT)) return DEFAULT_RTSP_PORT;
  return ports[0] ?? DEFAULT_RTSP_PORT;
}

async function checkCloud({ serial, options, findings, timeoutMs, signal }: Run): Promise<
  CheckResult
> {
  findings.found.source = "cloud";
  const info = await lookUpDevice(serial, {
    cloud: options.cloud,
    dialect: options.dialect,
    app: options.app,
    memory: options.memory,
    trace: options.trace,
    timeoutMs: timeoutMs - HANDSHAKE_MARGIN_MS,
    signal,
    onEvent: (event) => {
      if (event.type === "phase") findings.passed(event.phase);
      else findings.warn(event.failure);
    },
  });
  if (info?.version !== undefined) findings.found.version = info.version;
  findings.reached("cloud");
  return findings.up("Online, says the cloud.");
}

async function checkSession(run: Run): Promise<CheckResult> {
  const { serial, level, options, findings, signal } = run;
  findings.found.source = "session";
  let account: "proven" | "unproven" = "unproven";
  const session = await connectDevice(serial, {
    credentials: options.credentials,
    authType: options.authType,
    path: options.path,
    cloud: options.cloud,
    dialect: options.dialect,
    app: options.app,
    memory: options.memory,
    trace: options.trace,
    timeoutMs: Math.min(run.timeoutMs, DEFAULT_TIMEOUT_MS) - HANDSHAKE_MARGIN_MS,
    signal,
    onEvent: (event) => {
      if (event.type === "phase") {
        findings.passed(event.phase);
        if (event.phase === "lookup") findings.reached("cloud");
      } else if (event.type === "warning") {
        findings.warn(event.failure);
      } else {
        findings.found.version = event.version;
        findings.found.policy = event.policy;
        if (event.login === "1") account = "proven";
      }
    },
  });
  run.handshakeEnded();
  const { found } = findings;
  findings.passed("session");
  findings.reached("session");
  found.handshakeMs = Math.round(findings.elapsedMs);
  found.path = session.path;
  try {
    if (includesLevel(level, "port")) {
      await within(signal, checkPorts(session, run));
      findings.reached("port");
      findings.passed("port");
    }
    if (includesLevel(level, "rtsp")) {
      const stream = session.connect(run.rtsp.port);
      try {
        if (await within(signal, stream.opened) !== "connected") {
          throw new FailureError(closedAgain(run.rtsp.port));
        }
        await checkRtsp(stream, { ...run.rtsp, account, path: session.path }, findings, signal);
      } catch (error) {
        stream.close();
        // What ended the session explains more than what that did to its streams.
        const ended = await Promise.race([session.closed, Promise.resolve(undefined)]);
        throw ended ? new FailureError(ended) : error;
      }
    }
  } finally {
    if (session.roundTripMs > 0) found.roundTripMs = Math.round(session.roundTripMs);
    const { retransmits, fastRetransmits, nackRetransmits, timeouts, spuriousRecoveries } =
      session.stats;
    found.packetsResent = retransmits;
    found.packetsLost = Math.max(
      0,
      fastRetransmits + nackRetransmits + timeouts - spuriousRecoveries,
    );
    await session.close();
  }
  return findings.up(describeFindings(found));
}

async function checkPorts(session: Session, { options, findings }: Run): Promise<void> {
  const ports = options.ports ?? [DEFAULT_RTSP_PORT];
  let granted: ReadonlySet<number> = new Set();
  try {
    const result = await probePorts(session, ports);
    granted = result.granted;
    if (result.failures[0]) throw new FailureError(result.failures[0]);
  } finally {
    findings.found.ports = ports.map((port) => ({
      port,
      answer: granted.has(port) ? "granted" : "refused",
    }));
  }
}

/** The promise, unless the signal is aborted first. */
async function within<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  // What loses the race may still be rejected.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function tookTooLong(timeoutMs: number): Failure {
  return {
    reason: "handshake-timeout",
    what: `The check of the device took longer than ${timeoutMs / 1000}s.`,
    advice: "The phases show where it stood; --timeout allows more.",
    facts: { timeoutMs },
  };
}

function closedAgain(port: number): Failure {
  return {
    reason: "port-closed",
    what: `The device granted port ${port} once and not again.`,
    advice: "Its connections may be used up: close other viewers.",
    facts: { port },
  };
}
