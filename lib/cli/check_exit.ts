/**
 * The exit code of a run over many devices.
 *
 * @module
 */
import type { CheckResult } from "../health/check_result.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";

/** What needs a person first comes first; what a retry mends comes last. */
const ORDER: readonly ExitCode[] = [
  EXIT.config,
  EXIT.noPermission,
  EXIT.protocol,
  EXIT.software,
  EXIT.noHost,
  EXIT.unavailable,
  EXIT.temporary,
];

/** The code that wins among several; 0 only when all are 0. */
export function worstExit(codes: readonly ExitCode[]): ExitCode {
  return ORDER.find((code) => codes.includes(code)) ?? codes.find((code) => code !== EXIT.ok) ??
    EXIT.ok;
}

/** The code of one result. */
export function resultExit({ reason }: Pick<CheckResult, "reason">): ExitCode {
  return reason === "ok" ? EXIT.ok : exitCodeOf(reason);
}
