/**
 * Prints "PASSED FAILED" for one JUnit report of `deno test`. A skipped test counts as failed here,
 * and so does a run that had no test or left no report.
 */
import { objection, readTally, type Tally } from "../scripts/junit.ts";

const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0 };

function readReport(path: string): Tally {
  try {
    return readTally(Deno.readTextFileSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof TypeError) return NOTHING;
    throw error;
  }
}

const tally = readReport(Deno.args[0] ?? "");
const doubt = objection(tally);
if (doubt !== undefined) Deno.stderr.writeSync(new TextEncoder().encode(`${doubt}\n`));
const failed = tally.failed + tally.skipped;
const counted = tally.passed + failed === 0 ? 1 : failed;
Deno.stdout.writeSync(new TextEncoder().encode(`${tally.passed} ${counted}\n`));
