import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Failure } from "../../lib/core/failure.ts";
import { type DeviceRoute, Memory } from "../../lib/core/memory.ts";
import { StateFile, stateFilePath } from "../../lib/net/state_file.ts";

const SERIAL = "EXAMPLE0SERIAL0";
const ROUTE: DeviceRoute = { cloud: "dolynk", dialect: "dmss", sign: "skip", path: "direct" };
const IS_WINDOWS = Deno.build.os === "windows";

interface Place extends Disposable {
  readonly directory: string;
  readonly path: string;
  readonly warnings: Failure[];
  open(): StateFile;
}

function place(...names: string[]): Place {
  const directory = Deno.makeTempDirSync();
  const path = [directory, ...names, "devices.json"].join("/");
  const warnings: Failure[] = [];
  return {
    directory,
    path,
    warnings,
    open: () => new StateFile({ path, onWarning: (failure) => warnings.push(failure) }),
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

function names(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).toSorted();
}

Deno.test("what was remembered is there for the next process, for its owner only", () => {
  using at = place("state", "dahua-p2p");
  assertEquals(at.open().recall(SERIAL), undefined);
  assertEquals(names(at.directory), [], "asking makes nothing");
  at.open().remember(SERIAL, ROUTE);
  assertEquals(at.open().recall(SERIAL), ROUTE);
  assertEquals(names(`${at.directory}/state/dahua-p2p`), ["devices.json"]);
  assertFalse(Deno.readTextFileSync(at.path).includes(SERIAL));
  if (!IS_WINDOWS) {
    assertEquals(Deno.statSync(at.path).mode! & 0o777, 0o600);
    assertEquals(Deno.statSync(`${at.directory}/state/dahua-p2p`).mode! & 0o777, 0o700);
  }
  assertEquals(at.warnings, []);
});

Deno.test("two files of the same name keep each other's devices", () => {
  using at = place();
  const [one, other] = [at.open(), at.open()];
  assertEquals(other.recall("SERIAL2"), undefined);
  one.remember("SERIAL1", ROUTE);
  other.remember("SERIAL2", { ...ROUTE, path: "relay" });
  assertEquals(at.open().recall("SERIAL1"), ROUTE);
  assertEquals(at.open().recall("SERIAL2")!.path, "relay");
});

Deno.test("the same news is not written twice", () => {
  using at = place();
  const file = at.open();
  file.remember(SERIAL, ROUTE);
  Deno.removeSync(at.path);
  file.remember(SERIAL, ROUTE);
  assertEquals(names(at.directory), []);
});

Deno.test("a damaged file is ignored with one warning, and made anew", () => {
  const damaged = ["{", '{"version":1}', "x".repeat(1_000_002), Uint8Array.of(0xff, 0xfe)];
  for (const content of damaged) {
    using at = place();
    if (typeof content === "string") Deno.writeTextFileSync(at.path, content);
    else Deno.writeFileSync(at.path, content);
    const file = at.open();
    assertEquals(file.recall(SERIAL), undefined);
    file.remember(SERIAL, ROUTE);
    assertEquals(at.warnings.map(({ reason, what }) => [reason, what]), [
      ["config", `The state file ${at.path} is damaged and ignored.`],
    ]);
    assertEquals(at.open().recall(SERIAL), ROUTE);
  }
});

Deno.test("a file of a newer version is left alone", () => {
  using at = place();
  const text = new Memory(() => 0).toText().replace('"version": 1', '"version": 2');
  Deno.writeTextFileSync(at.path, text);
  const file = at.open();
  assertEquals(file.recall(SERIAL), undefined);
  file.remember(SERIAL, ROUTE);
  assertEquals(file.recall(SERIAL), ROUTE, "for this process");
  assertEquals(Deno.readTextFileSync(at.path), text);
  assertEquals(at.warnings.length, 1);
  assert(at.warnings[0]!.what.includes("newer version"));
});

Deno.test("a place that cannot be written costs one warning and nothing else", () => {
  using at = place("taken");
  Deno.writeTextFileSync(`${at.directory}/taken`, "a file where the directory should be");
  const file = at.open();
  file.remember(SERIAL, ROUTE);
  file.remember("SERIAL2", ROUTE);
  assertEquals(file.recall(SERIAL), ROUTE, "for this process");
  assertEquals(at.warnings.filter(({ what }) => what.includes("written")).length, 1);
  assertEquals(names(at.directory), ["taken"]);
});

Deno.test("a directory where the file should be costs warnings and leaves nothing behind", () => {
  using at = place();
  Deno.mkdirSync(at.path);
  const file = at.open();
  assertEquals(file.recall(SERIAL), undefined);
  file.remember(SERIAL, ROUTE);
  assertEquals(names(at.directory), ["devices.json"]);
  assertEquals(names(at.path), []);
  assert(at.warnings.length >= 1 && at.warnings.length <= 2);
});

Deno.test("a reader sees the old file or the new one while another writes", () => {
  using at = place();
  const writer = at.open();
  for (let i = 0; i < 20; i++) {
    writer.remember(`S${i}`, ROUTE);
    assertEquals(Memory.parse(Deno.readTextFileSync(at.path), Date.now).size, i + 1);
  }
  assertEquals(names(at.directory), ["devices.json"]);
});

Deno.test({
  name: "without the permission it remembers for the process, silently",
  permissions: { read: false, write: false, env: true },
  fn(): void {
    const warnings: Failure[] = [];
    const file = new StateFile({
      path: "/nowhere/devices.json",
      onWarning: (failure) => warnings.push(failure),
    });
    assertEquals(file.recall(SERIAL), undefined);
    file.remember(SERIAL, ROUTE);
    assertEquals(file.recall(SERIAL), ROUTE);
    assertEquals(warnings, []);
  },
});

Deno.test("the file is where each system keeps what programs remember", () => {
  const at = (os: typeof Deno.build.os, variables: Record<string, string>): string | undefined =>
    stateFilePath(os, (name) => variables[name]);
  const home = { HOME: "/home/viewer" };
  assertEquals(at("linux", home), "/home/viewer/.local/state/dahua-p2p/devices.json");
  assertEquals(
    at("darwin", { ...home, XDG_STATE_HOME: "/state/" }),
    "/state/dahua-p2p/devices.json",
  );
  assertEquals(
    at("linux", { ...home, XDG_STATE_HOME: "relative" }),
    "/home/viewer/.local/state/dahua-p2p/devices.json",
  );
  assertEquals(at("linux", {}), undefined);
  assertEquals(at("linux", { HOME: "" }), undefined);
  assertEquals(
    at("windows", { ...home, LOCALAPPDATA: "C:\\Users\\v\\AppData\\Local" }),
    "C:\\Users\\v\\AppData\\Local\\dahua-p2p\\devices.json",
  );
  assertEquals(at("windows", home), undefined);
});
