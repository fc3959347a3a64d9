import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { WorldDevice } from "../../fixtures/world/options.ts";
import { CheckStage, parseLines, runHere } from "../support/check_stage.ts";
import { LOGIN, SERIAL, type StageOptions } from "../support/stage.ts";

const OTHER = "EXAMPLE0SERIAL9";

interface Case {
  readonly reason: string;
  readonly code: number;
  readonly nagios: number;
  readonly args?: readonly string[];
  readonly serial?: string;
  readonly device?: WorldDevice;
  readonly stage?: StageOptions;
  readonly password?: string;
}

/** Every reason that a check of one device meets at once; the slow ones are tested end to end. */
const CASES: Readonly<Record<string, Case>> = {
  "a device that is well": { reason: "ok", code: 0, nagios: 0 },
  "a serial nobody knows": { reason: "device-unknown", code: 68, nagios: 2, serial: OTHER },
  "a device that is off": {
    reason: "device-offline",
    code: 69,
    nagios: 2,
    device: { isOnline: false },
  },
  "a cloud that refuses this program": {
    reason: "app-rejected",
    code: 77,
    nagios: 2,
    stage: { world: { cloud: { apps: [] } } },
  },
  "a device that wants a login": {
    reason: "auth-required",
    code: 77,
    nagios: 2,
    device: { authType: 1 },
  },
  "a wrong password": {
    reason: "auth-rejected",
    code: 77,
    nagios: 2,
    device: { authType: 1 },
    password: "not-the-one",
  },
  "a salt that nobody tells": {
    reason: "auth-salt",
    code: 76,
    nagios: 2,
    device: { authType: 1, info: "empty" },
    password: LOGIN.password,
  },
  "a port the device refuses": {
    reason: "port-closed",
    code: 69,
    nagios: 2,
    args: ["--port", "37777"],
  },
  "a wrong password for RTSP": {
    reason: "rtsp-unauthorized",
    code: 77,
    nagios: 2,
    password: "not-the-one",
  },
  "a camera whose users are used up": {
    reason: "rtsp-limit",
    code: 75,
    nagios: 2,
    device: { authType: 1 },
    stage: { camera: { maxLogins: 0 } },
    password: LOGIN.password,
  },
  "a channel there is not": {
    reason: "rtsp-not-found",
    code: 69,
    nagios: 2,
    args: ["--channel", "60"],
    password: LOGIN.password,
  },
};

for (const [what, one] of Object.entries(CASES)) {
  const { reason, code, nagios, serial = SERIAL, password } = one;
  Deno.test(`${what} is ${reason} in every format`, async () => {
    await using check = await CheckStage.open({ ...one.stage, device: one.device });
    const words = [
      ...(one.args ?? []),
      ...(password === undefined ? [] : ["-u", LOGIN.username, "--password-file", "pass"]),
      serial,
    ];
    const host = { files: { pass: `${password}\n` } };
    const up = reason === "ok";

    const people = await check.run(
      ["--textfile", check.path("m.prom"), "--junit", check.path("j.xml"), ...words],
      host,
    );
    assertEquals(people.code, code, people.out + people.err);
    const lines = people.out.trimEnd().split("\n");
    assertEquals(lines.length, 2);
    assertMatch(lines[0]!, up ? /^EXA\.\.\.AL0 {2}up / : /^EXA\.\.\.AL\d {2}down /);
    if (!up) assertStringIncludes(lines[0]!, `${reason}: `);
    assertEquals(lines[1], up ? "1/1 up" : "0/1 up (1 down)");
    assert(!people.out.includes(serial) && !people.err.includes(serial));

    const metrics = await Deno.readTextFile(check.path("m.prom"));
    assertStringIncludes(metrics, `dahua_p2p_check_exit_code ${code}\n`);
    assertStringIncludes(metrics, `reason="${reason}"} 1\n`);
    assertMatch(metrics, new RegExp(`dahua_p2p_probe_success\\{.*\\} ${up ? 1 : 0}\n`));
    const report = await Deno.readTextFile(check.path("j.xml"));
    assertStringIncludes(report, `failures="${up ? 0 : 1}"`);
    if (!up) assertStringIncludes(report, `<failure type="${reason}" `);

    const json = await check.run(["--json", ...words], host);
    assertEquals(json.code, code);
    const [result, summary] = parseLines(json.out);
    assertEquals([result?.event, result?.state, result?.reason], [
      "result",
      up ? "up" : "down",
      reason,
    ]);
    assertEquals(summary as unknown, {
      event: "summary",
      total: 1,
      up: up ? 1 : 0,
      down: up ? 0 : 1,
      unknown: 0,
      exitCode: code,
    });

    const plugin = await check.run(["--nagios", ...words], host);
    assertEquals(plugin.code, nagios);
    assertEquals(plugin.out.trimEnd().split("\n").length, 1);
    assertMatch(plugin.out, up ? /^DAHUA-P2P OK - .* \| / : /^DAHUA-P2P CRITICAL - .* \| /);
    if (!up) assertStringIncludes(plugin.out, reason);
  });
}

Deno.test("the relay is a warning to Nagios, unless it was asked for", async () => {
  await using check = await CheckStage.open();
  const asked = await check.run(["--nagios", "-r", SERIAL]);
  assertEquals(asked.code, 0, asked.out);
  assertStringIncludes(asked.out, "relay=1");
});

Deno.test("a check with nothing to check is a usage error", async () => {
  const { code, out, err } = await runHere(["check"]);
  assertEquals(code, 64);
  assertEquals(out, "");
  assertStringIncludes(err, "error[usage]");
});

Deno.test("to Nagios every error is UNKNOWN, also one of the arguments", async () => {
  for (
    const words of [
      ["check", "--nagios"],
      ["check", "--nagios", "--level", "deep", SERIAL],
      ["check", "--nagios", "not a serial"],
      ["check", "--nagios", "--file", "/nonexistent/list"],
      ["check", "--nagios", "-u", "viewer", SERIAL],
    ]
  ) {
    const { code, out } = await runHere(words);
    assertEquals(code, 3, words.join(" "));
    assertMatch(out, /^DAHUA-P2P UNKNOWN - [^\n]+\n$/);
  }
  const { code } = await runHere(["check"], { environment: { DAHUA_P2P_NAGIOS: "1" } });
  assertEquals(code, 3);
});

Deno.test("a run that cannot begin leaves word in the textfile", async () => {
  await using check = await CheckStage.open();
  const { code } = await check.run(["--textfile", check.path("m.prom"), "--file", "/nonexistent"]);
  assertEquals(code, 78);
  const text = await Deno.readTextFile(check.path("m.prom"));
  assertStringIncludes(text, "dahua_p2p_check_exit_code 78\n");
  assertStringIncludes(text, "dahua_p2p_check_last_run_timestamp_seconds ");
});

Deno.test("the exit code of several devices is that of the worst, in the order that is promised", async () => {
  await using check = await CheckStage.open();
  const { code, out } = await check.run(["--level", "cloud", SERIAL, OTHER]);
  assertEquals(code, 68);
  assertEquals(out.trimEnd().split("\n").at(-1), "1/2 up (1 down)");
});

Deno.test("a list of devices: bad lines cost themselves only, names are shown", async () => {
  await using check = await CheckStage.open();
  const list = `serial;name\n${SERIAL};front door\nnonsense!;x\n${SERIAL};again\n`;
  const { code, out } = await check.run(["--level", "cloud", "--file", "list"], {
    files: { list },
  });
  assertEquals(code, 78);
  const lines = out.trimEnd().split("\n");
  assertEquals(lines.length, 3);
  assertMatch(lines[0]!, /^row 3 +unknown .*config: The list "list", row 3: its serial is not/);
  assertMatch(lines[1]!, /^front door +up /);
  assertEquals(lines[2], "1/2 up (1 unknown)");
});

Deno.test("a list is read from standard input, and an empty one is no success", async () => {
  await using check = await CheckStage.open();
  const good = await check.run(["--level", "cloud", "--file", "-"], { input: [`${SERIAL} a\n`] });
  assertEquals(good.code, 0);
  const empty = await check.run(["--level", "cloud", "--file", "-"]);
  assertEquals(empty.code, 78);
  assertStringIncludes(empty.err, "names no device");
});

Deno.test("with --quiet only what is not up is said", async () => {
  await using check = await CheckStage.open();
  const well = await check.run(["--quiet", "--level", "cloud", SERIAL]);
  assertEquals([well.code, well.out, well.err], [0, "", ""]);
  const ill = await check.run(["--quiet", "--level", "cloud", SERIAL, OTHER]);
  assertEquals(ill.out.trimEnd().split("\n").length, 2);
  assertMatch(ill.out, /device-unknown/);
});

Deno.test("two checks of one device do not run at once", async () => {
  await using check = await CheckStage.open({ device: { answerDelayMs: 300 } });
  const both = await Promise.all([
    check.run(["--json", "--level", "session", SERIAL]),
    check.run(["--json", "--level", "session", SERIAL]),
  ]);
  const reasons = both.map(({ out }) => parseLines(out)[0]?.reason).sort();
  assertEquals(reasons, ["busy", "ok"]);
  assertEquals(both.map(({ code }) => code).sort(), [0, 75]);
  const { message } = both.map(({ out }) => parseLines(out)[0]!).find(({ reason }) =>
    reason === "busy"
  )!;
  assertStringIncludes(message, `pid ${Deno.pid}`);
});

Deno.test("outputs that cannot be written cost the exit code, never a result", async () => {
  await using check = await CheckStage.open();
  const { code, out, err } = await check.run([
    "--level",
    "cloud",
    "--textfile",
    "/nonexistent/m.prom",
    "--junit",
    check.path("no/such/j.xml"),
    "--history",
    check.folder,
    SERIAL,
  ]);
  assertEquals(code, 78);
  assertMatch(out, /^EXA\.\.\.AL0 {2}up /);
  assertStringIncludes(err, 'textfile "/nonexistent/m.prom" cannot be written: its folder');
  assertStringIncludes(err, "JUnit report");
  assertStringIncludes(err, "history");
});

Deno.test("a command is run when a state changes, and not before there is something to differ from", async () => {
  await using check = await CheckStage.open();
  const note = check.path("note");
  const words = [
    ...["--level", "port", SERIAL, "--on-change"],
    `echo "$CHECK_DEVICE $CHECK_PREVIOUS_STATE $CHECK_STATE $CHECK_REASON" >> ${note}`,
  ];
  const read = (): string => {
    try {
      return Deno.readTextFileSync(note);
    } catch {
      return "";
    }
  };
  await check.run(words);
  await check.run(words);
  assertEquals(read(), "");
  // To the program a port that is not granted is as good as a device that went down.
  const down = await check.run([...words, "--port", "80"]);
  assertEquals(down.code, 69);
  assertEquals(read(), "EXA...AL0 up down port-closed\n");
  await check.run([...words, "--port", "80"]);
  assertEquals(read(), "EXA...AL0 up down port-closed\n");
  await check.run(words);
  assertEquals(read(), "EXA...AL0 up down port-closed\nEXA...AL0 down up ok\n");
});

Deno.test("a failing command of --on-change is told and runs again next time", async () => {
  await using check = await CheckStage.open();
  const words = ["--level", "port", "--on-change", "exit 3", SERIAL];
  await check.run(words);
  for (let i = 0; i < 2; i++) {
    const { err } = await check.run([...words, "--port", "80"]);
    assertStringIncludes(err, "exit code 3");
  }
});

Deno.test("a watchdog is told of the beginning and the end, and its failure changes nothing", async () => {
  await using check = await CheckStage.open();
  const seen: { path: string; rid: string | null; body: string }[] = [];
  let status = 200;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const url = new URL(request.url);
      seen.push({
        path: url.pathname,
        rid: url.searchParams.get("rid"),
        body: await request.text(),
      });
      return new Response("OK", { status });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/ping/key`;
  const good = await check.run(["--level", "cloud", "--ping-url", url, SERIAL]);
  assertEquals(good.code, 0);
  assertEquals(seen.map(({ path }) => path), ["/ping/key/start", "/ping/key/0"]);
  assertEquals(seen[0]?.rid, seen[1]?.rid);
  assertMatch(seen[1]!.body, /^EXA\.\.\.AL0 {2}up /);
  assert(!seen[1]!.body.includes(SERIAL));
  seen.length = 0;
  await check.run(["--level", "cloud", "--ping-url", url, OTHER]);
  assertEquals(seen[1]?.path, "/ping/key/68");
  status = 500;
  const refused = await check.run(["--level", "cloud", "--ping-url", url, SERIAL]);
  assertEquals(refused.code, 0);
  assertStringIncludes(refused.err, "it answered 500");
  assert(!refused.err.includes("/ping/key"));
});

Deno.test("every device of a fleet is in exactly one shard", async () => {
  await using check = await CheckStage.open();
  const list = Array.from({ length: 40 }, (_, i) => `EXAMPLE${String(i).padStart(8, "0")} d${i}`)
    .join("\n");
  const seen: string[] = [];
  for (const shard of ["0/3", "1/3", "2/3"]) {
    const { out } = await check.run(
      ["--json", "--level", "cloud", "--file", "list", "--shard", shard],
      { files: { list } },
    );
    seen.push(
      ...parseLines(out).filter(({ event }) => event === "result").map(({ device }) => device),
    );
  }
  assertEquals(seen.length, 40);
  assertEquals(new Set(seen).size, 40);
});

Deno.test("results are kept in a history, and a report is made of it", async () => {
  await using check = await CheckStage.open();
  const history = check.path("history.db");
  await check.run(["--level", "cloud", "--history", history, SERIAL, OTHER]);
  await check.run(["--history", history, SERIAL]);
  const report = await runHere(["report", "--history", history, "--html", check.path("r.html")]);
  assertEquals(report.code, 0, report.err);
  assertStringIncludes(report.out, "2 devices, 3 checks");
  assertStringIncludes(report.out, "now down: device-unknown");
  const page = await Deno.readTextFile(check.path("r.html"));
  assertStringIncludes(page, "<title>Availability of 2 devices</title>");
  assert(!page.includes(SERIAL));
  const json = await runHere(["report", "--json", "--history", history]);
  assertEquals(parseLines(json.out).at(-1)?.event, "report");
});

Deno.test("a report of what is no history says so", async () => {
  await using check = await CheckStage.open();
  await Deno.writeTextFile(check.path("x"), "hello");
  for (const path of [check.path("x"), check.path("none"), check.folder]) {
    const { code, err } = await runHere(["report", "--history", path]);
    assertEquals(code, 78);
    assertStringIncludes(err, "cannot be read");
  }
  assertEquals((await runHere(["report"])).code, 64);
});

Deno.test("devices of a configuration are checked by name with what it says of them", async () => {
  await using check = await CheckStage.open({ device: { authType: 1 } });
  await Deno.writeTextFile(check.path("pass"), `${LOGIN.password}\n`);
  await Deno.writeTextFile(
    check.path("fleet.yaml"),
    `defaults: { user: ${LOGIN.username}, password_file: ${check.path("pass")}, path: relay }
devices:
  front-door: { serial: ${SERIAL}, ports: ["0:554"] }
  yard: { serial: ${OTHER}, ports: ["0:554"], enabled: false }
`,
  );
  const words = ["--config", check.path("fleet.yaml"), "--json"];
  for (const names of [["front-door"], []]) {
    const { code, out, err } = await check.run([...words, ...names]);
    assertEquals(code, 0, out + err);
    const [result, summary] = parseLines(out);
    assertEquals([result?.device, result?.path, summary?.event], [
      "front-door",
      "relay",
      "summary",
    ]);
  }
  const flag = await check.run([...words, "--path", "direct", "front-door"]);
  assertEquals(parseLines(flag.out)[0]?.path, "direct");
  const wrong = await check.run([...words, "back-door"]);
  assertEquals(wrong.code, 64);
  assertStringIncludes(wrong.err, "front-door");
  await Deno.writeTextFile(check.path("fleet.yaml"), "devices: { x: { seriall: 1 } }\n");
  const broken = await check.run(words);
  assertEquals(broken.code, 78);
  assertStringIncludes(broken.err, "seriall");
});

Deno.test("a list may name an account for each device", async () => {
  await using check = await CheckStage.open({ device: { authType: 1 } });
  const list = `serial,username,password_file\n${SERIAL},${LOGIN.username},pass\n`;
  const files = { list, pass: LOGIN.password };
  const right = await check.run(["--file", "list"], { files });
  assertEquals(right.code, 0, right.err);
  const half = await check.run(["--file", "list"], {
    files: { list: `serial,username\n${SERIAL},viewer\n` },
  });
  assertEquals(half.code, 78);
});

Deno.test("colour and progress are for terminals, each for its own", async () => {
  await using check = await CheckStage.open();
  const words = ["--level", "cloud", SERIAL, OTHER];
  const both = await check.run(words, { stdoutIsTerminal: "yes", stderrIsTerminal: "yes" });
  assertStringIncludes(both.out, "\x1b[32mup     \x1b[0m");
  assertStringIncludes(both.err, "\r\x1b[K1/2 checked");
  assert(both.err.endsWith("\r\x1b[K"));
  const file = await check.run(words, { stderrIsTerminal: "yes" });
  assert(!file.out.includes("\x1b"));
  const plain = await check.run(words, {
    stdoutIsTerminal: "yes",
    environment: { NO_COLOR: "1" },
  });
  assert(!plain.out.includes("\x1b"));
  assertEquals(plain.err, "");
});
