/**
 * The demonstration: a simulated cloud and camera, and a real tunnel between them, in one process.
 *
 * @module
 */
import { startCamera } from "../../fixtures/camera/camera.ts";
import { startWorld } from "../../fixtures/world/deno_shell.ts";
import { openTunnel, type Tunnel } from "../net/tunnel.ts";
import type { CommandContext } from "./command.ts";
import { RTSP_PORT, streamUrl } from "./data_line.ts";
import type { ExitCode } from "./exit_codes.ts";
import type { Log } from "./log.ts";
import { StopSignals } from "./stop_signals.ts";
import { runTunnel } from "./tunnel_run.ts";
import { dataFormat, tunnelOptions } from "./tunnel_settings.ts";

const SERIAL = "EXAMPLE0SERIAL0";

/** The login of a device that does not exist: no secret. */
const LOGIN = { username: "admin", password: "admin123" } as const;

const LOOPBACK = "127.0.0.1";

const HTTP_PORT = 80;

/** Runs the world and a tunnel into it until it is stopped. */
export async function runDemo(context: CommandContext): Promise<ExitCode> {
  const { settings, host, log, redactor } = context;
  const options = tunnelOptions(settings);
  redactor.addSerial(SERIAL);
  redactor.addPublicLogin(LOGIN);
  const name = redactor.deviceName(SERIAL);
  log.setDevice(name);
  using signals = new StopSignals();
  // The camera reads its clip.
  host.keepPermissions(["net", "read"]);
  await using stack = new AsyncDisposableStack();
  const camera = await startCamera({ hostname: LOOPBACK, credentials: LOGIN });
  stack.defer(() => camera.close());
  host.keepPermissions(["net"]);
  const page = startPage();
  stack.defer(() => page.shutdown());
  const world = await startWorld({
    devices: [{
      ...LOGIN,
      serial: SERIAL,
      authType: 1,
      services: new Map([
        [RTSP_PORT, { hostname: LOOPBACK, port: camera.port }],
        [HTTP_PORT, { hostname: LOOPBACK, port: page.addr.port }],
      ]),
    }],
  });
  stack.defer(() => world.close());
  return await runTunnel({
    serial: SERIAL,
    name,
    options: {
      ...options,
      credentials: LOGIN,
      cloud: { host: LOOPBACK, port: world.cloudPort },
    },
    open: openTunnel,
    log,
    stdout: host.stdout,
    format: dataFormat(settings),
    stopped: signals.first,
    onReady: (tunnel) => sayWhatToTry(tunnel, log),
  });
}

/** The device's page, for whoever forwards port 80. */
function startPage(): Deno.HttpServer<Deno.NetAddr> {
  const text = "This is the web page of the simulated camera.\n";
  return Deno.serve({ hostname: LOOPBACK, port: 0, onListen: () => {} }, () => new Response(text));
}

function sayWhatToTry(tunnel: Tunnel, log: Log): undefined {
  const { username, password } = LOGIN;
  log.info("demo", `This camera is simulated; its user is ${username}, its password ${password}.`);
  for (const { hostname, port, remotePort } of tunnel.ports) {
    if (remotePort === RTSP_PORT) {
      const url = streamUrl(hostname, port, `${username}:${password}`);
      log.info("demo", `Watch:  ffplay '${url}'`);
      log.info("demo", `Count:  ffmpeg -i '${url}' -frames:v 300 -f null -`);
    }
  }
  log.info("demo", "Ctrl-C ends it.");
}
