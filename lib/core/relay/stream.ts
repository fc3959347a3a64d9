/**
 * How a machine of the core and its driver share one TCP connection: the driver says what happened
 * on it and fetches what is to be written, the machine asks.
 *
 * Nothing is unbounded in either direction: the machine says when reading is to pause, and the driver
 * fetches the next bytes only when the last ones were written.
 *
 * @module
 */

/** What happened on the connection. */
export type StreamReport =
  /** It is there: bytes may be written. */
  | { readonly type: "connected" }
  /** Bytes came; they are given away. */
  | { readonly type: "bytes"; readonly bytes: Uint8Array }
  /** It could not be made, or the other side has closed or reset it. */
  | { readonly type: "ended" };

/** What the machine wants of its driver. */
export type StreamRequest =
  /** There are bytes to fetch, after there were none. */
  | { readonly type: "output" }
  /** Reading, which was paused, may go on. */
  | { readonly type: "resume" }
  /** The connection is to be closed at once, or not to be made any more. */
  | { readonly type: "close" };
