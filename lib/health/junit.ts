/**
 * Results as a JUnit report, which every CI system shows.
 *
 * @module
 */
import { type CheckResult, summarize } from "./check_result.ts";

/** The whole file. */
export function junit(results: readonly CheckResult[], durationMs: number): string {
  const { total, down, unknown } = summarize(results);
  const counts = `tests="${total}" failures="${down}" errors="${unknown}" time="${
    seconds(durationMs)
  }"`;
  const cases = results.map(testCase);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="dahua-p2p check" ${counts}>`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase(result: CheckResult): string {
  const { device, level, state, reason, message, durationMs } = result;
  const open = `    <testcase classname="dahua-p2p.${level}" name="${escape(device)}" time="${
    seconds(durationMs)
  }"`;
  if (state === "up") return `${open}/>`;
  const tag = state === "down" ? "failure" : "error";
  return `${open}>\n      <${tag} type="${reason}" message="${escape(message)}"/>\n    </testcase>`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function escape(text: string): string {
  return text
    // deno-lint-ignore no-control-regex -- XML 1.0 cannot hold them
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("\n", "&#10;");
}
