// deno-lint-ignore-file no-console -- what it prints is its result
/**
 * Sends datagrams of 1316 bytes to a port, at most 64 unanswered, for a number of seconds.
 *
 * usage: raw_sender.ts PORT SECONDS
 *
 * @module
 */
const [portText, secondsText] = Deno.args;
const target = { transport: "udp", hostname: "127.0.0.1", port: Number(portText) } as const;
const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
const WINDOW = 64;
const datagram = new Uint8Array(1316);
const buffer = new Uint8Array(65_536);
const endAt = performance.now() + Number(secondsText) * 1000;
let outstanding = 0;
let answered = 0;
let lastAnswerAt = performance.now();

while (performance.now() < endAt) {
  while (outstanding < WINDOW) {
    socket.send(datagram, target).catch(() => {});
    outstanding++;
  }
  // A lost answer would stop the loop: half a second of silence opens the window again.
  const watchdog = setTimeout(() => {
    if (performance.now() - lastAnswerAt >= 500) outstanding = 0;
    socket.send(datagram, target).catch(() => {});
  }, 500);
  await socket.receive(buffer);
  clearTimeout(watchdog);
  lastAnswerAt = performance.now();
  answered++;
  outstanding = Math.max(0, outstanding - 1);
}
socket.close();
console.log(JSON.stringify({ answered }));
