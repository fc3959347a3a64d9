/**
 * `dahua-p2p <SERIAL>`: the tunnel in the foreground, until it is stopped or lost.
 *
 * @module
 */
import type { DeviceCredentials } from "../net/connect.ts";
import { formatListen } from "../net/forward.ts";
import { stateDirectories } from "../net/state_directory.ts";
import { openTunnel, type Tunnel } from "../net/tunnel.ts";
import { type DeviceStatus, deviceStatus, disabledStatus } from "../status/device_status.ts";
import { readAppKey } from "./app_key.ts";
import { STATE_DIR } from "./check_options.ts";
import type { Command, CommandContext } from "./command.ts";
import { CaptureFile } from "./capture_file.ts";
import { readCredentials } from "./credentials.ts";
import { RTSP_PORT, streamUrl } from "./data_line.ts";
import type { ExitCode } from "./exit_codes.ts";
import type { Log } from "./log.ts";
import {
  APP_KEY_FILE,
  CAPTURE,
  CAPTURE_SECRETS,
  CLIENT_BUFFER,
  CLOUD,
  COMMON_OPTIONS,
  DEBUG,
  DIALECT,
  FORWARD,
  JSON_LINES,
  MAX_CLIENTS,
  NO_STATE,
  PASSWORD,
  PASSWORD_FILE,
  PATH,
  PREFER,
  RECEIVE_WINDOW,
  RELAY,
  RETRY_OPTIONS,
  TIMEOUT,
  TYPE,
  USERNAME,
} from "./options.ts";
import { hasDisplay, Player, playlist } from "./player.ts";
import { OperatorSignals } from "./operator_signals.ts";
import { HTTP, STATUS_FILE } from "./run_options.ts";
import { checkSerial } from "./serial.ts";
import type { Settings } from "./settings.ts";
import { openState } from "./state.ts";
import { StatusPublisher } from "./status_publisher.ts";
import { statusTable } from "./status_text.ts";
import { StopSignals } from "./stop_signals.ts";
import { type OpenTunnel, runTunnel } from "./tunnel_run.ts";
import { TunnelRecords } from "./tunnel_records.ts";
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
    PREFER,
    CLOUD,
    DIALECT,
    APP_KEY_FILE,
    NO_STATE,
    TIMEOUT,
    MAX_CLIENTS,
    CLIENT_BUFFER,
    RECEIVE_WINDOW,
    CAPTURE,
    CAPTURE_SECRETS,
    JSON_LINES,
    HTTP,
    STATUS_FILE,
    STATE_DIR,
    ...RETRY_OPTIONS,
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
      title: "Staying up",
      lines: [
        "A lost session is made again. Meanwhile the local ports stay open; whoever comes to the one",
        "of RTSP is answered 503 with the reason, to another one closed. SIGHUP tries again at once,",
        "SIGUSR1 writes the status to standard error.",
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
  const app = readAppKey(settings, host, log);
  if (app) redactor.addSecret(app.key);
  const name = redactor.deviceName(serial);
  log.setDevice(name);
  using capture = createCapture(settings, log);
  const viewer = settings.isOn(DEBUG) ? credentials : undefined;
  const canPlay = viewer !== undefined && hasDisplay(host);
  const memory = openState(settings, host, log);
  using records = settings.isOn(NO_STATE) ? undefined : new TunnelRecords(
    stateDirectories({ chosen: settings.get(STATE_DIR), env: host.env, os: host.os }),
  );
  records?.keep([serial]);
  const statusFile = settings.get(STATUS_FILE);
  host.keepPermissions([
    "net",
    ...(canPlay ? ["run"] as const : []),
    // What worked is written when it has worked, and the place cannot be told beforehand.
    ...(memory || statusFile !== undefined ? ["read", "write"] as const : []),
  ]);
  using signals = new StopSignals();
  let started: Tunnel | undefined;
  const status = (): DeviceStatus =>
    started
      ? deviceStatus(name, started.status())
      : { ...disabledStatus(name), state: "connecting" };
  await using publisher = new StatusPublisher({
    devices: () => [status()],
    tunnels: () => [{ serial, status: status() }],
    records,
    http: settings.get(HTTP),
    statusFile,
    onWarning: (failure) => log.warning(failure),
  });
  const { address } = publisher;
  if (address) {
    const where = formatListen(address.hostname, address.port);
    log.info("http", `Status page on http://${where}/status.`, { address: where });
  }
  using _operator = new OperatorSignals({
    retry: () => started?.retryNow(),
    status: () => {
      for (const line of statusTable([status()])) host.stderr.line(line);
    },
  });
  return await runTunnel({
    serial,
    name,
    options: { ...options, credentials, app, memory, tap: capture?.tap },
    open: capture ? openCaptured(capture) : openTunnel,
    log,
    stdout: host.stdout,
    format: dataFormat(settings),
    stopped: signals.first,
    onStart: (tunnel) => started = tunnel,
    onChange: () => publisher.changed(),
    onReady: (tunnel) => viewer && startPlayer(tunnel, viewer, canPlay, context),
  });
}

function createCapture(settings: Settings, log: Log): CaptureFile | undefined {
  const path = settings.get(CAPTURE);
  if (path === undefined) return undefined;
  return CaptureFile.create(path, settings.isOn(CAPTURE_SECRETS) ? "keep" : "blank", log);
}

/** Opens a tunnel whose events are noted in the capture. */
function openCaptured(capture: CaptureFile): OpenTunnel {
  return (serial, options) =>
    openTunnel(serial, {
      ...options,
      onEvent: (event) => {
        capture.event(event);
        options.onEvent?.(event);
      },
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
