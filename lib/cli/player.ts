/**
 * The player that `--debug` opens beside the tunnel.
 *
 * @module
 */
import type { DeviceCredentials } from "../net/connect.ts";
import { streamUrl } from "./data_line.ts";
import type { Host } from "./host.ts";
import type { Log } from "./log.ts";
import { PLAYER } from "./permissions.ts";

/** Lines of the player's complaints that are logged; a broken stream yields thousands. */
const MAX_LOGGED_LINES = 50;

/** How long a player may take to end when it is asked to. */
const PATIENCE_MS = 1000;

/** Longest piece of a complaint without a line end that is kept. */
const MAX_LINE_CHARACTERS = 1000;

/**
 * The arguments of ffplay. The stream's address is not among them, because it holds the password and
 * every user of the machine can read arguments: it comes on standard input, as a list of one file.
 */
export const PLAYER_ARGUMENTS: readonly string[] = [
  "-hide_banner",
  "-loglevel",
  "error",
  "-f",
  "concat",
  "-safe",
  "0",
  "-protocol_whitelist",
  "pipe,fd,file,rtsp,tcp,rtp,udp,crypto",
  "-i",
  "pipe:0",
];

/** Whether there is a screen for a player. */
export function hasDisplay(host: Pick<Host, "os" | "env">): boolean {
  if (host.os === "darwin" || host.os === "windows") return true;
  return ["DISPLAY", "WAYLAND_DISPLAY"].some((name) => (host.env(name) ?? "") !== "");
}

/** The list that tells ffplay what to play. Credentials are percent-encoded, so nothing is quoted. */
export function playlist(hostname: string, port: number, credentials: DeviceCredentials): string {
  const userinfo = [credentials.username, credentials.password].map(encodeUserinfo).join(":");
  return `ffconcat version 1.0\nfile '${streamUrl(hostname, port, userinfo)}'\n`;
}

function encodeUserinfo(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A running player. When its person closes it, the tunnel stays. */
export class Player implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(process: Deno.ChildProcess, list: string, log: Log) {
    this.#process = process;
    void feed(process.stdin, list);
    // Not waited for: a child of the player could keep the pipe open for ever.
    void logComplaints(process.stderr, log);
    this.#ended = process.status.then(({ code }) => {
      log.debug("player", `${PLAYER} ended with code ${code}.`, { code });
    });
  }

  /** Starts the player, or says in the log why there is none. */
  static start(list: string, log: Log): Player | undefined {
    try {
      const command = new Deno.Command(PLAYER, {
        args: [...PLAYER_ARGUMENTS],
        // It has the login in its list and needs no second copy.
        env: { DAHUA_P2P_PASSWORD: "" },
        stdin: "piped",
        stdout: "null",
        stderr: "piped",
      });
      return new Player(command.spawn(), list, log);
    } catch (error) {
      const why = error instanceof Error ? error.name : "unknown";
      log.info("player", `${PLAYER} cannot be started (${why}); is it installed?`);
      return undefined;
    }
  }

  /** Ends the player and waits until it has gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill("SIGTERM");
    const insist = setTimeout(() => this.#kill("SIGKILL"), PATIENCE_MS);
    await this.#ended;
    clearTimeout(insist);
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended by itself.
    }
  }
}

async function feed(stdin: WritableStream<Uint8Array>, list: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(list));
    await writer.close();
  } catch {
    // It ended before reading the list; its exit code says so.
  }
}

async function logComplaints(stderr: ReadableStream<Uint8Array>, log: Log): Promise<void> {
  let lines = 0;
  let rest = "";
  // Read to the end in any case: a full pipe would stop the player.
  for await (const chunk of stderr.pipeThrough(new TextDecoderStream())) {
    if (lines >= MAX_LOGGED_LINES) continue;
    const parts = (rest + chunk).split(/\r?\n|\r/);
    rest = (parts.pop() ?? "").slice(-MAX_LINE_CHARACTERS);
    for (const line of parts.filter((part) => part.trim() !== "")) {
      if (lines++ < MAX_LOGGED_LINES) log.debug("player", `${PLAYER}: ${line.trim()}`);
    }
  }
}
