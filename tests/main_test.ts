import { assert, assertEquals, assertMatch } from "@std/assert";
import { outcome, startProgram, Watched } from "./cli/program.ts";

/** A UDP socket that hears everything and answers nothing: a cloud that is silent. */
function silentCloud(): { readonly address: string; readonly close: () => void } {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  return { address: `127.0.0.1:${port}`, close: () => socket.close() };
}

Deno.test("a usage error ends the program with 64, one line and an empty standard output", async () => {
  const { code, out, err } = await outcome(startProgram(["--passwort=hunter22"]));
  assertEquals([code, out], [64, ""]);
  assertMatch(err, /^\S+Z error\[usage\] dahua-p2p: Unknown option "--passwort"\. .*\n$/);
});

Deno.test("a user name without a password and without a terminal ends the program with 78", async () => {
  const { code, out, err } = await outcome(
    startProgram(["7C03E8CPAG0001F"], { DAHUA_P2P_USERNAME: "x" }),
  );
  assertEquals([code, out], [78, ""]);
  assertMatch(err, /^\S+Z error\[config\] dahua-p2p: .*\n$/);
});

Deno.test("the help goes to standard output", async () => {
  const { code, out, err } = await outcome(startProgram(["--help"]));
  assertEquals([code, err], [0, ""]);
  assert(out.startsWith("Reaches a Dahua camera"));
});

Deno.test("a reader of the help that goes away is neither success nor a stack trace", async () => {
  const process = startProgram(["--help"]);
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
      const process = startProgram(words);
      const [out, err] = [new Watched(process.stdout), new Watched(process.stderr)];
      // The first line of the trace shows that the signals are listened to.
      await err.until(/\n/);
      process.kill(signal);
      const { code } = await process.status;
      assertEquals([code, await out.all()], [expected, ""], await err.all());
    }
  } finally {
    cloud.close();
  }
});
