/**
 * A seeded source of randomness: the same seed gives the same bytes on every machine.
 *
 * @module
 */
import type { Random } from "./types.ts";

/**
 * Generator sfc32 (Doty-Humphrey's Small Fast Chaotic, 32 bit), for simulations and for machines
 * whose caller wants repeatable bytes. Not for secrets.
 *
 * @param seed Any integer; the low 53 bits count.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(seededRandom(7).bytes(16), seededRandom(7).bytes(16));
 * ```
 */
export function seededRandom(seed: number): Random {
  let a = seed >>> 0;
  let b = Math.floor(seed / 0x1_0000_0000) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const uint32 = (): number => {
    const t = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) >>> 0;
    c = (c + t) >>> 0;
    return t;
  };
  for (let i = 0; i < 16; i++) uint32();
  return {
    uint32,
    bytes(length: number): Uint8Array {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i++) bytes[i] = uint32();
      return bytes;
    },
  };
}

/** A uniform integer in [0, bound). `bound` is 1 to 2^32. */
export function randomBelow(random: Random, bound: number): number {
  return Math.floor(random.uint32() / 0x1_0000_0000 * bound);
}
