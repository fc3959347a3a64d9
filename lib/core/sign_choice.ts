/**
 * Whether the next session asks for a sign: some devices want it, others break on it, and nothing
 * they tell beforehand says which.
 *
 * | the session that failed                               | the next one            |
 * |-------------------------------------------------------|-------------------------|
 * | direct, its realms sent and never received            | with the other choice   |
 * | direct, granted its connection, left BIND unanswered  | with the other choice   |
 * | relay, where no sign is ever shown                    | with the same           |
 * | any other failure                                     | with the same           |
 *
 * Source: PROTOCOL.md sections 6.7 and 9 ("sign").
 *
 * @module
 */
import type { PathKind } from "./carrier.ts";
import type { SignChoice } from "./cloud/dialect.ts";
import type { Failure, Reason } from "./failure.ts";

export type { SignChoice };

/** Reasons that a sign shown, or not shown, can have. */
const MAY_BE_THE_SIGN: readonly Reason[] = ["relay-zombie", "sessions-full"];

/**
 * The choice for the next session, on a new socket.
 *
 * @param previous The choice of the session that failed.
 * @param path The path it had; a session that was never made has none.
 */
export function nextSign(
  failure: Failure,
  previous: SignChoice,
  path: PathKind | undefined,
): SignChoice {
  if (path !== "direct" || !MAY_BE_THE_SIGN.includes(failure.reason)) return previous;
  return previous === "ask" ? "skip" : "ask";
}
