/**
 * Seeds that once found something. A change of the scenarios changes what they stand for; then the
 * next failure takes their place.
 *
 * @module
 */

/** Run first, always. */
export const SEEDS_THAT_FOUND_SOMETHING: readonly number[] = [42, 69, 81, 276, 455, 659, 691];
