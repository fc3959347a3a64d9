/**
 * Small files that hold a secret: a password, an app's key.
 *
 * @module
 */
import type { Host } from "./host.ts";
import { configError } from "./usage.ts";

/** Longest such file, in bytes: anything longer is none. */
const MAX_FILE_BYTES = 4096;

/** Bits by which others than the owner may read. */
const FOREIGN_READ_BITS = 0o044;

/** What a file says, and to whom. */
export interface SecretFile {
  readonly text: string;
  /** Whether the owner alone may read it; unknown on systems without modes, and of standard input. */
  readonly readers: "owner" | "others" | "unknown";
}

/**
 * Reads a bounded text, also from what is no regular file: a pipe, a file descriptor.
 *
 * @param path `-` is standard input.
 * @param label How messages call it, at the beginning of a sentence.
 * @param advice What to do when it cannot be used.
 * @throws {FailureError} `config` when it cannot be read, is too long, or is no text.
 */
export function readSecretFile(
  path: string,
  label: string,
  advice: string,
  host: Host,
): SecretFile {
  const buffer = new Uint8Array(MAX_FILE_BYTES + 1);
  let length = 0;
  let readers: SecretFile["readers"] = "unknown";
  try {
    const file = path === "-" ? undefined : host.open(path);
    try {
      const mode = file?.statSync().mode ?? null;
      if (mode !== null) readers = (mode & FOREIGN_READ_BITS) === 0 ? "owner" : "others";
      while (length < buffer.length) {
        const count = (file ?? host.stdin).readSync(buffer.subarray(length));
        if (count === null || count === 0) break;
        length += count;
      }
    } finally {
      file?.close();
    }
  } catch (error) {
    throw configError(`${label} cannot be read: ${cause(error)}.`, advice);
  }
  if (length > MAX_FILE_BYTES) {
    throw configError(`${label} is longer than ${MAX_FILE_BYTES} bytes.`, advice);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
    return { text, readers };
  } catch {
    throw configError(`${label} is not UTF-8 text.`, advice);
  }
}

function cause(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return "it is no readable file";
}
