/**
 * Files that belong to one running process at a time: whoever reads them knows whether their owner
 * still lives, because the system gives its lock back when it dies.
 *
 * ```text
 * NAME.lock   locked by the owner; never removed, so that no two owners lock different files
 * NAME.json   what the owner has to say; apart, as a locked file cannot be read on Windows
 * ```
 *
 * @module
 */

/** A lock nobody else has; disposing of it gives it back. */
export class FileLock implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes a lock.
   *
   * @returns The lock, or nothing when somebody holds it.
   * @throws {Error} When the file cannot be made or locked.
   */
  static take(path: string): FileLock | undefined {
    const file = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
    try {
      if (file.tryLockSync(true)) return new FileLock(file);
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
    return undefined;
  }

  /** Whether somebody holds the lock now. */
  static isHeld(path: string): boolean {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true });
    } catch {
      return false;
    }
    try {
      return !file.tryLockSync(false);
    } catch {
      return false;
    } finally {
      file.close();
    }
  }

  [Symbol.dispose](): void {
    this.#file.unlockSync();
    this.#file.close();
  }
}

/** Longest text that is read. */
const MAX_TEXT_BYTES = 65_536;

const ENCODER = new TextEncoder();

/** A small text of a running process. Once it is held no permission is needed any more. */
export class HeldFile implements Disposable {
  readonly #lock: FileLock;
  readonly #file: Deno.FsFile;

  private constructor(lock: FileLock, file: Deno.FsFile) {
    this.#lock = lock;
    this.#file = file;
  }

  /**
   * Takes a place.
   *
   * @param path Without extension.
   * @returns Nothing when another process has it.
   * @throws {Error} When the files cannot be made.
   */
  static hold(path: string): HeldFile | undefined {
    const lock = FileLock.take(`${path}.lock`);
    if (!lock) return undefined;
    try {
      const file = Deno.openSync(`${path}.json`, {
        write: true,
        create: true,
        truncate: true,
        mode: 0o600,
      });
      return new HeldFile(lock, file);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /** Replaces the text. @throws {Error} When the disk is full. */
  write(text: string): void {
    const bytes = ENCODER.encode(text);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    this.#file.truncateSync(bytes.length);
  }

  /** Empties the file and gives the place back. */
  [Symbol.dispose](): void {
    try {
      this.#file.truncateSync(0);
    } finally {
      this.#file.close();
      this.#lock[Symbol.dispose]();
    }
  }

  /**
   * What a running process says there.
   *
   * @param path Without extension.
   * @returns Nothing when no running process holds the place.
   */
  static read(path: string): string | undefined {
    if (!FileLock.isHeld(`${path}.lock`)) return undefined;
    try {
      using file = Deno.openSync(`${path}.json`, { read: true });
      const buffer = new Uint8Array(MAX_TEXT_BYTES);
      let length = 0;
      for (let n = file.readSync(buffer); n; n = file.readSync(buffer.subarray(length))) {
        length += n;
      }
      return new TextDecoder().decode(buffer.subarray(0, length));
    } catch {
      return undefined;
    }
  }
}
