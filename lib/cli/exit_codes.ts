/**
 * Exit codes: few, stable, the values of BSD's sysexits, which systemd knows by name. The fine
 * distinction is the reason word.
 *
 * @module
 */
import type { Reason } from "../core/failure.ts";

/** The exit codes of every command. */
export const EXIT = {
  /** Done, or stopped after having been ready. */
  ok: 0,
  /** For `ready` only: no device is up, or nobody can be asked. */
  notReady: 1,
  /** For `check --nagios` only: up, but not as it should be. */
  nagiosWarning: 1,
  /** For `check --nagios` only: down. */
  nagiosCritical: 2,
  /** For `check --nagios` only: nobody knows. */
  nagiosUnknown: 3,
  /** Bad flag or serial. */
  usage: 64,
  /** No cloud knows this serial. */
  noHost: 68,
  /** The device is offline, or does not offer the port. */
  unavailable: 69,
  /** A bug. */
  software: 70,
  /** A local port is in use or not permitted. */
  cannotCreate: 73,
  /** Worth another try later. */
  temporary: 75,
  /** A reply we do not understand. */
  protocol: 76,
  /** Credentials required or refused. Never worth a quick retry. */
  noPermission: 77,
  /** Configuration or a missing secret. */
  config: 78,
  /** Stopped by SIGINT before being ready, or by a second one. */
  interrupted: 130,
  /** Whoever read standard output went away: 128 + SIGPIPE, as for any filter. */
  brokenPipe: 141,
  /** Stopped by SIGTERM before being ready, or by a second one. */
  terminated: 143,
} as const;

/** One of {@linkcode EXIT}. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

const EXIT_CODE_OF: Readonly<Record<Reason, ExitCode>> = {
  "app-rejected": EXIT.noPermission,
  "auth-rejected": EXIT.noPermission,
  "auth-required": EXIT.noPermission,
  "auth-salt": EXIT.protocol,
  "busy": EXIT.temporary,
  "clock-skew": EXIT.temporary,
  "cloud-unreachable": EXIT.temporary,
  "config": EXIT.config,
  "data-stalled": EXIT.temporary,
  "device-offline": EXIT.unavailable,
  "device-silent": EXIT.temporary,
  "device-unknown": EXIT.noHost,
  "handshake-timeout": EXIT.temporary,
  "internal": EXIT.software,
  "listen-denied": EXIT.cannotCreate,
  "listen-in-use": EXIT.cannotCreate,
  "lockout": EXIT.noPermission,
  "peer-silent": EXIT.temporary,
  "port-closed": EXIT.unavailable,
  "protocol": EXIT.protocol,
  "punch-failed": EXIT.temporary,
  "relay-busy": EXIT.temporary,
  "relay-zombie": EXIT.temporary,
  "rtsp-limit": EXIT.temporary,
  "rtsp-not-found": EXIT.unavailable,
  "rtsp-udp": EXIT.temporary,
  "rtsp-unauthorized": EXIT.noPermission,
  "sessions-full": EXIT.temporary,
  "slow-client": EXIT.temporary,
  "starting": EXIT.temporary,
  "usage": EXIT.usage,
};

/** The exit code of a command that ended for this reason. Never 0. */
export function exitCodeOf(reason: Reason): ExitCode {
  return EXIT_CODE_OF[reason];
}
