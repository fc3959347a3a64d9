import { assertEquals } from "@std/assert";
import { MuteRealms } from "../../lib/core/mute_realms.ts";

Deno.test("a realm that sent waits since its last byte", () => {
  const mute = new MuteRealms();
  assertEquals(mute.since, undefined);
  mute.sent(1, 1_000);
  assertEquals(mute.since, 1_000);
  mute.sent(1, 5_000);
  assertEquals(mute.since, 5_000, "a long upload is no zombie");
});

Deno.test("of several realms the one that has waited longest counts", () => {
  const mute = new MuteRealms();
  mute.sent(1, 1_000);
  mute.sent(2, 2_000);
  mute.sent(1, 3_000);
  assertEquals(mute.since, 2_000);
});

Deno.test("a client that waited in vain and left stays evidence, however often it comes again", () => {
  const mute = new MuteRealms();
  mute.sent(1, 1_000);
  mute.ended(1, 3_000);
  mute.sent(2, 4_000);
  assertEquals(mute.since, 1_000);
  mute.ended(2, 9_000);
  assertEquals(mute.since, 1_000);
});

Deno.test("a client that left before an answer could come proves nothing", () => {
  const mute = new MuteRealms();
  mute.sent(1, 1_000);
  mute.ended(1, 2_999);
  mute.ended(7, 2_999);
  assertEquals(mute.since, undefined);
});
