/**
 * Prints "PASSED FAILED" for one JUnit report of `deno test`; a skipped test counts as failed here,
 * and so does a run that had no test.
 */
import { objection, readTally } from "../scripts/junit.ts";

const tally = readTally(await Deno.readTextFile(Deno.args[0] ?? ""));
const doubt = objection(tally);
if (doubt !== undefined) Deno.stderr.writeSync(new TextEncoder().encode(`${doubt}\n`));
const failed = tally.failed + tally.skipped;
const none = tally.passed + failed === 0;
Deno.stdout.writeSync(new TextEncoder().encode(`${tally.passed} ${none ? 1 : failed}\n`));
