import { assert, assertEquals, assertFalse } from "@std/assert";
import { startWorld } from "../../fixtures/world/deno_shell.ts";
import { startProgram, Watched } from "./program.ts";

const SERIAL = "EXAMPLE0SERIAL7";
const LOGIN = { username: "viewer", password: "hunter22'@x" } as const;

/** A player that writes down what it is given: first its arguments, then its input. */
const FAKE_PLAYER = `#!/bin/sh
printf '%s\\n' "$@" > "$0.arguments"
cat > "$0.input"
echo "opened rtsp://viewer:secret@127.0.0.1/" >&2
exec sleep 60
`;

Deno.test({
  name:
    "--debug traces the protocol without secrets and opens the player without credentials in its arguments",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    const folder = await Deno.makeTempDir();
    const player = `${folder}/ffplay`;
    await Deno.writeTextFile(player, FAKE_PLAYER, { mode: 0o755 });
    const service = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = service.addr;
    const world = await startWorld({
      devices: [{
        ...LOGIN,
        serial: SERIAL,
        authType: 1,
        services: new Map([[554, { hostname: "127.0.0.1", port }]]),
      }],
    });
    try {
      const process = startProgram(
        ["-d", "-L", "0:554", "--cloud", `127.0.0.1:${world.cloudPort}`, SERIAL],
        {
          DISPLAY: ":0",
          PATH: `${folder}:${Deno.env.get("PATH")}`,
          DAHUA_P2P_USERNAME: LOGIN.username,
          DAHUA_P2P_PASSWORD: LOGIN.password,
        },
      );
      const [out, err] = [new Watched(process.stdout), new Watched(process.stderr)];
      await err.until(/ffplay: opened rtsp:\/\/\[redacted\]@127/);
      process.kill("SIGINT");
      const { code } = await process.status;
      assertEquals(code, 0, await err.all());
      const url = (await out.all()).match(/url=rtsp:\/\/(\S+)/)?.[1];
      assertEquals(
        await Deno.readTextFile(`${player}.input`),
        `ffconcat version 1.0\nfile 'rtsp://viewer:hunter22%27%40x@${url}'\n`,
      );
      const given = await Deno.readTextFile(`${player}.arguments`);
      assert(given.endsWith("-i\npipe:0\n"));
      assertFalse(/rtsp:|hunter|viewer/.test(given));
      assert(err.text.includes(" trace "), "there is a trace");
      for (const secret of [SERIAL, "hunter22", "hunter22%27", "viewer:secret"]) {
        assertFalse(err.text.includes(secret), secret);
        assertFalse(out.text.includes(secret), secret);
      }
    } finally {
      await world.close();
      service.close();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
