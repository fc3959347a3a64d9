/**
 * Sends datagrams of 1316 bytes, at most 50 unanswered (a window of 64 KiB), to whoever answers
 * each of them.
 *
 * @module
 */
import { serveCommands } from "./worker.ts";

/** Sends so many datagrams to a port of this machine. */
export interface SendCommand {
  readonly port: number;
  readonly datagrams: number;
}

/** How long it took. */
export interface SendResult {
  readonly seconds: number;
}

const WINDOW = 50;
const SILENCE_MS = 200;
const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
const datagram = new Uint8Array(1316);
const buffer = new Uint8Array(2048);

async function send({ port, datagrams }: SendCommand): Promise<SendResult> {
  const target = { transport: "udp", hostname: "127.0.0.1", port } as const;
  const startedAt = performance.now();
  let sent = 0;
  let answered = 0;
  let lastCount = -1;
  // What the loopback drops is never answered: after a silence the window opens again.
  const watchdog = setInterval(() => {
    if (answered === lastCount) {
      for (let i = sent - answered; i > 0; i--) socket.send(datagram, target);
    }
    lastCount = answered;
  }, SILENCE_MS);
  while (answered < datagrams) {
    for (; sent < datagrams && sent - answered < WINDOW; sent++) socket.send(datagram, target);
    await socket.receive(buffer);
    answered++;
  }
  clearInterval(watchdog);
  return { seconds: (performance.now() - startedAt) / 1000 };
}

await serveCommands<SendCommand>({}, send);
