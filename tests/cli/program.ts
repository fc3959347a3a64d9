import { EXECUTABLE_PERMISSIONS } from "../../lib/cli/permissions.ts";

/** How a program ended. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Starts the program from source as the executable is started: with the same permissions. */
export function startProgram(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--unstable-net",
      ...EXECUTABLE_PERMISSIONS,
      new URL("../../main.ts", import.meta.url).href,
      ...words,
    ],
    // What one test leaves behind must not reach another, nor the developer's own runs.
    env: { DAHUA_P2P_NO_STATE: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Waits for a program and takes what it printed. */
export async function outcome(process: Deno.ChildProcess): Promise<Outcome> {
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** Collects a stream and tells when it has shown something. */
export class Watched {
  #text = "";
  readonly #ended: Promise<void>;
  readonly #waiting = new Set<() => void>();
  #over = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#ended = this.#collect(stream);
  }

  /** Everything so far. */
  get text(): string {
    return this.#text;
  }

  /** Everything, when the stream has ended. */
  async all(): Promise<string> {
    await this.#ended;
    return this.#text;
  }

  /**
   * The first match, as soon as it is there.
   *
   * @throws {Error} When the stream ends without one.
   */
  async until(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = this.#text.match(pattern);
      if (match) return match;
      if (this.#over) throw new Error(`ended without ${pattern}: ${this.#text}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += chunk;
      this.#wake();
    }
    this.#over = true;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
