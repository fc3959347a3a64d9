/**
 * Files that others read at any time: they see the old content or the new one, nothing between.
 *
 * @module
 */

/** For everybody to read, as the collectors of metrics run as somebody else. */
const SHARED_MODE = 0o644;

/**
 * Replaces a file: writes beside it, then renames.
 *
 * @throws {Error} When it cannot be written; then the old file is as it was.
 */
export function writeWholeFile(path: string, text: string): void {
  // Reports to a pipe or a device (`/dev/stdout`) cannot be renamed over.
  if (isSpecial(path)) return Deno.writeTextFileSync(path, text);
  const beside = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    using file = Deno.openSync(beside, { write: true, createNew: true, mode: SHARED_MODE });
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncSync();
  } catch (error) {
    removeQuietly(beside);
    throw error;
  }
  try {
    // A mask of the process may have taken bits away.
    if (Deno.build.os !== "windows") Deno.chmodSync(beside, SHARED_MODE);
    Deno.renameSync(beside, path);
  } catch (error) {
    removeQuietly(beside);
    throw error;
  }
}

function isSpecial(path: string): boolean {
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    return !isFile && !isDirectory;
  } catch {
    return false;
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It was never made.
  }
}
