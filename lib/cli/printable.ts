/**
 * Text from elsewhere, made fit for one line on a terminal.
 *
 * @module
 */

/** Longest piece of a value that is repeated in a message. */
const QUOTED_CHARACTERS = 40;

/** C0, DEL, C1, line separators and bidirectional marks: a terminal obeys them. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text in one line: whatever a terminal would obey is written as `\u001b`. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A value as it may stand in a message: quoted, bounded, printable. */
export function quoted(value: string): string {
  const cut = value.length > QUOTED_CHARACTERS ? `${value.slice(0, QUOTED_CHARACTERS)}...` : value;
  return printable(JSON.stringify(cut));
}
