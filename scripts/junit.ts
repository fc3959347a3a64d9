/**
 * Reads how many tests passed and failed from the JUnit reports that `deno test` writes.
 *
 * @module
 */

/** What a test run came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** Ignored tests: neither passed nor failed. */
  readonly skipped: number;
}

function attribute(tag: string, name: string): number {
  const value = new RegExp(`\\s${name}="(\\d+)"`).exec(tag)?.[1];
  if (value === undefined) throw new TypeError(`no ${name} in ${tag}`);
  return Number(value);
}

/**
 * The figures of one report. Only the opening tags are read: messages of failed tests may hold
 * anything, even what is no XML, but no unescaped `<`.
 *
 * @throws {TypeError} When it is no report of `deno test`.
 */
export function readTally(report: string): Tally {
  const root = /<testsuites\s[^<>]*>/.exec(report)?.[0];
  if (root === undefined) throw new TypeError("not a JUnit report");
  const failed = attribute(root, "failures") + attribute(root, "errors");
  let skipped = 0;
  for (const [tag] of report.matchAll(/<testsuite\s[^<>]*>/g)) {
    skipped += attribute(tag, "disabled");
  }
  return { passed: attribute(root, "tests") - failed - skipped, failed, skipped };
}

/**
 * The sentence that says why a run of tests is not to be believed, or nothing when it is: all
 * passed, there were some, and none was skipped.
 */
export function objection(tally: Tally): string | undefined {
  if (tally.failed > 0) return `${tally.failed} failed`;
  if (tally.skipped > 0) return `${tally.skipped} skipped`;
  if (tally.passed === 0) return "no tests ran";
  return undefined;
}
