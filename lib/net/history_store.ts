/**
 * A file that keeps results: SQLite where the runtime has it, JSON lines otherwise.
 *
 * Each result is in the file before the next one is checked: a run that is killed loses nothing.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** One kept result. */
export interface HistoryRow {
  /** Hash of the serial. */
  readonly id: string;
  /** Name of the device at that time. */
  readonly device: string;
  /** Unix ms. */
  readonly startedAt: number;
  readonly state: "up" | "down" | "unknown";
  readonly reason: string;
  readonly message: string;
  readonly level: string;
  readonly path?: string | undefined;
  readonly handshakeMs?: number | undefined;
  readonly roundTripMs?: number | undefined;
  readonly durationMs: number;
}

/** A history. */
export interface HistoryStore extends Disposable {
  /** Keeps a result. @throws {Error} When the disk is full or the file is locked for too long. */
  add(row: HistoryRow): void;
  /** The results of each device from an instant on, in the order of time. */
  devices(since: number): Iterable<readonly HistoryRow[]>;
  /** Lines that could not be read: what a killed run or a full disk left. */
  readonly broken: number;
}

/** How to open a history. */
export type HistoryMode = "read" | "append";

/** What a file begins with. */
const SQLITE_MAGIC = "SQLite format 3\0";

/** Version of the table, kept in the file. */
const SCHEMA_VERSION = 1;

/** Runs of several machines may share a file. */
const BUSY_TIMEOUT_MS = 5_000;

/** Longest JSON lines that are read at once. */
const MAX_JSON_BYTES = 512 * 2 ** 20;

const COLUMNS = [
  "id",
  "device",
  "startedAt",
  "state",
  "reason",
  "message",
  "level",
  "path",
  "handshakeMs",
  "roundTripMs",
  "durationMs",
] as const;

/** A file that is no history of ours; its message is for people. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
}

/**
 * Opens a history. A file that exists keeps its form; a new one is SQLite unless its name ends in
 * `.jsonl` or the runtime has no SQLite.
 *
 * @throws {HistoryError} When the file is something else.
 * @throws {Error} When it cannot be opened.
 */
export async function openHistory(path: string, mode: HistoryMode): Promise<HistoryStore> {
  const form = formOf(path);
  if (form === "other") throw new HistoryError("it is neither SQLite nor JSON lines");
  if (form === "none" && mode === "read") throw new HistoryError("there is no such file");
  if (form === "json" || (form === "none" && path.endsWith(".jsonl"))) {
    return new JsonLinesHistory(path, mode);
  }
  const sqlite = await import("node:sqlite").catch(() => undefined);
  if (sqlite) return new SqliteHistory(new sqlite.DatabaseSync(path), mode);
  if (form === "sqlite") throw new HistoryError("it is SQLite, which this runtime has not");
  return new JsonLinesHistory(path, mode);
}

function formOf(path: string): "none" | "sqlite" | "json" | "other" {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "none";
    throw error;
  }
  using opened = file;
  const head = new Uint8Array(SQLITE_MAGIC.length);
  const count = opened.readSync(head);
  if (count === null) return "none";
  const text = new TextDecoder().decode(head.subarray(0, count));
  if (text === SQLITE_MAGIC) return "sqlite";
  return text.startsWith("{") ? "json" : "other";
}

class SqliteHistory implements HistoryStore {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly broken = 0;

  constructor(database: DatabaseSync, mode: HistoryMode) {
    this.#database = database;
    try {
      database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      const { user_version: version } = database.prepare("PRAGMA user_version").get()!;
      // A result must not wait for the disk: the log of WAL survives a killed process, and a power
      // cut costs the last results, not the file. Where there can be no WAL it stays as it is.
      if (mode === "append") {
        database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      }
      if (version === 0 && mode === "append") this.#create();
      else if (version !== SCHEMA_VERSION) {
        throw new HistoryError("it is a database of something else, or of another version");
      }
      const places = COLUMNS.map(() => "?").join(", ");
      this.#insert = database.prepare(
        `INSERT INTO results (${COLUMNS.join(", ")}) VALUES (${places})`,
      );
    } catch (error) {
      database.close();
      throw error;
    }
  }

  add(row: HistoryRow): void {
    this.#insert.run(...COLUMNS.map((column) => row[column] ?? null));
  }

  *devices(since: number): Iterable<readonly HistoryRow[]> {
    const ids = this.#database.prepare(
      "SELECT id FROM results WHERE startedAt >= ? GROUP BY id ORDER BY max(device)",
    ).all(since);
    const rows = this.#database.prepare(
      `SELECT ${COLUMNS.join(", ")} FROM results
       WHERE id = ? AND startedAt >= ? ORDER BY startedAt`,
    );
    for (const { id } of ids) {
      yield rows.all(id!, since).map((row) => ({ ...row }) as unknown as HistoryRow).map(present);
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #create(): void {
    this.#database.exec(`
      BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS results (
        id TEXT NOT NULL, device TEXT NOT NULL, startedAt INTEGER NOT NULL, state TEXT NOT NULL,
        reason TEXT NOT NULL, message TEXT NOT NULL, level TEXT NOT NULL, path TEXT,
        handshakeMs INTEGER, roundTripMs INTEGER, durationMs INTEGER NOT NULL
      );
      CREATE INDEX IF NOT EXISTS results_of_device ON results (id, startedAt);
      PRAGMA user_version = ${SCHEMA_VERSION};
      COMMIT;
    `);
  }
}

/** A row without the columns that hold nothing. */
function present(row: HistoryRow): HistoryRow {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== null),
  ) as unknown as HistoryRow;
}

class JsonLinesHistory implements HistoryStore {
  readonly #path: string;
  readonly #file: Deno.FsFile | undefined;
  broken = 0;

  constructor(path: string, mode: HistoryMode) {
    this.#path = path;
    if (mode === "read") return;
    this.#file = Deno.openSync(path, { read: true, append: true, create: true });
    if (this.#endsInsideLine()) this.#write("\n");
  }

  add(row: HistoryRow): void {
    this.#write(`${JSON.stringify(row)}\n`);
  }

  *devices(since: number): Iterable<readonly HistoryRow[]> {
    if (Deno.statSync(this.#path).size > MAX_JSON_BYTES) {
      throw new HistoryError("it is larger than 512 MiB; SQLite histories may be");
    }
    const devices = new Map<string, HistoryRow[]>();
    this.broken = 0;
    for (const line of Deno.readTextFileSync(this.#path).split("\n")) {
      if (line === "") continue;
      const row = parseRow(line);
      if (!row) this.broken++;
      else if (row.startedAt >= since) {
        const rows = devices.get(row.id);
        if (rows) rows.push(row);
        else devices.set(row.id, [row]);
      }
    }
    const name = (rows: readonly HistoryRow[]): string => rows.at(-1)!.device;
    const sorted = [...devices.values()].sort((a, b) => name(a) < name(b) ? -1 : 1);
    for (const rows of sorted) yield rows.sort((a, b) => a.startedAt - b.startedAt);
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }

  #write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += this.#file!.writeSync(bytes.subarray(at));
  }

  #endsInsideLine(): boolean {
    const { size } = this.#file!.statSync();
    if (size === 0) return false;
    const last = new Uint8Array(1);
    this.#file!.seekSync(-1, Deno.SeekMode.End);
    this.#file!.readSync(last);
    return last[0] !== 0x0a;
  }
}

function parseRow(line: string): HistoryRow | undefined {
  try {
    const row = JSON.parse(line);
    const usable = typeof row?.id === "string" && typeof row.device === "string" &&
      Number.isFinite(row.startedAt) && Number.isFinite(row.durationMs) &&
      ["up", "down", "unknown"].includes(row.state) && typeof row.reason === "string";
    return usable ? row : undefined;
  } catch {
    return undefined;
  }
}
