import { assertEquals, assertThrows } from "@std/assert";
import { objection, readTally } from "../../scripts/junit.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="9" failures="2" errors="1" time="0.014">
    <testsuite name="./a_test.ts" tests="6" disabled="1" errors="0" failures="2">
        <testcase name="a &lt;testsuite disabled=&quot;7&quot;&gt;" classname="./a_test.ts" time="0.001">
            <failure message="x">&lt;testsuites tests=&quot;99&quot;&gt; \u0000 & </failure>
        </testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="3" disabled="1" errors="1" failures="0">
    </testsuite>
</testsuites>`;

Deno.test("a report's figures come from its own tags, not from what failures say", () => {
  assertEquals(readTally(REPORT), { passed: 4, failed: 3, skipped: 2 });
});

Deno.test("the report that deno test writes can be read", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/a_test.ts`,
      `Deno.test("good", async (t) => { await t.step("inner", () => {}); });
       Deno.test({ name: "ignored", ignore: true, fn() {} });
       Deno.test("bad", () => { throw new Error("<testsuites tests=\\"5\\">"); });`,
    );
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--quiet",
        "--no-check",
        "--no-config",
        "--junit-path=report.xml",
        "a_test.ts",
      ],
      cwd: folder,
      stdin: "null",
    }).output();
    assertEquals(code, 1);
    assertEquals(readTally(await Deno.readTextFile(`${folder}/report.xml`)), {
      passed: 2,
      failed: 1,
      skipped: 1,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what is no report is refused", () => {
  for (const text of ["", "<a/>", "<testsuites>", '<testsuites name="x" tests="1">']) {
    assertThrows(() => readTally(text), TypeError);
  }
});

Deno.test("a run is believed only when tests ran and all of them passed", () => {
  assertEquals(objection({ passed: 1, failed: 0, skipped: 0 }), undefined);
  assertEquals(objection({ passed: 1, failed: 2, skipped: 0 }), "2 failed");
  assertEquals(objection({ passed: 1, failed: 0, skipped: 1 }), "1 skipped");
  assertEquals(objection({ passed: 0, failed: 0, skipped: 0 }), "no tests ran");
});
