import { assertRejects, assertThrows } from "@std/assert";
import { openTunnel, startTunnel } from "../../lib/net/tunnel.ts";

Deno.test("a serial that cannot be one is the caller's mistake, told before anything is opened", async () => {
  for (const serial of ["", "SHORT", "bad serial!", "0123456789/../device", "A".repeat(33)]) {
    await assertRejects(() => openTunnel(serial), RangeError, "10 to 32");
    assertThrows(() => startTunnel(serial), RangeError, "10 to 32");
  }
});
