import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { programCommand } from "../support/program.ts";
import { SERIAL, Stage } from "../support/stage.ts";
import { cronJob, recipe, recipeCommands, RECIPES } from "../scripts/recipes.ts";

/** A machine as the recipes know it: the program in the path, a list, folders that can be written. */
class Machine implements AsyncDisposable {
  readonly stage: Stage;
  readonly folder: string;

  private constructor(stage: Stage, folder: string) {
    this.stage = stage;
    this.folder = folder;
  }

  static async open(): Promise<Machine> {
    const folder = await Deno.makeTempDir();
    await Deno.mkdir(`${folder}/bin`);
    await Deno.mkdir(`${folder}/var`);
    const words = programCommand().map((word) => `'${word}'`).join(" ");
    const script = `#!/bin/sh\nexec ${words} "$@"\n`;
    await Deno.writeTextFile(`${folder}/bin/dahua-p2p`, script, { mode: 0o755 });
    await Deno.writeTextFile(`${folder}/cameras.txt`, `${SERIAL} front-door\n`);
    return new Machine(await Stage.open(), folder);
  }

  /** Runs a command of a recipe here, as a scheduler does: without terminal, input and environment. */
  async run(
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ code: number; out: string; err: string }> {
    const here = words.map((word) =>
      word
        .replaceAll("/etc/dahua-p2p/cameras.txt", `${this.folder}/cameras.txt`)
        .replaceAll(/\/var\/lib\/[\w/-]+\//g, `${this.folder}/var/`)
        .replaceAll(/\/var\/lib\/[\w/-]+$/g, `${this.folder}/var`)
        .replaceAll("/tmp/state", `${this.folder}/state`)
        .replaceAll("$ARG1$", SERIAL)
        .replaceAll("$(JOB_COMPLETION_INDEX)", env["JOB_COMPLETION_INDEX"] ?? "0")
    );
    const home = Deno.env.get("HOME") ?? "/";
    const { code, stdout, stderr } = await new Deno.Command(`${this.folder}/bin/dahua-p2p`, {
      args: here,
      clearEnv: true,
      env: {
        PATH: "/usr/bin:/bin",
        HOME: this.folder,
        DENO_DIR: Deno.env.get("DENO_DIR") ?? `${home}/.cache/deno`,
        DAHUA_P2P_CLOUD: this.stage.cloudArgument,
        // A test does not wait at random.
        DAHUA_P2P_SPLAY: "0s",
        ...env,
      },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    return { code, out: text.decode(stdout), err: text.decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** The command of a file that begins with this word, without what makes tests wait. */
function command(file: string, first: "check" | "report"): readonly string[] {
  const found = recipeCommands().find((one) => one.file === file && one.words[0] === first);
  assert(found, file);
  const splay = found.words.indexOf("--splay");
  return splay < 0 ? found.words : found.words.toSpliced(splay, 2);
}

const isUnix = Deno.build.os !== "windows";

Deno.test({
  name: "the crontab's lines check, keep a history, and make the page of the month",
  ignore: !isUnix,
  fn: async () => {
    await using machine = await Machine.open();
    const well = await machine.run(command("dahua-p2p-check.cron", "check"));
    assertEquals(well, { code: 0, out: "", err: "" });
    machine.stage.world.silent.add("us");
    machine.stage.world.silent.add("main");
    const words = command("dahua-p2p-check.cron", "check").with(
      command("dahua-p2p-check.cron", "check").indexOf("4m"),
      "2s",
    );
    const ill = await machine.run(words);
    assertEquals(ill.code, 75, ill.err);
    assertMatch(ill.out, /^front-door +down .*\n0\/1 up \(1 down\)\n$/);
    const report = await machine.run(command("dahua-p2p-check.cron", "report"));
    assertEquals(report.code, 0, report.err);
    const page = await Deno.readTextFile(`${machine.folder}/var/report.html`);
    assertStringIncludes(page, "front-door");
  },
});

Deno.test({
  name: "the commands of the unit, of Nagios and of Prometheus do what their pages say",
  ignore: !isUnix,
  fn: async () => {
    await using machine = await Machine.open();
    const unit = await machine.run(command("dahua-p2p-check.service", "check"));
    assertEquals([unit.code, unit.out.split("\n").at(-2)], [0, "1/1 up"], unit.err);
    const nagios = await machine.run(command("dahua-p2p.cfg", "check"));
    assertEquals(nagios.code, 0);
    assertMatch(nagios.out, /^DAHUA-P2P OK - [^\n|]+ \| handshake=[^\n]+\n$/);
    const prometheus = await machine.run(command("prometheus.md", "check"));
    assertEquals(prometheus.code, 0, prometheus.err);
    const metrics = await Deno.readTextFile(`${machine.folder}/var/dahua_p2p.prom`);
    assertStringIncludes(metrics, 'probe_success{device="front-door",level="rtsp"} 1');
  },
});

Deno.test({
  name: "of the pods of a Kubernetes job exactly one checks the device",
  ignore: !isUnix,
  fn: async () => {
    await using machine = await Machine.open();
    const words = command("check-cronjob.yaml", "check");
    const pods = await Promise.all(
      ["0", "1", "2", "3"].map((JOB_COMPLETION_INDEX) =>
        machine.run(words.filter((word) => !word.startsWith("--splay")), { JOB_COMPLETION_INDEX })
      ),
    );
    for (const { code, err } of pods) assertEquals(code, 0, err);
    const results = pods.flatMap(({ out }) => out.match(/"event":"result"/g) ?? []);
    assertEquals(results.length, 1);
  },
});

Deno.test({
  name: "the watchdog's recipe tells of begin and end",
  ignore: !isUnix,
  fn: async () => {
    await using machine = await Machine.open();
    const paths: string[] = [];
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => {
        paths.push(new URL(request.url).pathname);
        return new Response("OK");
      },
    );
    const words = command("healthchecks.md", "check").map((word) =>
      word.replace("https://hc-ping.com", `http://127.0.0.1:${server.addr.port}`)
    );
    assertEquals((await machine.run(words)).code, 0);
    assertEquals(paths, ["/your-uuid/start", "/your-uuid/0"]);
  },
});

/** Runs a foreign program, or nothing where there is none. */
async function foreign(
  name: string,
  args: readonly string[],
  input = "",
): Promise<string | undefined> {
  try {
    const child = new Deno.Command(name, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const text = new TextDecoder();
    const said = text.decode(stdout) + text.decode(stderr);
    assertEquals(code, 0, said);
    return said;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

Deno.test("systemd finds nothing wrong with the units", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["dahua-p2p-check.service", "dahua-p2p-check.timer"]) {
      // The executable need not be installed where the test runs.
      const text = recipe(name).replaceAll("/usr/local/bin/dahua-p2p", "/bin/true");
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const units = ["service", "timer"].map((kind) => `${folder}/dahua-p2p-check.${kind}`);
    const said = await foreign("systemd-analyze", ["verify", "--man=no", ...units]);
    if (said !== undefined) assertEquals(said, "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Prometheus finds nothing wrong with the rules, nor with the metrics", async () => {
  const rules = new URL("dahua-p2p-rules.yaml", RECIPES).pathname;
  const said = await foreign("promtool", ["check", "rules", rules]);
  if (said === undefined) return;
  assertMatch(said, /SUCCESS: \d+ rules found/);
  await using machine = await Machine.open();
  assertEquals((await machine.run(command("prometheus.md", "check"))).code, 0);
  const metrics = await Deno.readTextFile(`${machine.folder}/var/dahua_p2p.prom`);
  assertEquals(await foreign("promtool", ["check", "metrics"], metrics), "");
});

Deno.test("the manifest validates against Kubernetes' own schema", async () => {
  const program = `
    let CronJob;
    try {
      ({ CronJob } = await import("npm:kubernetes-models@5.1.0/batch/v1/CronJob"));
    } catch {
      console.log("not to be had");
      Deno.exit(0);
    }
    const manifest = JSON.parse(Deno.args[0]);
    new CronJob(manifest).validate();
    manifest.spec.jobTemplate.spec.completions = "four";
    try {
      new CronJob(manifest).validate();
    } catch {
      console.log("valid");
    }`;
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/validate.ts`, program);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-check", "--no-config", "--no-lock", "--allow-all"],
        `${folder}/validate.ts`,
        JSON.stringify(cronJob()),
      ],
    }).output();
    const text = new TextDecoder();
    assertEquals(code, 0, text.decode(stderr));
    assertMatch(text.decode(stdout), /^(valid|not to be had)\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
