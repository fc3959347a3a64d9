import { assertEquals } from "@std/assert";
import type { Datagram, Deadline, Machine, Transmit } from "../../lib/core/types.ts";
import { MachineDriver } from "../../lib/net/driver.ts";
import { UdpSocket } from "../../lib/net/udp.ts";

type Step = "in" | "out" | "event";

/** Answers what it was given since it last sent with one datagram, and reports it. */
class Answerer implements Machine<number, "only"> {
  readonly steps: Step[] = [];
  isUrgent = false;
  #to: Datagram["from"] | undefined;
  #taken = 0;
  #reported = 0;

  handleDatagram({ from }: Datagram<"only">): void {
    this.steps.push("in");
    this.#to = from;
    this.#taken++;
  }

  handleTimeout(): void {}

  pollTransmit(): Transmit<"only"> | undefined {
    if (this.#to === undefined) return undefined;
    this.steps.push("out");
    const to = this.#to;
    this.#to = undefined;
    return { socket: "only", to, data: Uint8Array.of(this.#taken) };
  }

  pollEvent(): number | undefined {
    if (this.#reported === this.#taken) return undefined;
    this.steps.push("event");
    return this.#reported = this.#taken;
  }

  pollDeadline(): Deadline | undefined {
    return undefined;
  }
}

/** Sends so many datagrams at once and waits until the machine has reported them all. */
async function play(machine: Answerer, datagrams: number): Promise<void> {
  const socket = new UdpSocket("127.0.0.1");
  const sender = new UdpSocket("127.0.0.1");
  const done = Promise.withResolvers<void>();
  const driver = new MachineDriver(machine, { only: socket }, (taken: number) => {
    if (taken === datagrams) done.resolve();
  });
  for (let i = 0; i < datagrams; i++) {
    sender.send(Uint8Array.of(i), { ip: "127.0.0.1", port: socket.port });
  }
  await done.promise;
  await driver.stop();
  await sender.close();
}

Deno.test("datagrams that wait together are answered together", async () => {
  const machine = new Answerer();
  await play(machine, 8);
  assertEquals(machine.steps.filter((step) => step === "in").length, 8);
  assertEquals(machine.steps.slice(-3), ["in", "out", "event"]);
  const answers = machine.steps.filter((step) => step === "out").length;
  assertEquals(answers < 8, true, `${answers} answers`);
});

Deno.test("what a machine in a hurry has to send leaves before it is given more", async () => {
  const machine = new Answerer();
  machine.isUrgent = true;
  await play(machine, 8);
  const steps = machine.steps.filter((step) => step !== "event");
  assertEquals(steps, Array(8).fill(["in", "out"]).flat());
});
