/**
 * `dahua-p2p decode FILE`: a capture as text.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { runDecode } from "./decode.ts";
import { CAPTURE_SECRETS, COMMON_OPTIONS } from "./options.ts";

/** The command `decode`. */
export const DECODE_COMMAND: Command = {
  name: "decode",
  synopsis: ["dahua-p2p decode [OPTIONS] <FILE>"],
  summary: "Prints a capture (pcapng, pcap) or a hex dump as text, one line for each datagram.",
  options: [CAPTURE_SECRETS, ...COMMON_OPTIONS],
  operands: { min: 1, max: 1, what: "one file, - for standard input" },
  notes: [],
  run: ({ settings, operands, host }) => {
    host.keepPermissions(["read"]);
    const secrets = settings.isOn(CAPTURE_SECRETS) ? "keep" : "blank";
    return Promise.resolve(runDecode(host, { path: operands[0]!, secrets }));
  },
};
