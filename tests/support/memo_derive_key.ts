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
export const memoDeriveKey: DeriveKey = (password, salt, iterations, length) => {
  const input = `${toHex(password)} ${toHex(salt)} ${iterations} ${length}`;
  let key = known.get(input);
  if (!key) known.set(input, key = deriveKey(password, salt, iterations, length));
  return key;
};
