/**
 * The command table.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { CHECK_COMMAND } from "./check_command.ts";
import { CONFIG_COMMAND } from "./config_command.ts";
import { DECODE_COMMAND } from "./decode_command.ts";
import { DEMO_COMMAND } from "./demo_command.ts";
import { REPORT_COMMAND } from "./report_command.ts";
import { RUN_COMMAND } from "./run_command.ts";
import { READY_COMMAND, STATUS_COMMAND } from "./status_commands.ts";
import { TUNNEL_COMMAND } from "./tunnel_command.ts";

/** Every command; the first needs no word. */
export const COMMANDS: readonly [Command, ...Command[]] = [
  TUNNEL_COMMAND,
  RUN_COMMAND,
  STATUS_COMMAND,
  READY_COMMAND,
  CONFIG_COMMAND,
  CHECK_COMMAND,
  REPORT_COMMAND,
  DEMO_COMMAND,
  DECODE_COMMAND,
];
