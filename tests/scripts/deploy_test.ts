import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseXml } from "@std/xml";
import { parse } from "@std/yaml";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { COMMANDS } from "../../lib/cli/commands.ts";
import { EXIT } from "../../lib/cli/exit_codes.ts";
import { Settings } from "../../lib/cli/settings.ts";
import { textfile } from "../../lib/health/textfile.ts";
import { container, cronJob, recipe, recipeCommands, RECIPES, type Yaml } from "./recipes.ts";

const NOTHING = { endedAt: 0, durationMs: 0, exitCode: 0, version: "0" };

Deno.test("every command line of every recipe is one the program takes", () => {
  const commands = recipeCommands();
  assert(commands.length >= 10);
  const files = new Set(commands.map(({ file }) => file));
  for (const name of ["cron", "service", "xml", "yaml", "cfg"]) {
    assert([...files].some((file) => file.endsWith(`.${name}`)), name);
  }
  for (const { file, words: [name, ...words] } of commands) {
    const command = COMMANDS.find((one) => one.name === name);
    assert(command, `${file}: ${name}`);
    // What is filled in where the command runs.
    const filled = words.map((word) =>
      word.replace("$(JOB_COMPLETION_INDEX)", "0").replace("$ARG1$", "7C00000AAA0001F")
    );
    const settings = new Settings(
      parseArguments(filled, command.options),
      command.options,
      () => undefined,
    );
    assert(settings instanceof Settings);
  }
});

Deno.test("every page is named by the overview, and every file by a page", () => {
  const names = [...Deno.readDirSync(RECIPES)].map(({ name }) => name);
  const overview = recipe("README.md");
  for (const name of names) if (name !== "README.md") assertStringIncludes(overview, `(${name})`);
});

Deno.test("the alerts use metrics that a check writes, with labels it gives them", () => {
  const result = {
    device: "d",
    id: "i",
    state: "up",
    reason: "ok",
    message: "",
    level: "rtsp",
    source: "session",
    startedAt: 0,
    durationMs: 0,
    phases: { session: 1 },
    path: "direct",
    roundTripMs: 1,
    packetsResent: 0,
    media: {
      frames: 1,
      framesPerSecond: 1,
      bitsPerSecond: 1,
      packets: 1,
      packetsMissing: 0,
      packetsBroken: 0,
    },
    warnings: [],
  } as const;
  const metrics = textfile([result], NOTHING);
  const { groups } = parse(recipe("dahua-p2p-rules.yaml")) as {
    groups: { rules: { alert: string; expr: string; annotations: Yaml }[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  assert(rules.length >= 5);
  const page = recipe("prometheus.md");
  for (const { expr, alert, annotations } of rules) {
    for (const [, name, labels = ""] of expr.matchAll(/(dahua_p2p_\w+)(?:\{([^}]*)\})?/g)) {
      const sample = metrics.split("\n").find((line) => line.startsWith(`${name}{`)) ??
        metrics.split("\n").find((line) => line.startsWith(`${name} `));
      assert(sample, `${alert}: ${name}`);
      for (const [, label] of labels.matchAll(/(\w+)[!=]/g)) {
        assertStringIncludes(sample, `${label}="`, `${alert}: ${label}`);
      }
    }
    assert(annotations["summary"], alert);
  }
  for (const [, name] of metrics.matchAll(/^# TYPE (\S+) /gm)) {
    if (name !== "dahua_p2p_build_info") assertStringIncludes(page, `\`${name}\``);
  }
});

Deno.test("the pods of the Kubernetes recipe share the list out completely", () => {
  // deno-lint-ignore no-explicit-any -- a tree of YAML
  const manifest = cronJob() as any;
  const job = manifest.spec.jobTemplate.spec;
  const shard = container().args.find((word) => word.startsWith("--shard="));
  assertEquals(shard, `--shard=$(JOB_COMPLETION_INDEX)/${job.completions}`);
  assertEquals(job.parallelism, job.completions);
  assertEquals(job.completionMode, "Indexed");
  assertEquals(manifest.spec.concurrencyPolicy, "Forbid");
  const [rule] = job.podFailurePolicy.rules;
  assertEquals(rule.onExitCodes.values, [EXIT.usage, EXIT.noPermission, EXIT.config]);
  assertEquals(rule.onExitCodes.containerName, job.template.spec.containers[0].name);
  assertEquals(job.template.spec.restartPolicy, "Never");
  const mounts: readonly { readonly name: string }[] = job.template.spec.containers[0].volumeMounts;
  const volumes: readonly { readonly name: string }[] = job.template.spec.volumes;
  assertEquals(mounts.map(({ name }) => name), volumes.map(({ name }) => name));
});

Deno.test("the Windows task is well-formed and runs one instance at a time", () => {
  const text = recipe("dahua-p2p-check.xml");
  const { root } = parseXml(text) as { root: { name: string } };
  assertEquals(root.name, "Task");
  assertStringIncludes(text, "<MultipleInstancesPolicy>IgnoreNew<");
  assertStringIncludes(recipe("windows.md"), "0x4D (77)");
  assertEquals(0x4d, EXIT.noPermission);
  assertEquals([0x44, 0x45, 0x4b, 0x4e], [
    EXIT.noHost,
    EXIT.unavailable,
    EXIT.temporary,
    EXIT.config,
  ]);
});

Deno.test("the unit calls no failure what a retry mends", () => {
  const unit = recipe("dahua-p2p-check.service");
  const codes = /^SuccessExitStatus=(.*)$/m.exec(unit)![1]!.split(" ").map(Number);
  assertEquals(codes, [EXIT.noHost, EXIT.unavailable, EXIT.temporary]);
});
