import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXECUTABLE_PERMISSIONS } from "../lib/cli/permissions.ts";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Starts the program from source as the executable is started: with the same permissions. */
function spawn(
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
      new URL("../main.ts", import.meta.url).href,
      ...words,
    ],
    env: { ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function outcome(process: Deno.ChildProcess): Promise<Outcome> {
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** A UDP socket that hears everything and answers nothing: a cloud that is silent. */
function silentCloud(): { readonly address: string; readonly close: () => void } {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  return { address: `127.0.0.1:${port}`, close: () => socket.close() };
}

Deno.test("a usage error ends the program with 64, one line and an empty standard output", async () => {
  const { code, out, err } = await outcome(spawn(["--passwort=hunter22"]));
  assertEquals([code, out], [64, ""]);
  assertMatch(err, /^\S+Z error\[usage\] dahua-p2p: Unknown option "--passwort"\. .*\n$/);
});

Deno.test("a user name without a password and without a terminal ends the program with 78", async () => {
  const { code, out, err } = await outcome(spawn(["7C03E8CPAG0001F"], { DAHUA_P2P_USERNAME: "x" }));
  assertEquals([code, out], [78, ""]);
  assertMatch(err, /^\S+Z error\[config\] dahua-p2p: .*\n$/);
});

Deno.test("the help goes to standard output", async () => {
  const { code, out, err } = await outcome(spawn(["--help"]));
  assertEquals([code, err], [0, ""]);
  assert(out.startsWith("Reaches a Dahua camera"));
});

Deno.test("a reader of the help that goes away is neither success nor a stack trace", async () => {
  const process = spawn(["--help"]);
  await process.stdout.cancel();
  const [{ code }, err] = await Promise.all([
    process.status,
    new Response(process.stderr).text(),
  ]);
  assertEquals([code, err], [141, ""]);
});

Deno.test("a signal before READY ends the program with its own code", async () => {
  const cloud = silentCloud();
  try {
    for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
      const words = [
        "--cloud",
        cloud.address,
        "-L",
        "0:554",
        "--log-level=trace",
        "7C03E8CPAG0001F",
      ];
      const process = spawn(words);
      const reader = process.stderr.getReader();
      // The first line of the trace shows that the signals are listened to.
      await reader.read();
      reader.releaseLock();
      process.kill(signal);
      const { code, out, err } = await outcome(process);
      assertEquals([code, out], [expected, ""], err);
    }
  } finally {
    cloud.close();
  }
});
