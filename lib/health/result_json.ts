/**
 * Results for programs: one JSON object a line. The form is described by
 * `check_result.schema.json` beside this file; fields may be added, none is taken away.
 *
 * @module
 */
import type { CheckResult, CheckSummary } from "./check_result.ts";

/** A result as one line of JSON. */
export function resultJson(result: CheckResult): string {
  const { startedAt, ...rest } = result;
  return JSON.stringify({
    event: "result",
    time: new Date(startedAt).toISOString(),
    ...rest,
    warnings: result.warnings.map(({ reason, what, advice }) => ({
      reason,
      message: `${what} ${advice}`.trim(),
    })),
  });
}

/** The summary as the last line of JSON. */
export function summaryJson(summary: CheckSummary, exitCode: number): string {
  return JSON.stringify({ event: "summary", ...summary, exitCode });
}
