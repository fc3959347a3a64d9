/**
 * Asks a person for a secret without showing it.
 *
 * The standard library's `promptSecret` is not used: it prompts on standard output, which carries
 * data here.
 *
 * @module
 */
import type { SecretSource } from "./host.ts";
import type { LineOutput } from "./output.ts";

/** Longest secret that is taken, in bytes. */
const MAX_SECRET_BYTES = 1024;

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACE = 0x08;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CTRL_U = 0x15;
const DELETE = 0x7f;

/** How a person ended the question. */
export type SecretAnswer =
  | { readonly type: "secret"; readonly secret: string }
  | { readonly type: "interrupted" }
  | { readonly type: "ended" };

/**
 * Asks on the terminal and reads until Enter, echoing nothing.
 *
 * Ctrl-C interrupts, Ctrl-D on an empty line ends, Backspace and Ctrl-U correct.
 *
 * @param source A terminal; it is put into raw mode and back.
 * @param terminal Where the question appears; never standard output.
 */
export function askSecret(
  question: string,
  source: SecretSource,
  terminal: LineOutput,
): SecretAnswer {
  terminal.text(question);
  source.setRaw(true);
  try {
    return readSecret(source);
  } finally {
    source.setRaw(false);
    terminal.line("");
  }
}

function readSecret(source: SecretSource): SecretAnswer {
  const typed: number[] = [];
  const buffer = new Uint8Array(256);
  while (true) {
    const count = source.readSync(buffer);
    if (count === null) return { type: "ended" };
    for (const byte of buffer.subarray(0, count)) {
      switch (byte) {
        case CTRL_C:
          return { type: "interrupted" };
        case CTRL_D:
          if (typed.length === 0) return { type: "ended" };
          break;
        case LINE_FEED:
        case CARRIAGE_RETURN:
          return { type: "secret", secret: new TextDecoder().decode(Uint8Array.from(typed)) };
        case BACKSPACE:
        case DELETE:
          removeCharacter(typed);
          break;
        case CTRL_U:
          typed.length = 0;
          break;
        default:
          if (byte >= 0x20 && typed.length < MAX_SECRET_BYTES) typed.push(byte);
      }
    }
  }
}

/** Takes away one UTF-8 character: its continuation bytes, then its first byte. */
function removeCharacter(typed: number[]): void {
  let last = typed.pop();
  while (last !== undefined && (last & 0xc0) === 0x80) last = typed.pop();
}
