/**
 * The slow key derivation, computed once for each input: a simulation derives the same keys often.
 *
 * @module
 */
import { toHex } from "../../lib/core/bytes.ts";
import type { DeriveKey } from "../../lib/core/types.ts";
import { deriveKey } from "../../lib/net/environment.ts";

const known = new Map<string, Uint8Array>();

/** {@linkcode deriveKey}, remembered. */
export function memoDeriveKey(...input: Parameters<DeriveKey>): Uint8Array {
  const [password, salt, iterations, length] = input;
  const name = `${toHex(password)} ${toHex(salt)} ${iterations} ${length}`;
  let key = known.get(name);
  if (!key) known.set(name, key = deriveKey(...input));
  return key;
}
