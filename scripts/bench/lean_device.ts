/**
 * The simulated cloud and a device whose direct sessions are {@link ./lean_session.ts lean}: the
 * far end of the tunnel under test, in a process of its own.
 *
 * @module
 */
import type { Agent } from "../../fixtures/world/agent.ts";
import type { Device, DeviceEvent } from "../../fixtures/world/device.ts";
import { buildWorld } from "../../fixtures/world/world.ts";
import { sameEndpoint } from "../../lib/core/bytes.ts";
import { isPtcp } from "../../lib/core/ptcp/segment.ts";
import type { Datagram, Deadline, Endpoint, Machine, Transmit } from "../../lib/core/types.ts";
import { MachineDriver } from "../../lib/net/driver.ts";
import { deriveKey } from "../../lib/net/environment.ts";
import { UdpSocket } from "../../lib/net/udp.ts";
import { LeanSession } from "./lean_session.ts";
import { serveCommands } from "./worker.ts";

const HOST = "127.0.0.1";

/** A device that leaves its direct sessions to a {@linkcode LeanSession}. */
class LeanDevice implements Machine<DeviceEvent, "device"> {
  readonly #device: Device;
  readonly #agentPort: number;
  #session: LeanSession | undefined;
  #client: Endpoint | undefined;
  #now = 0;

  constructor(device: Device, agentPort: number) {
    this.#device = device;
    this.#agentPort = agentPort;
  }

  start(now: number): void {
    this.#device.start(now);
  }

  handleDatagram(datagram: Datagram<"device">, now: number): void {
    this.#now = now;
    const { data, from } = datagram;
    if (!isPtcp(data) || from.port === this.#agentPort) {
      return this.#device.handleDatagram(datagram, now);
    }
    // One client at a time: another one is a new run of the bench.
    if (this.#client === undefined || !sameEndpoint(this.#client, from)) {
      this.#client = from;
      this.#session = new LeanSession();
    }
    this.#session?.handleSegment(data, now);
  }

  handleTimeout(now: number): void {
    this.#now = now;
    this.#device.handleTimeout(now);
    this.#session?.handleTimeout(now);
  }

  pollTransmit(): Transmit<"device"> | undefined {
    const data = this.#session?.pollTransmit(this.#now);
    if (data === undefined) return this.#device.pollTransmit();
    return { socket: "device", to: this.#client!, data };
  }

  pollEvent(): DeviceEvent | undefined {
    return this.#device.pollEvent();
  }

  pollDeadline(): Deadline | undefined {
    const device = this.#device.pollDeadline();
    const at = this.#session?.deadlineAt ?? Infinity;
    return at < (device?.at ?? Infinity) ? { at, reason: "lean" } : device;
  }
}

const sockets = {
  main: new UdpSocket(HOST),
  us: new UdpSocket(HOST),
  relay: new UdpSocket(HOST),
  agent: new UdpSocket(HOST),
  device: new UdpSocket(HOST),
};
const at = ({ port }: UdpSocket): Endpoint => ({ ip: HOST, port });
const world = buildWorld({
  places: {
    main: at(sockets.main),
    us: at(sockets.us),
    relay: at(sockets.relay),
    agent: new Map([["agent", at(sockets.agent)]]),
    devices: [at(sockets.device)],
  },
  devices: [{}],
  seed: 1,
  unixTimeMs: Date.now,
  deriveKey,
});
const [serial, device] = [...world.devices][0]!;
const ignore = (): void => {};
new MachineDriver(world.cloud, { main: sockets.main, us: sockets.us }, ignore);
new MachineDriver(world.relay, { relay: sockets.relay }, ignore);
new MachineDriver<unknown, string, Agent>(world.agent, { agent: sockets.agent }, ignore);
const lean = new LeanDevice(device, sockets.agent.port);
new MachineDriver(lean, { device: sockets.device }, ignore).run((m, now) => m.start(now));
while (!world.cloud.isOnline(serial)) await new Promise((wake) => setTimeout(wake, 1));

await serveCommands({ cloudPort: sockets.main.port, serial }, () => {});
