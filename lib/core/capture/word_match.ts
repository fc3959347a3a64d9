/**
 * Matching of words whose end has not been seen yet.
 *
 * @module
 */

/** Whether one of `words` begins with `word`. */
export function isPrefixOf(words: readonly string[], word: string): boolean {
  for (const candidate of words) if (candidate.startsWith(word)) return true;
  return false;
}

/** Whether the byte is an ASCII letter or digit or one of `_`, `-` and `.`. */
export function isWordChar(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f || byte === 0x2d || byte === 0x2e;
}
