/**
 * Failures as one line for people: `error[auth-rejected] 7C0...D1F: what happened. What to do.`
 *
 * @module
 */
import type { Failure } from "../core/failure.ts";

/** How serious a failure is to the command that met it. */
export type Severity = "error" | "warning";

/**
 * The line of a failure. Everything but the reason word may change between versions.
 *
 * @param device Name of the device, or of this program when it concerns none.
 */
export function failureLine(severity: Severity, failure: Failure, device: string): string {
  return `${severity}[${failure.reason}] ${device}: ${failureSentences(failure)}`;
}

/** What happened and what to do, as sentences. */
export function failureSentences(failure: Failure): string {
  return [failure.what, failure.advice].map(sentence).filter((part) => part !== "").join(" ");
}

/** The text with the full stop it may lack. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === "" || /[.!?]["')]?$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
