/**
 * `dahua-p2p demo`: the tunnel, to a device that is simulated in this process.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { COMMON_OPTIONS, FORWARD, JSON_LINES, MAX_CLIENTS, PATH, RELAY } from "./options.ts";

/** The command `demo`. */
export const DEMO_COMMAND: Command = {
  name: "demo",
  synopsis: ["dahua-p2p demo [OPTIONS]"],
  summary: "Runs a simulated cloud and camera and a tunnel to it, all in this process.",
  options: [FORWARD, RELAY, PATH, MAX_CLIENTS, JSON_LINES, ...COMMON_OPTIONS],
  operands: { min: 0, max: 0, what: "no operand" },
  notes: [],
  run: async (context) => {
    // The simulated world is large and needed here only.
    const { runDemo } = await import("./demo.ts");
    return await runDemo(context);
  },
};
