import { assert, assertEquals, assertFalse } from "@std/assert";
import { hasDisplay, PLAYER_ARGUMENTS, playlist } from "../../lib/cli/player.ts";

Deno.test("the player's list holds the credentials percent-encoded, so that nothing breaks its quotes", () => {
  const credentials = { username: "us'er", password: "p@ss:w/or'd#é\\" };
  assertEquals(
    playlist("::1", 1554, credentials),
    "ffconcat version 1.0\n" +
      "file 'rtsp://us%27er:p%40ss%3Aw%2For%27d%23%C3%A9%5C@[::1]:1554/cam/realmonitor?channel=1&subtype=0'\n",
  );
});

Deno.test("nothing of a stream is in the player's arguments", () => {
  assertEquals(PLAYER_ARGUMENTS.slice(-2), ["-i", "pipe:0"]);
  assertFalse(PLAYER_ARGUMENTS.some((word) => /rtsp:\/\//.test(word)));
});

Deno.test("a display is what the system says it is", () => {
  const env = (values: Record<string, string>) => (name: string): string | undefined =>
    values[name];
  assertFalse(hasDisplay({ os: "linux", env: env({}) }));
  assertFalse(hasDisplay({ os: "linux", env: env({ DISPLAY: "" }) }));
  assert(hasDisplay({ os: "linux", env: env({ DISPLAY: ":0" }) }));
  assert(hasDisplay({ os: "linux", env: env({ WAYLAND_DISPLAY: "wayland-0" }) }));
  assert(hasDisplay({ os: "windows", env: env({}) }));
  assert(hasDisplay({ os: "darwin", env: env({}) }));
});
