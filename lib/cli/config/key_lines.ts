/**
 * Line numbers of the keys of a YAML text: the parser keeps none.
 *
 * @module
 */

/**
 * The line on which a key stands, found by looking for each key of its path in turn, the next one
 * behind the one before. Exact for block and flow mappings whose keys are plain or quoted words.
 *
 * @param path Keys from the root; numbers of list items are skipped.
 * @returns From 1, or nothing when the text writes the key in a way of its own (an alias, `? key`).
 */
export function lineOfKey(text: string, path: readonly string[]): number | undefined {
  const lines = text.split(/\r?\n/).map(withoutComment);
  let line = 0;
  let column = 0;
  let depth = -1;
  for (const key of path) {
    const found = find(lines, key, line, column, depth);
    if (!found) return undefined;
    ({ line, column, depth } = found);
  }
  return path.length === 0 ? undefined : line + 1;
}

interface Place {
  readonly line: number;
  /** Behind the key. */
  readonly column: number;
  /** Indentation of the key's line. */
  readonly depth: number;
}

function find(
  lines: readonly string[],
  key: string,
  fromLine: number,
  fromColumn: number,
  depth: number,
): Place | undefined {
  const word = key.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`(?:^|[\\s{,])(?:${word}|"${word}"|'${word}')\\s*:(?=\\s|$|["'\\[{])`);
  for (let i = fromLine; i < lines.length; i++) {
    const from = i === fromLine ? fromColumn : 0;
    const text = lines[i]!;
    const indent = text.length - text.trimStart().length;
    // A line that is not deeper than the parent ends the parent.
    if (i > fromLine && text.trim() !== "" && indent <= depth) return undefined;
    const match = pattern.exec(text.slice(from));
    if (match) return { line: i, column: from + match.index + match[0].length, depth: indent };
  }
  return undefined;
}

/** The line without what follows an unquoted ` #`. */
function withoutComment(line: string): string {
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote !== "") {
      if (c === quote) quote = "";
    } else if (c === '"' || c === "'") quote = c;
    else if (c === "#" && (i === 0 || /\s/.test(line[i - 1]!))) return line.slice(0, i);
  }
  return line;
}
