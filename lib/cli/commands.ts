/**
 * The command table.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { DECODE_COMMAND } from "./decode_command.ts";
import { DEMO_COMMAND } from "./demo_command.ts";
import { TUNNEL_COMMAND } from "./tunnel_command.ts";

/** Every command; the first needs no word. */
export const COMMANDS: readonly [Command, ...Command[]] = [
  TUNNEL_COMMAND,
  DEMO_COMMAND,
  DECODE_COMMAND,
];
