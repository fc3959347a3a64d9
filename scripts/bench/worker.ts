/**
 * A process of the bench, seen from inside: it says hello, then answers commands until stdin ends.
 *
 * @module
 */

/**
 * Serves the process's stdin: one line of JSON in, one line of JSON out, one at a time.
 *
 * @param hello What is said first, e.g. which port it listens on.
 * @param handle Answers one command.
 */
export async function serveCommands<Command>(
  hello: unknown,
  handle: (command: Command) => Promise<unknown> | unknown,
): Promise<never> {
  say(hello);
  let text = "";
  for await (
    const chunk of Deno.stdin.readable.pipeThrough(
      new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>,
    )
  ) {
    text += chunk;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      say(await handle(JSON.parse(line) as Command) ?? null);
    }
  }
  Deno.exit(0);
}

function say(value: unknown): void {
  const line = new TextEncoder().encode(JSON.stringify(value) + "\n");
  for (let rest = line; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
}
