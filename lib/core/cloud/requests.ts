/**
 * Every request to the cloud: where it goes, whose answer counts, its path and its body.
 *
 * Source: PROTOCOL.md sections 1.1, 1.2, 4.1, 4.3 and 6.4.
 *
 * @module
 */
import { formatEndpoint, toHex } from "../bytes.ts";
import type { Endpoint, Environment } from "../types.ts";
import type { Dialect } from "./dialect.ts";
import type { ExchangeName, Timing } from "./exchange.ts";
import { type Login, prove, proveAddress } from "./login.ts";
import type { Request } from "./transaction.ts";
import type { Tag } from "./xml.ts";

/** What all requests of one run share. */
export interface RunFacts {
  /** The device's. */
  readonly serial: string;
  /** How requests are written. */
  readonly dialect: Dialect;
  /** Randomness, clock, key derivation. */
  readonly environment: Environment;
  /** Our eight bytes. */
  readonly identify: Uint8Array;
  /** Local port of the socket `device`. */
  readonly localPort: number;
  /** 32 hex digits. */
  readonly clientId: string;
}

/** The facts of a run, with a fresh client id; nothing else of `options` is kept. */
export function runFacts(options: Omit<RunFacts, "clientId">): RunFacts {
  const { serial, dialect, environment, identify, localPort } = options;
  const clientId = toHex(environment.random.bytes(16));
  return { serial, dialect, environment, identify, localPort, clientId };
}

/** First and last three characters of a serial: what may be shown of it. */
export function redactSerial(serial: string): string {
  return serial.length <= 6 ? "..." : `${serial.slice(0, 3)}...${serial.slice(-3)}`;
}

/** The first request of all; nobody waits for its answer. */
export function warmUp(run: RunFacts, main: Endpoint): Request {
  return { ...simple("warm-up", main), ...plain(run.dialect.warmUpPath) };
}

/** Whether the cloud knows the serial, and at which US server. */
export function lookup(run: RunFacts, main: Endpoint, timing: Timing): Request {
  return { ...simple("lookup", main), ...ofDevice("/online/p2psrv/{SN}", run), timing };
}

/** Whether the device is there. */
export function probeDevice(run: RunFacts, us: Endpoint): Request {
  return { ...simple("probe-device", us), ...ofDevice("/probe/device/{SN}", run) };
}

/** The device's version, salt and ports. */
export function deviceInfo(run: RunFacts, us: Endpoint): Request {
  return { ...simple("device-info", us), ...ofDevice("/info/device/{SN}", run) };
}

/** What some apps say before p2p-channel; nothing when the dialect has none or without account. */
export function localChannel(run: RunFacts, main: Endpoint, login: Login): Request | undefined {
  const body = run.dialect.localChannelBody;
  if (!body || login.type === "0") return undefined;
  return {
    ...simple("local-channel", main),
    ...ofDevice("/device/{SN}/local-channel", run),
    tags: (createDate) => body(prove(login, createDate, run.environment.random)!),
    proof: "account",
  };
}

/** The call to the device. */
export function p2pChannel(run: RunFacts, main: Endpoint, login: Login): Request {
  const { dialect, environment: { random, deriveKey }, identify, localPort, clientId } = run;
  const account = login.type === "1";
  return {
    ...simple("p2p-channel", main),
    ...ofDevice("/device/{SN}/p2p-channel", run),
    timing: dialect.channelTiming[account ? "authenticated" : "anonymous"],
    tags: (createDate) => {
      const address = dialect.localAddress(localPort);
      const proven = proveAddress(login, address, createDate, random, deriveKey);
      return dialect.channelBody({ identify, localPort, clientId, ...proven });
    },
    proof: account ? "account" : "none",
  };
}

/** Which relay server to use. */
export function onlineRelay(main: Endpoint): Request {
  return { ...simple("online-relay", main), ...plain("/online/relay") };
}

/** A place at one of the relay server's agents. */
export function relayAgent(run: RunFacts, relayServer: Endpoint): Request {
  const { dialect, serial } = run;
  const body = dialect.relayAgentBody;
  return {
    ...simple("relay-agent", relayServer),
    ...plain("/relay/agent"),
    tags: body && ((): Tag[] => body(serial)),
  };
}

/** Takes the place. */
export function relayStart(run: RunFacts, agent: Endpoint, token: string): Request {
  return {
    ...simple("relay-start", agent),
    ...ofToken("/relay/start/", token),
    tags: () => run.dialect.relayStartBody(run.serial),
  };
}

/** Calls the device to the agent. */
export function relayChannel(
  run: RunFacts,
  main: Endpoint,
  agent: Endpoint,
  login: Login,
): Request {
  const { dialect, environment: { random } } = run;
  return {
    exchange: "relay-channel",
    to: main,
    // The device's answer comes by way of the agent, a refusal from the main server.
    sources: [main, agent],
    ...ofDevice("/device/{SN}/relay-channel", run),
    tags: (createDate) =>
      dialect.relayChannelBody(formatEndpoint(agent), prove(login, createDate, random)),
    proof: login.type === "1" ? "account" : "none",
  };
}

/** Calls the device to a TCP relay, and asks which. */
export function tcpRelayChannel(run: RunFacts, main: Endpoint, login: Login): Request {
  const { dialect, environment: { random } } = run;
  return {
    ...simple("tcprelay-channel", main),
    ...ofDevice("/device/{SN}/tcprelay-channel", run),
    tags: (createDate) => dialect.tcpRelayChannelBody(prove(login, createDate, random)),
    proof: login.type === "1" ? "account" : "none",
  };
}

/** Gives the place back: to the relay server, not to the agent. */
export function relayUnbind(relayServer: Endpoint, token: string): Request {
  return { ...simple("relay-unbind", relayServer), ...ofToken("/relay/unbind/", token) };
}

function simple(
  exchange: ExchangeName,
  to: Endpoint,
): Pick<Request, "exchange" | "to" | "sources" | "proof"> {
  return { exchange, to, sources: [to], proof: "none" };
}

type Paths = Pick<Request, "path" | "shownPath">;

function plain(path: string): Paths {
  return { path, shownPath: path };
}

function ofDevice(pattern: string, run: RunFacts): Paths {
  return {
    path: pattern.replace("{SN}", run.serial),
    shownPath: pattern.replace("{SN}", redactSerial(run.serial)),
  };
}

function ofToken(prefix: string, token: string): Paths {
  return { path: prefix + token, shownPath: `${prefix}...` };
}
