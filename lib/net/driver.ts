/**
 * The dull driver of a machine: datagrams, a timer or a command go in, then everything that came of
 * them goes out. Datagrams that wait together go in together: fewer acks and fewer, larger writes.
 *
 * @module
 */
import type { Machine } from "../core/types.ts";
import { Alarm, monotonicNow } from "./clock.ts";
import type { UdpSocket } from "./udp.ts";

/** Runs one machine on real sockets and the real clock. */
export class MachineDriver<Event, Socket extends string, M extends Machine<Event, Socket>> {
  readonly machine: M;
  readonly #sockets: Readonly<Record<Socket, UdpSocket>>;
  readonly #onEvent: (event: Event) => void;
  readonly #alarm = new Alarm(() => this.run((machine, now) => machine.handleTimeout(now)));
  #draining = false;
  #stopped = false;

  /**
   * Takes the sockets over and begins to receive.
   *
   * @param onEvent Called for each event, never from within the machine; it may call `run`.
   */
  constructor(
    machine: M,
    sockets: Readonly<Record<Socket, UdpSocket>>,
    onEvent: (event: Event) => void,
    onError?: (socket: Socket, error: Error) => void,
  ) {
    this.machine = machine;
    this.#sockets = sockets;
    this.#onEvent = onEvent;
    for (const socket of Object.keys(sockets) as Socket[]) {
      sockets[socket].listen({
        onDatagram: (data, from) => {
          if (this.#stopped) return;
          machine.handleDatagram({ socket, from, data }, monotonicNow());
          if (machine.isUrgent) this.#transmit();
        },
        onBatchEnd: () => this.#transmit(),
        onQuiet: () => this.#drain(),
        onError: onError && ((error) => onError(socket, error)),
      });
    }
  }

  /** Calls the machine once, then sends, reports and sleeps as it asks. */
  run<Result>(call: (machine: M, now: number) => Result): Result {
    const result = call(this.machine, monotonicNow());
    this.#drain();
    return result;
  }

  /** Stops timers and sockets; the machine is not called again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#alarm.clear();
    await Promise.all(Object.values<UdpSocket>(this.#sockets).map((socket) => socket.close()));
  }

  #transmit(): void {
    if (this.#stopped) return;
    const { machine } = this;
    for (let t = machine.pollTransmit(); t; t = machine.pollTransmit()) {
      this.#sockets[t.socket].send(t.data, t.to);
    }
  }

  #drain(): void {
    // An event handler that calls `run` is inside this loop already: the loop takes its output too.
    if (this.#draining || this.#stopped) return;
    this.#draining = true;
    try {
      const { machine } = this;
      for (;;) {
        this.#transmit();
        const event = machine.pollEvent();
        if (event === undefined) break;
        this.#onEvent(event);
      }
    } finally {
      this.#draining = false;
    }
    if (this.#stopped) return;
    const deadline = this.machine.pollDeadline();
    if (deadline) this.#alarm.set(deadline.at);
    else this.#alarm.clear();
  }
}
