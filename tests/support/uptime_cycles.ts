/**
 * Kills parts of a simulated world again and again, in every phase, while FFmpeg plays through the
 * tunnel and is started again whenever it ends, as re-streamers do.
 *
 * @module
 */
import { openTunnel, type Tunnel, type TunnelEvent } from "../../lib/net/tunnel.ts";
import type { WorldPart } from "../../fixtures/world/deno_shell.ts";
import { LOGIN, SERIAL, Stage } from "./stage.ts";

/** Parts that are killed in turn. */
export const PARTS: readonly WorldPart[] = ["cloud", "relay", "agent", { device: SERIAL }];

/** When within a cycle. */
export type Moment =
  /** While pictures come. */
  | "playing"
  /** As soon as the session has been lost: the next one is being made without the part. */
  | "waiting"
  /** As soon as this phase of a handshake has been passed. */
  | "lookup"
  | "channel"
  | "punch"
  | "session";

/** Moments in turn. */
export const MOMENTS: readonly Moment[] = [
  "playing",
  "waiting",
  "lookup",
  "channel",
  "punch",
  "session",
];

/** What is held, at a moment of rest. */
export interface Held {
  readonly files: number;
  readonly memoryBytes: number;
}

/** What the cycles did. */
export interface CyclesResult {
  /** Sessions that were ready. */
  readonly sessions: number;
  readonly plays: number;
  /** Longest time from the end of the trouble to a picture, ms. */
  readonly worstMs: number;
  /** At the beginning, after the first round, and at the end. */
  readonly held: readonly [Held, Held, Held];
}

/** How long a picture may take to come back. */
const BACK_LIMIT_MS = 30_000;

/** How long a part stays away. */
const AWAY_MS = 300;

/** A tunnel whose every failure is answered soon. */
async function open(stage: Stage, onEvent: (event: TunnelEvent) => void): Promise<Tunnel> {
  return await openTunnel(SERIAL, {
    credentials: LOGIN,
    cloud: { host: "127.0.0.1", port: stage.world.cloudPort },
    forwards: [{ bind: "127.0.0.1", localPort: 0, remotePort: 554 }],
    heartbeatMs: 300,
    deadAfterMs: 1_500,
    timeoutMs: 6_000,
    retryMinMs: 50,
    retryMaxMs: 400,
    cleanCooldownMs: 50,
    lostCooldownMs: 50,
    onEvent,
  });
}

/** Combinations of part and moment; a round goes through all of them. */
const ROUND = PARTS.length * MOMENTS.length;

/**
 * Runs so many cycles and says what was held before and after.
 *
 * @param stride From one combination to the next; one that shares no factor with their number goes
 * through all of them, and a few cycles through different ones.
 */
export async function runCycles(
  cycles: number,
  stride: number,
  report: (line: string) => void = () => {},
): Promise<CyclesResult> {
  await using stage = await Stage.open({
    device: { registerIntervalMs: 200, bootMs: 100, sessionSilenceMs: 3_000 },
    world: { cloud: { registrationLifetimeMs: 1_000 } },
  });
  const events = new EventTarget();
  let sessions = 0;
  const tunnel = await open(stage, (event) => {
    if (event.type === "ready") sessions++;
    const name = event.type === "phase" ? event.phase : event.type;
    events.dispatchEvent(new Event(name));
  });
  try {
    const player = new PlayerLoop(tunnel.ports[0]!.port);
    let worstMs = 0;
    let first: Held | undefined;
    await player.picture(BACK_LIMIT_MS);
    await player.pause();
    const before = held();
    player.resume();
    for (let cycle = 0; cycle < cycles; cycle++) {
      const combination = cycle * stride % ROUND;
      const part = PARTS[combination % PARTS.length]!;
      const moment = MOMENTS[Math.floor(combination / PARTS.length)]!;
      await player.picture(BACK_LIMIT_MS);
      if (moment !== "playing") {
        // A handshake is needed for a moment inside one.
        await breakSession(stage, tunnel, events);
        if (moment !== "waiting") await once(events, moment);
      }
      await stage.world.stop(part);
      await new Promise((wake) => setTimeout(wake, AWAY_MS));
      stage.world.start(part);
      const from = performance.now();
      await player.fresh(BACK_LIMIT_MS);
      worstMs = Math.max(worstMs, performance.now() - from);
      report(
        `${cycle + 1}/${cycles} ${typeof part === "string" ? part : "device"} ${moment}: ` +
          `${Math.round(performance.now() - from)} ms`,
      );
      if (cycle + 1 === ROUND) {
        await player.pause();
        first = held();
        player.resume();
      }
    }
    await player.pause();
    const after = held();
    await player.stop();
    return { sessions, plays: player.plays, worstMs, held: [before, first ?? after, after] };
  } finally {
    await tunnel.close();
  }
}

/** Makes the present session end: the device restarts and has forgotten it. */
async function breakSession(stage: Stage, tunnel: Tunnel, events: EventTarget): Promise<void> {
  // A picture may come out of the player's buffers when its session is gone already.
  if (tunnel.status().state !== "up") await once(events, "ready");
  const lost = once(events, "lost");
  stage.world.reboot(SERIAL);
  await lost;
}

function once(events: EventTarget, name: string): Promise<void> {
  return new Promise((resolve) => {
    events.addEventListener(name, () => resolve(), { once: true });
  });
}

function held(): Held {
  return {
    files: [...Deno.readDirSync("/proc/self/fd")].length,
    memoryBytes: Deno.memoryUsage().heapUsed,
  };
}

/** FFmpeg in a loop, and what it has shown so far. */
class PlayerLoop {
  readonly #url: string;
  #child: Deno.ChildProcess | undefined;
  #loop: Promise<void>;
  #isStopped = false;
  #frames = 0;
  #onFrame = new Set<() => void>();
  /** How often it was started. */
  plays = 0;

  constructor(port: number) {
    this.#url = `rtsp://${LOGIN.username}:${LOGIN.password}@127.0.0.1:${port}` +
      "/cam/realmonitor?channel=1&subtype=1";
    this.#loop = this.#run();
  }

  /** Waits for a picture more than there is now. */
  async picture(limitMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`no picture in ${limitMs} ms`)),
      limitMs,
    );
    const wake = (): void => resolve();
    this.#onFrame.add(wake);
    try {
      await promise;
    } finally {
      this.#onFrame.delete(wake);
      clearTimeout(timer);
    }
  }

  /** Waits for a picture that the player did not have in its buffers already. */
  async fresh(limitMs: number): Promise<void> {
    for (let i = 0; i < 3; i++) await this.picture(limitMs);
  }

  /** Ends the player and starts no other. */
  async pause(): Promise<void> {
    this.#isStopped = true;
    this.#kill();
    await this.#loop;
    // What its connection held is closed by the tunnel a moment later.
    await new Promise((wake) => setTimeout(wake, 300));
  }

  /** Goes on. */
  resume(): void {
    this.#isStopped = false;
    this.#loop = this.#run();
  }

  /** Ends it. */
  async stop(): Promise<void> {
    await this.pause();
  }

  #kill(): void {
    try {
      this.#child?.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.plays++;
      const child = new Deno.Command("ffmpeg", {
        args: [
          ...["-nostdin", "-hide_banner", "-v", "quiet", "-rtsp_transport", "tcp"],
          ...["-timeout", "3000000", "-i", this.#url, "-an", "-f", "framecrc", "-flush_packets"],
          ...["1", "pipe:1"],
        ],
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      this.#child = child;
      for await (const chunk of child.stdout) {
        // One line a frame, after a head whose lines begin with #.
        const lines = new TextDecoder().decode(chunk).split("\n");
        const frames = lines.filter((line) => /^\d/.test(line)).length;
        if (frames === 0) continue;
        this.#frames += frames;
        for (const wake of this.#onFrame) wake();
      }
      await child.status;
      // A player that is refused at once would be started a hundred times a second otherwise.
      await new Promise((wake) => setTimeout(wake, 100));
    }
  }
}
