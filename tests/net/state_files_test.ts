import { assert, assertEquals, assertThrows } from "@std/assert";
import { runningTunnels } from "../../lib/health/running_tunnels.ts";
import { deviceId, serialHash } from "../../lib/core/serial_hash.ts";
import { FileLock, HeldFile } from "../../lib/net/held_file.ts";
import { stateDirectories, writableStateDirectory } from "../../lib/net/state_directory.ts";
import {
  encodeTunnelRecord,
  type RecordedDevice,
  TUNNELS_FOLDER,
} from "../../lib/net/tunnel_record.ts";
import { writeWholeFile } from "../../lib/net/whole_file.ts";

const isUnix = Deno.build.os !== "windows";

async function inFolder(use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a lock is held by one, and known to be held by all", () =>
  inFolder((folder) => {
    const path = `${folder}/x.lock`;
    assertEquals(FileLock.isHeld(path), false);
    {
      using lock = FileLock.take(path);
      assert(lock);
      assertEquals(FileLock.take(path), undefined);
      assertEquals(FileLock.isHeld(path), true);
    }
    assertEquals(FileLock.isHeld(path), false);
    using again = FileLock.take(path);
    assert(again);
  }));

Deno.test("a held file says what its holder last wrote, and nothing without a holder", () =>
  inFolder((folder) => {
    const path = `${folder}/x`;
    assertEquals(HeldFile.read(path), undefined);
    const held = HeldFile.hold(path)!;
    held.write("a long first text");
    held.write("short");
    assertEquals(HeldFile.read(path), "short");
    assertEquals(HeldFile.hold(path), undefined);
    held[Symbol.dispose]();
    assertEquals(HeldFile.read(path), undefined);
    // What a killed process leaves is a text without a lock.
    Deno.writeTextFileSync(`${path}.json`, "left behind");
    assertEquals(HeldFile.read(path), undefined);
    assertThrows(() => HeldFile.hold(`${folder}/no/such/folder`), Deno.errors.NotFound);
  }));

Deno.test("a whole file replaces the old one or leaves it, and leaves nothing beside it", () =>
  inFolder((folder) => {
    const path = `${folder}/m.prom`;
    writeWholeFile(path, "one\n");
    writeWholeFile(path, "two\n");
    assertEquals(Deno.readTextFileSync(path), "two\n");
    if (isUnix) assertEquals(Deno.statSync(path).mode! & 0o777, 0o644);
    assertThrows(() => writeWholeFile(`${folder}/none/m.prom`, ""), Deno.errors.NotFound);
    Deno.mkdirSync(`${folder}/is-folder`);
    assertThrows(() => writeWholeFile(`${folder}/is-folder`, ""));
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      "is-folder",
      "m.prom",
    ]);
  }));

Deno.test("state is looked for in every place there is, the chosen one alone when there is one", () => {
  const env = (values: Record<string, string>) => (name: string): string | undefined =>
    values[name];
  const linux = stateDirectories({
    os: "linux",
    env: env({ HOME: "/home/a/", XDG_RUNTIME_DIR: "/run/user/1", USER: "a" }),
  });
  assertEquals(linux, [
    "/home/a/.local/state/dahua-p2p",
    "/run/user/1/dahua-p2p",
    "/tmp/dahua-p2p-a",
  ]);
  const windows = stateDirectories({ os: "windows", env: env({ LOCALAPPDATA: "C:\\L" }) });
  assertEquals(windows, ["C:\\L/dahua-p2p"]);
  assertEquals(stateDirectories({ os: "linux", env: env({ HOME: "/h" }), chosen: "/x" }), ["/x"]);
});

Deno.test({
  name: "state is written to the first place that is ours alone",
  ignore: !isUnix,
  fn: () =>
    inFolder((folder) => {
      Deno.mkdirSync(`${folder}/open`, { recursive: true });
      Deno.chmodSync(`${folder}/open`, 0o777);
      Deno.writeTextFileSync(`${folder}/file`, "");
      const places = [`${folder}/file`, `${folder}/open`, `${folder}/mine`];
      assertEquals(writableStateDirectory(places, "checks"), `${folder}/mine/checks`);
      assertEquals(Deno.statSync(`${folder}/mine`).mode! & 0o777, 0o700);
      assertEquals([...Deno.readDirSync(`${folder}/mine`)].map(({ name }) => name), ["checks"]);
      assertEquals(writableStateDirectory(places.slice(0, 2), "checks"), undefined);
    }),
});

const SERIAL = "EXAMPLE0SERIAL0";
const NOW = 1_700_000_000_000;
const DEVICE: RecordedDevice = { state: "up", path: "direct", ports: [] };

Deno.test("a running tunnel is found by serial while its process lives and renews its record", () =>
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/${TUNNELS_FOLDER}`);
    const find = runningTunnels(["/nonexistent", folder], () => NOW);
    assertEquals(find(SERIAL), undefined);
    const held = HeldFile.hold(`${folder}/${TUNNELS_FOLDER}/${deviceId(SERIAL)}`)!;
    const record = { pid: 7, serialHash: serialHash(SERIAL), writtenAt: NOW, device: DEVICE };
    held.write(encodeTunnelRecord(record));
    assertEquals(find(SERIAL), record);
    assertEquals(find("EXAMPLE0SERIAL1"), undefined);
    const cases = [
      { ...record, writtenAt: NOW - 36_000 },
      { ...record, writtenAt: NOW + 36_000 },
      { ...record, serialHash: serialHash("EXAMPLE0SERIAL1") },
    ];
    for (const wrong of cases) {
      held.write(encodeTunnelRecord(wrong));
      assertEquals(find(SERIAL), undefined);
    }
    for (const text of ["", "{", "null", "[]", '{"form":2}', '{"form":1,"pid":1}']) {
      held.write(text);
      assertEquals(find(SERIAL), undefined, text);
    }
    held.write(encodeTunnelRecord(record));
    assert(
      !Deno.readTextFileSync(`${folder}/${TUNNELS_FOLDER}/${deviceId(SERIAL)}.json`)
        .includes(SERIAL),
    );
    held[Symbol.dispose]();
    assertEquals(find(SERIAL), undefined);
  }));
