/**
 * Checks a device through a tunnel that runs already: no session is opened, no slot is taken.
 *
 * @module
 */
import type { PathKind } from "../core/carrier.ts";
import { type Failure, FailureError } from "../core/failure.ts";
import { TcpByteStream } from "../net/byte_stream.ts";
import type { RecordedDevice, TunnelRecord } from "../net/tunnel_record.ts";
import { type CheckLevel, includesLevel } from "./check_level.ts";
import type { CheckResult } from "./check_result.ts";
import type { Findings } from "./findings.ts";
import { checkRtsp, describeFindings, type RtspCheck } from "./rtsp_check.ts";

const PATHS: readonly PathKind[] = ["direct", "relay", "tcp-relay"];

/** What is asked of the tunnel. */
export interface TunnelCheck {
  readonly level: CheckLevel;
  readonly ports: readonly number[];
  readonly findings: Findings;
  readonly rtsp: RtspCheck;
  readonly signal: AbortSignal;
}

/**
 * Takes the tunnel's word for its session and ports, and speaks RTSP through its local port.
 *
 * @throws {FailureError} When the tunnel is not up, or a level is not reached.
 */
export async function checkThroughTunnel(
  record: TunnelRecord,
  check: TunnelCheck,
): Promise<CheckResult> {
  const { level, ports, findings, rtsp, signal } = check;
  const { device } = record;
  const { found } = findings;
  found.source = "tunnel";
  if (device.version !== undefined) found.version = device.version;
  if (device.state !== "up") throw new FailureError(notUp(record));
  const path = PATHS.find((known) => known === device.path);
  if (path !== undefined) found.path = path;
  if (device.rttMs !== undefined) found.roundTripMs = device.rttMs;
  if (device.retransmits !== undefined) found.packetsResent = device.retransmits;
  findings.reached("session");
  if (!includesLevel(level, "port")) return findings.up(describeFindings(found));
  found.ports = ports.map((port) => {
    const forwards = device.ports.filter(({ remote }) => remote === port);
    const answer = forwards.length === 0
      ? "untested"
      : forwards.some(({ granted }) => granted)
      ? "granted"
      : "refused";
    return { port, answer };
  });
  const refused = found.ports.find(({ answer }) => answer === "refused");
  if (refused) throw new FailureError(portClosed(refused.port));
  if (found.ports.some(({ answer }) => answer === "granted")) findings.reached("port");
  const local = localPort(device, rtsp.port);
  if (includesLevel(level, "rtsp") && local) {
    const stream = await connect(local, record.pid, signal);
    const carrier = { account: "unproven", path: device.path ?? "tunnel" } as const;
    await checkRtsp(stream, { ...rtsp, ...carrier }, findings, signal);
  }
  return findings.up(describeFindings(found));
}

interface LocalPort {
  readonly hostname: string;
  readonly port: number;
}

/** The tunnel's listener for a port of the device. */
function localPort(device: RecordedDevice, remotePort: number): LocalPort | undefined {
  const forward = device.ports.find(({ remote }) => remote === remotePort);
  const match = /^\[?([0-9A-Fa-f:.]+?)\]?:(\d{1,5})$/.exec(forward?.port ?? "");
  if (!match) return undefined;
  const [, host = "", port] = match;
  // The wildcard address is no destination everywhere.
  const hostname = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return { hostname, port: Number(port) };
}

async function connect(
  { hostname, port }: LocalPort,
  pid: number,
  signal: AbortSignal,
): Promise<TcpByteStream> {
  try {
    return await TcpByteStream.connect(hostname, port, signal);
  } catch {
    signal.throwIfAborted();
    throw new FailureError({
      reason: "starting",
      what: `The tunnel that runs for the device (pid ${pid}) accepts no connection.`,
      advice: "It may just be starting or stopping: check again.",
      facts: { pid, port },
    });
  }
}

function notUp({ pid, device }: TunnelRecord): Failure {
  const { reason, message } = device;
  return reason === undefined
    ? {
      reason: "starting",
      what: `The tunnel that runs for the device (pid ${pid}) is still connecting.`,
      advice: "Check again in a minute.",
      facts: { pid },
    }
    : {
      reason,
      what: `The tunnel that runs for the device (pid ${pid}) is down: ${message ?? reason}`,
      advice: "It goes on trying; no session was opened beside it.",
      facts: { pid },
    };
}

function portClosed(port: number): Failure {
  return {
    reason: "port-closed",
    what: `The device refused port ${port} to the running tunnel.`,
    advice: "Some firmware closes a port to P2P; is the service on? Try 37777 or 554.",
    facts: { port },
  };
}
