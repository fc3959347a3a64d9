/**
 * The program as a subprocess: from source, or the executable named by `E2E_EXECUTABLE`.
 *
 * @module
 */

/** What a finished run printed. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run that goes on. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** Resolves with the nth line of stdout that `matches`; rejects when the run ends before. */
  line(matches: RegExp, nth?: number): Promise<string>;
  /** Resolves with the nth line of stderr that `matches`; rejects when the run ends before. */
  errorLine(matches: RegExp, nth?: number): Promise<string>;
  signal(signal: Deno.Signal): void;
  /** Resolves when it has ended. */
  readonly outcome: Promise<Outcome>;
}

/** Choices for a run. */
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Text for stdin; without it stdin is closed. */
  readonly stdin?: string;
}

/** Longer than any test has to wait for a run. */
const LONGEST_RUN_MS = 120_000;

const ROOT = new URL("../../", import.meta.url);

/** The words that start the program, without its arguments. */
export function programCommand(): readonly string[] {
  const executable = Deno.env.get("E2E_EXECUTABLE");
  if (executable) return [executable];
  const config = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  const start: string = config.tasks.start.command ?? config.tasks.start;
  const flags = start.split(" ").filter((word) => word.startsWith("-"));
  return [Deno.execPath(), "run", "--quiet", ...flags, new URL("main.ts", ROOT).pathname];
}

/** Starts the program. */
export function startProgram(args: readonly string[], options: ProgramOptions = {}): Running {
  const [command, ...first] = programCommand();
  const child = new Deno.Command(command!, {
    args: [...first, ...args],
    cwd: ROOT,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    // What one test leaves behind must not reach another, nor the developer's own runs.
    env: { NO_COLOR: "1", DAHUA_P2P_NO_STATE: "1", ...options.env },
  }).spawn();
  const stdout = new LineWatch(child.stdout);
  const stderr = new LineWatch(child.stderr);
  const feeding = options.stdin === undefined ? undefined : feed(child, options.stdin);
  // A run that does not end by itself must not take the whole suite with it.
  const limit = setTimeout(() => child.kill("SIGKILL"), LONGEST_RUN_MS);
  const outcome = (async (): Promise<Outcome> => {
    const [status] = await Promise.all([child.status, stdout.done, stderr.done, feeding]);
    clearTimeout(limit);
    return { code: status.code, stdout: stdout.text, stderr: stderr.text };
  })();
  return {
    pid: child.pid,
    outcome,
    line: (matches, nth = 1) => stdout.line(matches, nth, () => stderr.text),
    errorLine: (matches, nth = 1) => stderr.line(matches, nth, () => stdout.text),
    signal: (signal) => child.kill(signal),
    async [Symbol.asyncDispose](): Promise<void> {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await outcome;
    },
  };
}

/** Runs the program to its end. */
export async function runProgram(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Outcome> {
  return await startProgram(args, options).outcome;
}

async function feed(child: Deno.ChildProcess, text: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // The program ended without reading its input.
  }
}

/** Collects a stream's text and lets callers wait for a line. */
class LineWatch {
  text = "";
  readonly done: Promise<void>;
  #ended = false;
  readonly #waiting = new Set<() => void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.done = this.#collect(stream);
  }

  async line(matches: RegExp, nth: number, otherText: () => string): Promise<string> {
    for (;;) {
      const lines = this.text.split("\n");
      if (!this.#ended) lines.pop();
      const found = lines.filter((line) => matches.test(line))[nth - 1];
      if (found !== undefined) return found;
      if (this.#ended) {
        throw new Error(
          `no line ${nth} matches ${matches} in:\n${this.text}\nelsewhere:\n${otherText()}`,
        );
      }
      await new Promise<void>((wake) => this.#waiting.add(wake));
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (
      const chunk of stream.pipeThrough(
        new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>,
      )
    ) {
      this.text += chunk;
      this.#wakeAll();
    }
    this.#ended = true;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
