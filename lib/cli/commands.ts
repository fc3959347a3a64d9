/**
 * The command table.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { CHECK_COMMAND } from "./check_command.ts";
import { DECODE_COMMAND } from "./decode_command.ts";
import { DEMO_COMMAND } from "./demo_command.ts";
import { REPORT_COMMAND } from "./report_command.ts";
import { TUNNEL_COMMAND } from "./tunnel_command.ts";

/** Every command; the first needs no word. */
export const COMMANDS: readonly [Command, ...Command[]] = [
  TUNNEL_COMMAND,
  CHECK_COMMAND,
  REPORT_COMMAND,
  DEMO_COMMAND,
  DECODE_COMMAND,
];
