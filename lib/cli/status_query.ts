/**
 * Asks a running process how its devices are.
 *
 * @module
 */
import { FailureError } from "../core/failure.ts";
import { formatListen } from "../net/forward.ts";
import { type FleetStatus, parseFleetStatus } from "../status/fleet_status.ts";
import { type ListenAddress, reachableHost } from "./address.ts";
import { quoted } from "./printable.ts";
import { usageError } from "./usage.ts";

/** For the page to answer: it does so at once, or its process hangs. */
const TIMEOUT_MS = 3_000;

/** A file that has not been replaced for so long was left by a process that is gone: 3 intervals. */
const FILE_LIFETIME_MS = 35_000;

/** Where to ask. */
export interface StatusPlace {
  readonly http?: ListenAddress | undefined;
  readonly statusFile?: string | undefined;
}

/**
 * The status of a running process: of its page when it has one, else of its file.
 *
 * @throws {FailureError} `starting` when no process answers, `usage` when there is nowhere to ask.
 */
export async function queryStatus({ http, statusFile }: StatusPlace): Promise<FleetStatus> {
  if (http) return await queryPage(http);
  if (statusFile !== undefined) return readStatusFile(statusFile);
  throw usageError(
    "It is not said where the running process can be asked.",
    "Give --http [HOST:]PORT, --status-file FILE, or --config FILE that names one of them.",
  );
}

async function queryPage({ hostname, port }: ListenAddress): Promise<FleetStatus> {
  const where = formatListen(reachableHost(hostname), port);
  let text: string;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`http://${where}/status`, { signal, redirect: "error" });
    text = await response.text();
  } catch {
    throw notRunning(`Nobody answers on http://${where}/status.`);
  }
  return checked(text, `What answers on http://${where}/status`);
}

function readStatusFile(path: string): FleetStatus {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch {
    throw notRunning(`The status file ${quoted(path)} cannot be read.`);
  }
  const status = checked(text, `The file ${quoted(path)}`);
  if (Math.abs(Date.now() - Date.parse(status.written)) > FILE_LIFETIME_MS) {
    throw notRunning(`The status file ${quoted(path)} is old.`);
  }
  return status;
}

function checked(text: string, what: string): FleetStatus {
  const status = parseFleetStatus(text);
  if (!status) throw notRunning(`${what} is no status of this program.`);
  return status;
}

function notRunning(what: string): FailureError {
  return new FailureError({
    reason: "starting",
    what,
    advice: "Is dahua-p2p run under way, with --http or --status-file?",
  });
}
