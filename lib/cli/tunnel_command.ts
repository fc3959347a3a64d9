/**
 * `dahua-p2p <SERIAL>`: the tunnel in the foreground, until it is stopped or lost.
 *
 * @module
 */
import type { DeviceCredentials } from "../net/connect.ts";
import { openTunnel, type Tunnel } from "../net/tunnel.ts";
import type { Command, CommandContext } from "./command.ts";
import { readCredentials } from "./credentials.ts";
import { RTSP_PORT, streamUrl } from "./data_line.ts";
import type { ExitCode } from "./exit_codes.ts";
import {
  CLIENT_BUFFER,
  CLOUD,
  COMMON_OPTIONS,
  DEBUG,
  FORWARD,
  JSON_LINES,
  MAX_CLIENTS,
  PASSWORD,
  PASSWORD_FILE,
  PATH,
  RELAY,
  TIMEOUT,
  TYPE,
  USERNAME,
} from "./options.ts";
import { hasDisplay, Player, playlist } from "./player.ts";
import { checkSerial } from "./serial.ts";
import type { Settings } from "./settings.ts";
import { StopSignals } from "./stop_signals.ts";
import { runTunnel } from "./tunnel_run.ts";
import { dataFormat, tunnelOptions } from "./tunnel_settings.ts";
import { usageError } from "./usage.ts";

/** The command without a name. */
export const TUNNEL_COMMAND: Command = {
  synopsis: ["dahua-p2p [OPTIONS] <SERIAL>"],
  summary: "Reaches a Dahua camera or recorder by its serial number and serves its ports locally.",
  options: [
    USERNAME,
    PASSWORD,
    PASSWORD_FILE,
    DEBUG,
    TYPE,
    FORWARD,
    RELAY,
    PATH,
    CLOUD,
    TIMEOUT,
    MAX_CLIENTS,
    CLIENT_BUFFER,
    JSON_LINES,
    ...COMMON_OPTIONS,
  ],
  operands: { min: 1, max: 1, what: "one serial" },
  notes: [
    {
      title: "Output",
      lines: [
        "One READY line for each usable port on standard output, LOST when the session is lost;",
        "everything else on standard error. NO_COLOR turns colors off.",
      ],
    },
    {
      title: "Exit codes",
      lines: [
        "0 stopped after READY   64 usage   68 serial unknown   69 device offline or port closed",
        "70 bug   73 local port   75 try again later   76 protocol   77 login   78 configuration",
        "130, 143 stopped before READY",
      ],
    },
    {
      title: "Examples",
      lines: [
        "dahua-p2p -u viewer --password-file cam.pass -L 1554:554 -L 8080:80 SERIAL",
        "ffplay 'rtsp://USER:PASSWORD@127.0.0.1:1554/cam/realmonitor?channel=1&subtype=0'",
      ],
    },
  ],
  run: runTunnelCommand,
};

async function runTunnelCommand(context: CommandContext): Promise<ExitCode> {
  const { settings, host, log, redactor } = context;
  const serial = checkSerial(context.operands[0] ?? "");
  redactor.addSerial(serial);
  const options = tunnelOptions(settings);
  checkType(settings);
  const credentials = readCredentials(settings, host);
  if (credentials) redactor.addSecret(credentials.password);
  const name = redactor.deviceName(serial);
  log.setDevice(name);
  const viewer = settings.isOn(DEBUG) ? credentials : undefined;
  const canPlay = viewer !== undefined && hasDisplay(host);
  host.keepPermissions(canPlay ? ["net", "run"] : ["net"]);
  using signals = new StopSignals();
  return await runTunnel({
    serial,
    name,
    options: { ...options, credentials },
    open: openTunnel,
    log,
    stdout: host.stdout,
    format: dataFormat(settings),
    stopped: signals.first,
    onReady: (tunnel) => viewer && startPlayer(tunnel, viewer, canPlay, context),
  });
}

function checkType(settings: Settings): void {
  if (settings.get(TYPE) === "1" && settings.get(USERNAME) === undefined) {
    throw usageError(`${settings.label(TYPE)} 1 needs credentials.`, "Add --username NAME.");
  }
}

function startPlayer(
  tunnel: Tunnel,
  credentials: DeviceCredentials,
  canPlay: boolean,
  { log }: CommandContext,
): Player | undefined {
  const stream = tunnel.ports.find(({ remotePort }) => remotePort === RTSP_PORT);
  if (!stream) return undefined;
  if (!canPlay) {
    const url = streamUrl(stream.hostname, stream.port);
    log.info("player", `There is no display for ffplay; open ${url} in a player elsewhere.`);
    return undefined;
  }
  return Player.start(playlist(stream.hostname, stream.port, credentials), log);
}
