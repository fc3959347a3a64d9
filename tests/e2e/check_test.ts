import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Failure } from "../../lib/core/failure.ts";
import { TcpByteStream } from "../../lib/net/byte_stream.ts";
import { systemRandom } from "../../lib/net/environment.ts";
import { type RtspDialogueEvent, runRtspDialogue } from "../../lib/net/rtsp_dialogue.ts";
import { startGStreamer } from "../support/gstreamer.ts";
import { type Outcome, programCommand, runProgram, startProgram } from "../support/program.ts";
import { parseLines, type ResultLine } from "../support/check_stage.ts";
import { LOGIN, SERIAL, Stage, type StageOptions } from "../support/stage.ts";

/** A stage with a folder, and `check` as a subprocess. */
class Setting implements AsyncDisposable {
  readonly stage: Stage;
  readonly folder: string;

  private constructor(stage: Stage, folder: string) {
    this.stage = stage;
    this.folder = folder;
  }

  static async open(options: StageOptions = {}): Promise<Setting> {
    return new Setting(await Stage.open(options), await Deno.makeTempDir());
  }

  words(...rest: string[]): readonly string[] {
    const state = `${this.folder}/state`;
    return ["check", "--cloud", this.stage.cloudArgument, "--state-dir", state, ...rest];
  }

  run(...rest: string[]): Promise<Outcome> {
    return runProgram(this.words(...rest), { env: { XDG_STATE_HOME: `${this.folder}/home` } });
  }

  /** The only result of a run. */
  async result(...rest: string[]): Promise<ResultLine & { readonly code: number }> {
    const { code, stdout, stderr } = await this.run("--json", ...rest, SERIAL);
    assert(stdout !== "", stderr);
    return { ...parseLines(stdout)[0]!, code };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A TCP service that does what it is told with every connection. */
class Service implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #accepting: Promise<void>;
  readonly #open = new Set<Deno.Conn>();

  constructor(serve: (conn: Deno.Conn) => Promise<void>) {
    this.#accepting = (async () => {
      for await (const conn of this.#listener) {
        this.#open.add(conn);
        void serve(conn).catch(() => {});
      }
    })();
  }

  get services(): ReadonlyMap<number, { hostname: string; port: number }> {
    const { port } = this.#listener.addr as Deno.NetAddr;
    return new Map([[554, { hostname: "127.0.0.1", port }]]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const conn of this.#open) {
      try {
        conn.close();
      } catch {
        // The device was first.
      }
    }
  }
}

/** An RTSP service that grants everything and plays nothing. */
async function answerWithoutMedia(conn: Deno.Conn): Promise<void> {
  const description = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n";
  const buffer = new Uint8Array(4096);
  for (let n = await conn.read(buffer); n; n = await conn.read(buffer)) {
    const request = new TextDecoder().decode(buffer.subarray(0, n));
    const cseq = /CSeq: (\d+)/.exec(request)?.[1];
    const body = request.startsWith("DESCRIBE") ? description : "";
    const head = `RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\nSession: 1\r\nContent-Length: ${body.length}`;
    await conn.write(new TextEncoder().encode(`${head}\r\n\r\n${body}`));
  }
}

/** The same check for Nagios, in a world of its own: one device is not checked twice at once. */
async function nagiosRun(
  options: StageOptions | undefined,
  args: readonly string[],
): Promise<Outcome> {
  await using setting = await Setting.open(options);
  return await setting.run("--nagios", ...args, SERIAL);
}

Deno.test("slow failures have their words and codes too", async () => {
  await using mute = new Service(() => Promise.resolve());
  await using babbler = new Service(async (conn) => {
    await conn.read(new Uint8Array(1024));
    await conn.write(new TextEncoder().encode("SSH-2.0-OpenSSH\r\n".repeat(4)));
  });
  await using blind = new Service(answerWithoutMedia);
  interface Case {
    readonly reason: string;
    readonly code: number;
    readonly options?: StageOptions;
    readonly args?: readonly string[];
  }
  const cases: readonly Case[] = [
    {
      reason: "cloud-unreachable",
      code: 75,
      options: { world: { cloud: { silent: ["main"] } } },
    },
    {
      reason: "cloud-unreachable",
      code: 75,
      options: { world: { cloud: { silent: ["us"] } } },
      args: ["--level", "cloud"],
    },
    { reason: "device-silent", code: 75, options: { device: { silent: ["channel"] } } },
    {
      reason: "punch-failed",
      code: 75,
      options: { device: { paths: "relay" } },
      args: ["--path", "direct"],
    },
    {
      reason: "relay-busy",
      code: 75,
      options: { device: { silent: ["never-joins"] } },
      args: ["--path", "relay"],
    },
    {
      reason: "sessions-full",
      code: 75,
      options: { device: { silent: ["ptcp"], paths: "direct" } },
      args: ["--path", "direct"],
    },
    {
      reason: "clock-skew",
      code: 75,
      options: { world: { cloud: { clockOffsetMs: 400_000, clockToleranceMs: -1 } } },
    },
    { reason: "relay-zombie", code: 75, options: { services: mute.services } },
    { reason: "protocol", code: 76, options: { services: babbler.services } },
    {
      reason: "handshake-timeout",
      code: 75,
      options: { services: mute.services },
      args: ["--timeout", "4s"],
    },
    {
      reason: "data-stalled",
      code: 75,
      options: { services: blind.services },
      args: ["--level", "media", "--media-time", "1s", "--key-frame-timeout", "2s"],
    },
  ];
  const results = await Promise.all(cases.map(async ({ reason, options, args = [] }) => {
    await using setting = await Setting.open(options);
    const metrics = `${setting.folder}/check.prom`;
    const report = `${setting.folder}/check.xml`;
    const [result, nagios] = await Promise.all([
      setting.result("--textfile", metrics, "--junit", report, ...args),
      nagiosRun(options, args),
    ]);
    assertStringIncludes(await Deno.readTextFile(report), reason);
    assertStringIncludes(await Deno.readTextFile(metrics), `reason="${reason}"`);
    assertEquals(nagios.code, 2, nagios.stdout);
    assertStringIncludes(nagios.stdout, reason);
    return result;
  }));
  assertEquals(
    results.map(({ reason, code }) => [reason, code]),
    cases.map(({ reason, code }) => [reason, code]),
    results.map(({ message }) => message).join("\n"),
  );
  for (const { state } of results) assertEquals(state, "down");
});

Deno.test("a clock that is wrong is a warning, and the check succeeds", async () => {
  await using setting = await Setting.open({ world: { cloud: { clockOffsetMs: 400_000 } } });
  for (const level of ["cloud", "session"]) {
    const result = await setting.result("--level", level);
    assertEquals([result.state, result.code], ["up", 0], result.message);
    assertEquals(result.warnings.map(({ reason }) => reason), ["clock-skew"]);
  }
});

Deno.test("with a tunnel running a check opens no session of its own", async () => {
  await using setting = await Setting.open();
  const { world, camera } = setting.stage;
  await using tunnel = startProgram([
    SERIAL,
    "--cloud",
    setting.stage.cloudArgument,
    "--state-dir",
    `${setting.folder}/state`,
    "-L",
    "0:554",
  ], { env: { XDG_STATE_HOME: `${setting.folder}/home`, DAHUA_P2P_NO_STATE: "" } });
  await tunnel.line(/^READY /);
  const { sessionsOpened } = world.counters;
  const { connections } = camera.stats;
  const channels = world.counters.requests["p2p-channel"];
  for (const level of ["session", "port", "rtsp"]) {
    const result = await setting.result("--level", level);
    assertEquals([result.state, result.source], ["up", "tunnel"], result.message);
    assertEquals(result.reached, level);
    assertEquals(result.path, "direct");
  }
  const media = await setting.result(
    ...["--level", "media", "--media-time", "1s", "-u", LOGIN.username, "-p", LOGIN.password],
  );
  assertEquals([media.state, media.source], ["up", "tunnel"], media.message);
  const other = await setting.result("--level", "port", "--port", "80");
  assertEquals([other.state, other.reached], ["up", "session"]);
  assertStringIncludes(other.message, "port 80 not forwarded");
  assertEquals(world.counters.sessionsOpened, sessionsOpened);
  assertEquals(world.counters.requests["p2p-channel"], channels);
  assertEquals(camera.stats.connections, connections + 2);
  // A tunnel that was killed is no longer asked, whatever it left behind.
  tunnel.signal("SIGKILL");
  await tunnel.outcome;
  const after = await setting.result("--level", "session");
  assertEquals([after.state, after.source], ["up", "session"]);
  assert(world.counters.sessionsOpened > sessionsOpened);
});

Deno.test("under cron it behaves: no terminal, closed input, no environment, a home that is read-only", async () => {
  await using setting = await Setting.open();
  const run = async (...words: string[]): Promise<Outcome> => {
    const [command, ...first] = programCommand();
    const { code, stdout, stderr } = await new Deno.Command(command!, {
      args: [...first, ...words],
      cwd: new URL("../../", import.meta.url),
      clearEnv: true,
      env: {
        HOME: "/proc/1",
        TMPDIR: "/proc/1",
        PATH: "/usr/bin:/bin",
        ...(Deno.env.get("DENO_DIR") ? { DENO_DIR: Deno.env.get("DENO_DIR")! } : {
          DENO_DIR: `${Deno.env.get("HOME")}/.cache/deno`,
        }),
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  };
  const cloud = ["check", "--cloud", setting.stage.cloudArgument, "--quiet"];
  assertEquals(await run(...cloud, SERIAL), { code: 0, stdout: "", stderr: "" });
  const unknown = await run(...cloud, "EXAMPLE0SERIAL9");
  assertEquals(unknown.code, 68);
  assertMatch(unknown.stdout, /device-unknown/);
  assert(!unknown.stdout.includes("\x1b"));
  const asks = await run(...cloud, "-u", "viewer", SERIAL);
  assertEquals(asks.code, 78);
  const noList = await run(...cloud, "--file", "-");
  assertEquals(noList.code, 78);
  const noState = await run(...cloud, "--on-change", "true", SERIAL);
  assertEquals(noState.code, 78);
  assertStringIncludes(noState.stderr, "--state-dir");
});

Deno.test("a run that is stopped keeps what it has, says what it has not, and ends with the signal's code", async () => {
  await using setting = await Setting.open();
  const silent = `${SERIAL} good\nEXAMPLE0SERIAL9 bad\n`;
  await Deno.writeTextFile(`${setting.folder}/list`, silent);
  const history = `${setting.folder}/history.jsonl`;
  await using run = startProgram(
    setting.words(
      ...["--file", `${setting.folder}/list`, "--level", "cloud", "--rate", "1"],
      ...["--concurrency", "1", "--history", history],
      ...["--textfile", `${setting.folder}/m.prom`, "--json"],
    ),
  );
  await run.line(/"event":"result"/);
  run.signal("SIGTERM");
  const { code, stdout } = await run.outcome;
  assertEquals(code, 143);
  const lines = parseLines(stdout);
  assertEquals(lines.map(({ event, state }) => [event, state]), [
    ["result", "up"],
    ["result", "unknown"],
    ["summary", undefined as unknown as string],
  ]);
  assertStringIncludes(await Deno.readTextFile(`${setting.folder}/m.prom`), "exit_code 143");
  const kept = (await Deno.readTextFile(history)).trimEnd().split("\n");
  assertEquals(kept.length, 2);
});

Deno.test("a run that is killed has kept every result it has shown", async () => {
  for (const name of ["history.db", "history.jsonl"]) {
    await using setting = await Setting.open();
    const list = `${SERIAL} good\nEXAMPLE0SERIAL9 bad\n`;
    await Deno.writeTextFile(`${setting.folder}/list`, list);
    const history = `${setting.folder}/${name}`;
    await using run = startProgram(
      setting.words(
        ...["--file", `${setting.folder}/list`, "--level", "cloud", "--rate", "1"],
        ...["--concurrency", "1", "--history", history, "--json"],
      ),
    );
    await run.line(/"event":"result"/);
    run.signal("SIGKILL");
    await run.outcome;
    const report = await runProgram(["report", "--json", "--history", history]);
    assertEquals(report.code, 0, report.stderr);
    assertStringIncludes(report.stdout, '"checks":1');
    // And the next run is not kept out by what the dead one held.
    assertEquals((await setting.run("--level", "cloud", "--history", history, SERIAL)).code, 0);
  }
});

/** Runs a shell script in which `/tmp/small` of a folder is a disk of 16 KiB; nothing where that cannot be. */
async function onSmallDisk(folder: string, script: string): Promise<Outcome | undefined> {
  await Deno.mkdir(folder, { recursive: true });
  const { code, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["-rm", "sh", "-c", `mount -t tmpfs -o size=16k small '${folder}' || exit 99; ${script}`],
    cwd: new URL("../../", import.meta.url),
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  if (code === 99) return undefined;
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

const isLinux = Deno.build.os === "linux";

Deno.test({
  name: "a full disk costs the exit code, never the check",
  ignore: !isLinux,
  fn: async () => {
    await using setting = await Setting.open();
    const [command, ...first] = programCommand();
    const quote = (words: readonly string[]): string =>
      [command!, ...first, ...words].map((word) => `'${word}'`).join(" ");
    const redirects = [["> /dev/full", 78], ["| true", 0]] as const;
    for (const [redirect, code] of redirects) {
      const shell = await new Deno.Command("sh", {
        args: ["-c", `${quote(setting.words(SERIAL))} ${redirect}`],
        cwd: new URL("../../", import.meta.url),
        stdin: "null",
      }).output();
      assertEquals(shell.code, code);
    }
    const small = `${setting.folder}/small`;
    for (const history of ["h.jsonl", "h.db"]) {
      const words = setting.words(
        ...["--textfile", `${small}/m.prom`, "--junit", `${small}/j.xml`],
        ...["--history", `${small}/${history}`, SERIAL],
      );
      const fill = `head -c 1M /dev/zero > '${small}/filler' 2>/dev/null;`;
      const full = await onSmallDisk(small, `${fill} ${quote(words)}`);
      // Without the right to mount there is nothing to learn here.
      if (full === undefined) return;
      assertEquals(full.code, 78, full.stdout + full.stderr);
      assertMatch(full.stdout, /^EXA\.\.\.AL0 {2}up /);
      assertMatch(full.stderr, /textfile .* the disk is full/);
      assertMatch(full.stderr, /JUnit report .* the disk is full/);
      assertMatch(full.stderr, /history .* the disk is full/);
    }
  },
});

Deno.test("every password stays out of everything that is written", async () => {
  await using setting = await Setting.open({ device: { authType: 1 } });
  const files = ["m.prom", "j.xml", "h.jsonl"].map((name) => `${setting.folder}/${name}`);
  const { stdout, stderr } = await setting.run(
    ...["-u", LOGIN.username, "-p", LOGIN.password, "--json", "--log-level", "trace"],
    ...["--textfile", files[0]!, "--junit", files[1]!, "--history", files[2]!, SERIAL],
  );
  const written = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  for (const text of [stdout, stderr, ...written]) {
    assert(!text.includes(LOGIN.password));
    assert(!text.includes(SERIAL));
  }
});

Deno.test("the RTSP client describes, plays and measures a foreign server", async () => {
  await using server = await startGStreamer();
  const url = "rtsp://127.0.0.1/live";
  const ask = async (
    credentials: { username: string; password: string } | undefined,
  ): Promise<{ events: RtspDialogueEvent[]; failure: Failure | undefined }> => {
    const stream = await TcpByteStream.connect("127.0.0.1", server.port);
    const events: RtspDialogueEvent[] = [];
    const failure = await runRtspDialogue(stream, {
      goal: "media",
      streams: [{ channel: 1, url: url.replace("/live", `:${server.port}/live`) }],
      credentials,
      account: "unproven",
      path: "none",
      random: systemRandom,
      measureMs: 2_000,
    }, (event) => events.push(event));
    return { events, failure };
  };
  const { events, failure } = await ask(LOGIN);
  assertEquals(failure, undefined);
  assertEquals(events.map(({ type }) => type), ["answered", "described", "measured"]);
  const [, described, measured] = events;
  assert(described?.type === "described" && measured?.type === "measured");
  const video = described.media.find(({ kind }) => kind === "video");
  assertEquals(video?.codec, "H264");
  assert((video?.size?.width ?? 0) > 0);
  const { framesPerSecond, keyFrameMs, packetsMissing, bitsPerSecond } = measured.figures;
  assert(framesPerSecond > 5 && framesPerSecond < 61, `${framesPerSecond}`);
  assert(keyFrameMs !== undefined && bitsPerSecond > 0);
  assertEquals(packetsMissing, 0);
  assertEquals((await ask({ ...LOGIN, password: "wrong" })).failure?.reason, "rtsp-unauthorized");
  assertEquals((await ask(undefined)).failure?.reason, "rtsp-unauthorized");
});
