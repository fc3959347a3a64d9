/**
 * The exchanges with the cloud: a closed set, each with its socket, its method and its patience.
 *
 * Source: PROTOCOL.md sections 1.1 (sockets, methods), 4.3 and 9 (timing).
 *
 * @module
 */

/**
 * The three UDP sockets of a link: `main` (main server, relay server, agent), `us` (US server
 * only), `device` (p2p-channel, then everything with the device).
 */
export type SocketRole = "main" | "us" | "device";

/** The exchanges by name. */
export type ExchangeName =
  | "warm-up"
  | "lookup"
  | "online-relay"
  | "probe-device"
  | "device-info"
  | "local-channel"
  | "p2p-channel"
  | "relay-agent"
  | "relay-start"
  | "relay-channel"
  | "relay-unbind"
  | "tcprelay-channel";

/** How long an exchange waits and how often it repeats itself. */
export interface Timing {
  /** From the first send to the first resend; each further wait is twice as long. */
  readonly firstResendMs: number;
  /** From the first send to the end of patience. */
  readonly capMs: number;
  /** Resends at most. */
  readonly maxResends: number;
  /** Whether a `100` ends the resends. */
  readonly afterTrying: "resend" | "wait";
}

/** One exchange. */
export interface Exchange {
  /** The socket it is sent from. */
  readonly socket: SocketRole;
  /** Its kind of method, unless the dialect posts it; the word is the dialect's. */
  readonly method: "get" | "post";
  /** Its patience. */
  readonly timing: Timing;
}

/** 500 ms, doubling, 10 s: what the vendor's own library does. */
export const USUAL_TIMING: Timing = {
  firstResendMs: 500,
  capMs: 10_000,
  maxResends: 8,
  afterTrying: "resend",
};

/** Of an authenticated p2p-channel: the device would judge the password once for each arrival. */
export const AUTHENTICATED_TIMING: Timing = {
  firstResendMs: 2_000,
  capMs: 10_000,
  maxResends: 2,
  afterTrying: "wait",
};

/**
 * Of one step with one relay: seven of ten relays never answer, so that ten seconds each would use
 * up the whole handshake.
 */
const RELAY_STEP_TIMING: Timing = { ...USUAL_TIMING, capMs: 4_000 };

/** Every exchange. p2p-channel's timing is its dialect's. */
export const EXCHANGES: Readonly<Record<ExchangeName, Exchange>> = {
  "warm-up": { socket: "main", method: "get", timing: USUAL_TIMING },
  "lookup": { socket: "main", method: "get", timing: USUAL_TIMING },
  "online-relay": { socket: "main", method: "get", timing: USUAL_TIMING },
  "probe-device": { socket: "us", method: "get", timing: USUAL_TIMING },
  "device-info": { socket: "us", method: "get", timing: USUAL_TIMING },
  // p2p-channel waits for it, and answers take about 1.1 s. A resend would be judged once more, and
  // when this one is lost p2p-channel is the next to carry the proof.
  "local-channel": {
    socket: "device",
    method: "get",
    timing: { ...AUTHENTICATED_TIMING, capMs: 1_500, maxResends: 0 },
  },
  "p2p-channel": { socket: "device", method: "post", timing: USUAL_TIMING },
  "relay-agent": { socket: "main", method: "get", timing: RELAY_STEP_TIMING },
  "relay-start": { socket: "main", method: "post", timing: RELAY_STEP_TIMING },
  // Answered after 200 to 400 ms, through the device: an earlier resend makes duplicates there.
  "relay-channel": {
    socket: "main",
    method: "post",
    timing: { ...USUAL_TIMING, firstResendMs: 2_000 },
  },
  // It carries the account's proof, as relay-channel does.
  "tcprelay-channel": {
    socket: "main",
    method: "post",
    timing: { ...USUAL_TIMING, firstResendMs: 2_000 },
  },
  // Nobody waits for it longer than for a clean end.
  "relay-unbind": { socket: "main", method: "get", timing: { ...USUAL_TIMING, capMs: 1_000 } },
};
