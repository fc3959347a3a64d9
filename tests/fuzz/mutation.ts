/**
 * Inputs made of others: bits flipped, numbers made extreme, words put in, parts cut, repeated, moved
 * and crossed.
 *
 * @module
 */
import { concatBytes, utf8 } from "../../lib/core/bytes.ts";
import type { Random } from "../../lib/core/types.ts";

/** Longest input made. */
const MAX_INPUT_BYTES = 65_507;
/** How often an input is blown up to its greatest length: to see what length costs. */
const BLOW_UP_RATE = 1 / 2_000;

/** Makes inputs. */
export class Mutator {
  readonly #random: Random;
  readonly #words: readonly Uint8Array[];

  constructor(random: Random, words: readonly string[] = []) {
    this.#random = random;
    this.#words = words.map(utf8);
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.#random.uint32() % limit;
  }

  /** One of the items. */
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** A changed copy of a sequence of inputs, crossed with another. */
  sequence(
    inputs: readonly Uint8Array[],
    other: readonly Uint8Array[],
    maxInputs: number,
  ): Uint8Array[] {
    const result = inputs.slice();
    if (maxInputs > 1) {
      for (let changes = this.below(4); changes > 0; changes--) {
        const at = this.below(result.length + 1);
        const kind = this.below(4);
        if (kind === 0) result.splice(at, 0, this.of(other));
        else if (kind === 1) result.splice(at, 1 + this.below(3));
        else if (kind === 2) result.splice(at, 0, ...other.slice(this.below(other.length)));
        else if (result.length > 0) result.splice(at, 0, this.of(result));
      }
    }
    if (result.length === 0) result.push(this.of(other));
    if (result.length > maxInputs) result.length = maxInputs;
    for (let changes = 1 + this.below(maxInputs > 1 ? 4 : 1); changes > 0; changes--) {
      const at = this.below(result.length);
      result[at] = this.input(result[at]!, this.of(other));
    }
    return result;
  }

  /** A changed copy of one input. */
  input(original: Uint8Array, other: Uint8Array): Uint8Array {
    let bytes: Uint8Array = original.slice();
    for (let changes = 1 + this.below(3); changes > 0; changes--) {
      bytes = this.#change(bytes, other);
    }
    if (bytes.length > MAX_INPUT_BYTES) bytes = bytes.slice(0, MAX_INPUT_BYTES);
    return this.#random.uint32() / 0x1_0000_0000 < BLOW_UP_RATE ? this.#blowUp(bytes) : bytes;
  }

  #change(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    const at = this.below(bytes.length);
    switch (this.below(10)) {
      case 0:
      case 1:
        if (bytes.length > 0) bytes[at]! ^= 1 << this.below(8);
        return bytes;
      case 2:
        if (bytes.length > 0) bytes[at] = this.#random.uint32() & 0xff;
        return bytes;
      case 3:
        return bytes.fill(this.of([0, 1, 0x7f, 0x80, 0xff]), at, at + this.of([1, 2, 4]));
      case 4:
        return bytes.slice(0, at);
      case 5:
        return concatBytes([bytes.subarray(0, at), bytes.subarray(this.below(bytes.length))]);
      case 6:
        return concatBytes([bytes.subarray(0, at), other.subarray(this.below(other.length))]);
      case 7:
        return concatBytes([bytes, this.#random.bytes(this.below(20))]);
      default: {
        if (this.#words.length === 0) return concatBytes([bytes, other]);
        const rest = bytes.subarray(at + this.below(8));
        return concatBytes([bytes.subarray(0, at), this.of(this.#words), rest]);
      }
    }
  }

  #blowUp(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    const from = this.below(bytes.length);
    const part = bytes.subarray(from, from + 1 + this.below(40));
    const blown = new Uint8Array(MAX_INPUT_BYTES);
    blown.set(bytes.subarray(0, from));
    for (let at = from; at < blown.length; at += part.length) {
      blown.set(part.subarray(0, blown.length - at), at);
    }
    return blown;
  }
}
