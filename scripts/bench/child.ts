/**
 * A process of the bench, seen from the one that started it.
 *
 * @module
 */
import { type ProcessCost, processCost } from "./process_meter.ts";

const ROOT = new URL("../../", import.meta.url);

/** A running worker that answers one command at a time. */
export class Child<Hello, Command> implements AsyncDisposable {
  /** What it said first. */
  readonly hello: Hello;
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(
    hello: Hello,
    process: Deno.ChildProcess,
    lines: AsyncGenerator<string>,
  ) {
    this.hello = hello;
    this.#process = process;
    this.#lines = lines;
    this.#input = process.stdin.getWriter();
  }

  /** Starts `file` of this folder and waits for its hello. */
  static async start<Hello, Command = never>(
    file: string,
    args: readonly string[] = [],
  ): Promise<Child<Hello, Command>> {
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--allow-all", new URL(file, import.meta.url).pathname, ...args],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = readLines(process.stdout);
    const hello = JSON.parse(await nextLine(lines, file)) as Hello;
    return new Child<Hello, Command>(hello, process, lines);
  }

  /** What it has cost so far. */
  get cost(): ProcessCost {
    return processCost(this.#process.pid);
  }

  /** Sends a command and waits for the answer. */
  async ask<Answer>(command: Command): Promise<Answer> {
    await this.#input.write(new TextEncoder().encode(JSON.stringify(command) + "\n"));
    return JSON.parse(await nextLine(this.#lines, "worker")) as Answer;
  }

  /** Ends it at once, whatever it does. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#lines.return(undefined);
    await this.#process.status;
  }
}

async function nextLine(lines: AsyncGenerator<string>, who: string): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error(`${who} ended before its answer`);
  return value;
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (
    const chunk of stream.pipeThrough(
      new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>,
    )
  ) {
    text += chunk;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}
