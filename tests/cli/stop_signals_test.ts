import { assertEquals } from "@std/assert";
import { StopSignals } from "../../lib/cli/stop_signals.ts";

Deno.test({
  name: "the first signal is a request, every further one ends the process at once",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    // SIGINT would end the test runner, too.
    // A signal listener alone does not keep a process alive.
    const awake = setInterval(() => {}, 1000);
    const exited = Promise.withResolvers<number>();
    using signals = new StopSignals(exited.resolve);
    Deno.kill(Deno.pid, "SIGTERM");
    assertEquals(await signals.first, { signal: "SIGTERM", exitCode: 143 });
    const before = await Promise.race([exited.promise, Promise.resolve("not ended")]);
    assertEquals(before, "not ended");
    Deno.kill(Deno.pid, "SIGTERM");
    assertEquals(await exited.promise, 143);
    clearInterval(awake);
  },
});
