import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  HistoryError,
  type HistoryRow,
  type HistoryStore,
  openHistory,
} from "../../lib/net/history_store.ts";

const ROW: HistoryRow = {
  id: "a",
  device: "gate",
  startedAt: 1_000,
  state: "up",
  reason: "ok",
  message: 'it\'s "fine"; DROP TABLE results',
  level: "rtsp",
  path: "direct",
  handshakeMs: 1_900,
  durationMs: 2_000,
};

const ROWS: readonly HistoryRow[] = [
  { ...ROW, startedAt: 3_000 },
  { ...ROW, id: "b", device: "door" },
  ROW,
  { ...ROW, startedAt: 2_000, state: "down", reason: "device-offline" },
];

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function append(path: string, rows: readonly HistoryRow[]): Promise<void> {
  using history = await openHistory(path, "append");
  for (const row of rows) history.add(row);
}

async function read(
  path: string,
  since = 0,
): Promise<{ times: readonly (readonly [string, number])[]; broken: number }> {
  using history: HistoryStore = await openHistory(path, "read");
  const times = [...history.devices(since)].flatMap((rows) =>
    rows.map(({ id, startedAt }) => [id, startedAt] as const)
  );
  return { times, broken: history.broken };
}

for (const name of ["history.db", "history.jsonl"]) {
  Deno.test(`${name} gives back each device's results in the order of time`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/${name}`;
      await append(path, ROWS.slice(0, 2));
      await append(path, ROWS.slice(2));
      assertEquals((await read(path)).times, [["b", 1_000], ["a", 1_000], ["a", 2_000], [
        "a",
        3_000,
      ]]);
      assertEquals((await read(path, 2_000)).times, [["a", 2_000], ["a", 3_000]]);
      using history = await openHistory(path, "read");
      assertEquals([...history.devices(0)][0], [ROWS[1]!]);
    }));
}

Deno.test("half a line, as a killed run leaves it, costs that line only", () =>
  inFolder(async (folder) => {
    const path = `${folder}/history.jsonl`;
    await append(path, [ROW]);
    await Deno.writeTextFile(path, '{"id":"a","dev', { append: true });
    await append(path, [{ ...ROW, startedAt: 5_000 }]);
    await Deno.writeTextFile(path, '{"id":5}\nnull\n', { append: true });
    const { times, broken } = await read(path);
    assertEquals(times, [["a", 1_000], ["a", 5_000]]);
    assertEquals(broken, 3);
  }));

Deno.test("a file of something else is refused and left as it is", () =>
  inFolder(async (folder) => {
    const path = `${folder}/notes.txt`;
    await Deno.writeTextFile(path, "hello\n");
    for (const mode of ["read", "append"] as const) {
      await assertRejects(() => openHistory(path, mode), HistoryError, "neither");
    }
    assertEquals(await Deno.readTextFile(path), "hello\n");
    await assertRejects(() => openHistory(`${folder}/none`, "read"), HistoryError, "no such");
    const { DatabaseSync } = await import("node:sqlite");
    const other = new DatabaseSync(`${folder}/other.db`);
    other.exec("CREATE TABLE mine (a); PRAGMA user_version = 7");
    other.close();
    for (const mode of ["read", "append"] as const) {
      await assertRejects(() => openHistory(`${folder}/other.db`, mode), HistoryError, "database");
    }
  }));

Deno.test("two runs may keep their results in one file", () =>
  inFolder(async (folder) => {
    for (const name of ["h.db", "h.jsonl"]) {
      const path = `${folder}/${name}`;
      using one = await openHistory(path, "append");
      using two = await openHistory(path, "append");
      for (let i = 0; i < 20; i++) {
        one.add({ ...ROW, startedAt: 2 * i });
        two.add({ ...ROW, startedAt: 2 * i + 1 });
      }
      assertEquals((await read(path)).times.length, 40);
    }
  }));

Deno.test("a closed history takes nothing more", () =>
  inFolder(async (folder) => {
    const history = await openHistory(`${folder}/h.db`, "append");
    history[Symbol.dispose]();
    assertThrows(() => history.add(ROW));
  }));
