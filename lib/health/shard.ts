/**
 * Parts of a fleet, for several machines that are given the same list.
 *
 * @module
 */
import { fromHex, readUint32 } from "../core/bytes.ts";
import { serialHash } from "../core/serial_hash.ts";

/** One part of several. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/**
 * Whether a device belongs to a shard. It belongs to exactly one, whatever else is in the list, so
 * that machines with lists of different age check none twice.
 */
export function isInShard(serial: string, { index, count }: Shard): boolean {
  return readUint32(fromHex(serialHash(serial).slice(0, 8)), 0) % count === index;
}
