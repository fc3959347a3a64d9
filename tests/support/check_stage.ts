/**
 * `check` in this process, against a simulated world, with a state directory of its own.
 *
 * @module
 */
import { resetSync } from "@std/log";
import { runCommandLine } from "../../lib/cli/command_line.ts";
import { fakeHost, type FakeHostOptions } from "../cli/fake_host.ts";
import { SERIAL, Stage, type StageOptions } from "./stage.ts";

/** How a run ended. */
export interface CheckOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a result line of `--json` says, as far as tests look at it. */
export interface ResultLine {
  readonly event: string;
  readonly device: string;
  readonly id: string;
  readonly state: string;
  readonly reason: string;
  readonly message: string;
  readonly source: string;
  readonly reached?: string;
  readonly path?: string;
  readonly phases: Readonly<Record<string, number>>;
  readonly warnings: readonly { readonly reason: string }[];
}

/** A world, and a folder for whatever a check writes. */
export class CheckStage implements AsyncDisposable {
  readonly stage: Stage;
  readonly folder: string;

  private constructor(stage: Stage, folder: string) {
    this.stage = stage;
    this.folder = folder;
  }

  /** Sets it up. */
  static async open(options: StageOptions = {}): Promise<CheckStage> {
    const folder = await Deno.makeTempDir({ prefix: "dahua-check-" });
    return new CheckStage(await Stage.open(options), folder);
  }

  /** A path inside the folder. */
  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** The options every run here needs. */
  get arguments(): readonly string[] {
    return ["--cloud", this.stage.cloudArgument, "--state-dir", this.path("state"), "--no-state"];
  }

  /** Runs `check` in this process. */
  async run(words: readonly string[], host: FakeHostOptions = {}): Promise<CheckOutcome> {
    return await runHere(["check", ...this.arguments, ...words], host);
  }

  /** Runs `check --json` for the device of this world and takes its result. */
  async result(...words: string[]): Promise<ResultLine> {
    const { out } = await this.run(["--json", ...words, SERIAL]);
    return parseLines(out)[0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Runs a command line in this process. */
export async function runHere(
  words: readonly string[],
  options: FakeHostOptions = {},
): Promise<CheckOutcome> {
  const host = fakeHost(options);
  try {
    const code = await runCommandLine(words, {
      ...host,
      open: (path) => options.files?.[path] === undefined ? Deno.openSync(path) : host.open(path),
    });
    return { code, out: host.out(), err: host.err() };
  } finally {
    resetSync();
  }
}

/** The objects of JSON lines. */
export function parseLines(text: string): readonly ResultLine[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}
