import { assertEquals, assertMatch } from "@std/assert";
import { assertPlayed, play } from "../support/player.ts";
import { startProgram } from "../support/program.ts";
import { LOGIN, readyPort, Stage } from "../support/stage.ts";

const ENV = {
  DAHUA_P2P_USERNAME: LOGIN.username,
  DAHUA_P2P_PASSWORD: LOGIN.password,
};

function streamUrl(port: number, channel = 1, subtype = 0): string {
  return `rtsp://${LOGIN.username}:${LOGIN.password}@127.0.0.1:${port}` +
    `/cam/realmonitor?channel=${channel}&subtype=${subtype}`;
}

for (const authType of [0, 1] as const) {
  for (const path of ["direct", "relay"] as const) {
    Deno.test(`ffmpeg decodes 300 frames over the ${path} path, authentication type ${authType}`, async () => {
      await using stage = await Stage.open({
        device: { authType, sign: path === "direct" ? "required" : "optional" },
        camera: { speed: 4 },
      });
      await using tunnel = stage.tunnel(["-L", "0:554", "--path", path], ENV);
      const ready = await tunnel.line(/^READY /);
      assertMatch(ready, new RegExp(` path=${path} `));
      const url = streamUrl(readyPort(ready));
      const [plain, tcp] = await Promise.all([
        play(url, 300),
        play(url, 300, ["-rtsp_transport", "tcp"]),
      ]);
      assertPlayed(plain, 300);
      assertEquals(plain.udpRefused, 1);
      assertPlayed(tcp, 300);
      assertEquals(tcp.udpRefused, 0);
      assertEquals(stage.camera.stats.udpSetups, 0);
      tunnel.signal("SIGINT");
      const { code, stdout } = await tunnel.outcome;
      assertEquals(code, 0);
      assertEquals(stdout, `${ready}\n`);
    });
  }
}

Deno.test("ffprobe names both streams without any transport option", async () => {
  await using stage = await Stage.open();
  await using tunnel = stage.tunnel(["-L", "0:554"]);
  const url = streamUrl(readyPort(await tunnel.line(/^READY /)));
  const { code, stdout } = await new Deno.Command("ffprobe", {
    args: ["-v", "quiet", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0", url],
    stdin: "null",
  }).output();
  assertEquals(code, 0);
  assertEquals(new TextDecoder().decode(stdout).trim().split("\n").sort(), [
    "h264,640",
    "pcm_alaw",
  ]);
});

Deno.test("four players watch four streams at once through one session", async () => {
  await using stage = await Stage.open({ camera: { speed: 4 } });
  await using tunnel = stage.tunnel(["-L", "0:554"], ENV);
  const port = readyPort(await tunnel.line(/^READY /));
  const sessions = stage.world.counters.sessionsOpened;
  const players = [[1, 0], [1, 1], [2, 0], [2, 1]].map(([channel, subtype]) =>
    play(streamUrl(port, channel, subtype), 300)
  );
  for (const played of await Promise.all(players)) assertPlayed(played, 300);
  assertEquals(stage.world.counters.sessionsOpened, sessions);
});

Deno.test("the demonstration shows a picture to whoever follows its advice", async () => {
  await using demo = startProgram(["demo", "-L", "0:554"]);
  const ready = await demo.line(/^READY /);
  assertPlayed(await play(streamUrl(readyPort(ready)), 30), 30);
  demo.signal("SIGTERM");
  assertEquals((await demo.outcome).code, 0);
});
