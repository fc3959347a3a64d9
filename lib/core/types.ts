/**
 * The vocabulary every machine of the core shares: endpoints, datagrams, deadlines, and the shape of
 * a machine itself. Nothing here knows a protocol.
 *
 * @module
 */

/** An IPv4 address literal and a UDP or TCP port. */
export interface Endpoint {
  /** IPv4 literal, dotted quad. */
  readonly ip: string;
  /** 0 to 65535. */
  readonly port: number;
}

/** A datagram that arrived. `data` belongs to the receiver: nobody writes to it afterwards. */
export interface Datagram<Socket extends string = string> {
  /** Which of the machine's own sockets received it. */
  readonly socket: Socket;
  /** Who sent it, as the network says. */
  readonly from: Endpoint;
  /** The payload. */
  readonly data: Uint8Array;
}

/** A datagram to send. `data` must be handed to the network before the machine is called again. */
export interface Transmit<Socket extends string = string> {
  /** Which of the machine's own sockets sends it. */
  readonly socket: Socket;
  /** Where it goes. */
  readonly to: Endpoint;
  /** The payload. */
  readonly data: Uint8Array;
}

/** The next instant at which a machine wants to be called, and why. */
export interface Deadline {
  /** Milliseconds on the same monotonic clock as `now`. */
  readonly at: number;
  /** Name of the timer, for traces and tests. */
  readonly reason: string;
}

/**
 * A sans-I/O protocol machine.
 *
 * One mutation (a handler or a command), or the datagrams that wait, then drain: transmits, then
 * events, then read the deadline once. While output is queued the deadline is now. An early or repeated `handleTimeout` does
 * nothing. No datagram makes a handler throw.
 *
 * @typeParam Event What the machine reports.
 * @typeParam Socket Names of the sockets the machine speaks through.
 */
export interface Machine<Event, Socket extends string = string> {
  /** Takes one datagram. `now` is in ms on a monotonic clock and never goes back. */
  handleDatagram(datagram: Datagram<Socket>, now: number): void;
  /** Runs every timer that is due at `now`. */
  handleTimeout(now: number): void;
  /** The next datagram to send, or nothing. */
  pollTransmit(): Transmit<Socket> | undefined;
  /** The next thing that happened, or nothing. */
  pollEvent(): Event | undefined;
  /** When `handleTimeout` is due, or nothing when only input can change the state. */
  pollDeadline(): Deadline | undefined;
  /**
   * Whether what the machine has to send should leave before it is given another datagram; absent:
   * never. Otherwise a driver may hand over several that wait together.
   */
  readonly isUrgent?: boolean;
}

/** One thing worth telling whoever debugs. Data, never text; never a secret, never a whole body. */
export interface TraceEvent {
  /** Monotonic ms. */
  readonly at: number;
  /** The machine that speaks, e.g. `signaling`, `ptcp`. */
  readonly scope: string;
  /** What happened, kebab-case, e.g. `retransmit`, `datagram-dropped`. */
  readonly name: string;
  /** What there is to say about it. */
  readonly data: Readonly<Record<string, string | number | boolean>>;
}

/** Where trace events go. Absent means tracing costs nothing. */
export type Trace = (event: TraceEvent) => void;

/** Source of randomness; a seeded one makes every run the same. */
export interface Random {
  /** Uniform unsigned 32-bit integer. */
  uint32(): number;
  /** Fresh random bytes. */
  bytes(length: number): Uint8Array;
}

/**
 * PBKDF2-HMAC-SHA256. A parameter because it costs 20 to 40 ms: simulations memoise it.
 *
 * @returns `length` bytes.
 */
export type DeriveKey = (
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
) => Uint8Array;

/** What a machine may not take from its surroundings by itself. */
export interface Environment {
  /** Source of every random number and nonce. */
  readonly random: Random;
  /** The local wall clock, Unix time in ms. It may be wrong: the cloud's `Date` corrects it. */
  readonly unixTimeMs: () => number;
  /** The slow key derivation of device authentication. */
  readonly deriveKey: DeriveKey;
  /** Where trace events go. */
  readonly trace?: Trace | undefined;
}
