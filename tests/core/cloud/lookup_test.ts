import { assert, assertEquals, assertThrows } from "@std/assert";
import { SMARTPSS } from "../../../lib/core/cloud/dialect.ts";
import { type ExchangeName } from "../../../lib/core/cloud/exchange.ts";
import { Lookup, type LookupEvent, type LookupSocket } from "../../../lib/core/cloud/lookup.ts";
import { decodeRequest, header } from "../../../lib/core/cloud/message.ts";
import { StateError } from "../../../lib/core/errors.ts";
import { seededRandom } from "../../../lib/core/random.ts";
import type { Datagram, Endpoint } from "../../../lib/core/types.ts";
import {
  type Arrival,
  cheapDerive,
  EPOCH_MS,
  HEALTHY,
  hostileDatagrams,
  losing,
  MAIN,
  MAIN_2,
  reply,
  type Script,
  SERIAL,
  US,
} from "./scripted_cloud.ts";

const SILENT: Script = () => [];
const STATUS = (status: number): Script => (a) => [reply(a, status, undefined)];

/** A lookup with a scripted cloud, in virtual time. */
class LookupRun {
  readonly lookup: Lookup;
  readonly asked: string[] = [];
  readonly events: { readonly at: number; readonly event: LookupEvent }[] = [];
  now = 0;
  readonly #scripts: Partial<Record<ExchangeName, Script>>;
  readonly #deliveries: { at: number; datagram: Datagram<LookupSocket> }[] = [];

  constructor(
    scripts: Partial<Record<ExchangeName, Script>> = {},
    options: { readonly servers?: readonly Endpoint[]; readonly clockErrorMs?: number } = {},
  ) {
    this.#scripts = { ...HEALTHY, ...scripts };
    this.lookup = new Lookup({
      serial: SERIAL,
      dialect: SMARTPSS,
      servers: options.servers ?? [MAIN],
      environment: {
        random: seededRandom(1),
        unixTimeMs: () => EPOCH_MS + this.now + (options.clockErrorMs ?? 0),
        deriveKey: cheapDerive,
      },
    });
  }

  /** Runs until nothing more can happen. */
  run(): this {
    this.lookup.start(this.now);
    for (let steps = 0; steps < 1_000; steps++) {
      this.#drain();
      const deadline = this.lookup.pollDeadline()?.at ?? Infinity;
      const next = Math.min(deadline, ...this.#deliveries.map(({ at }) => at));
      if (next === Infinity) return this;
      this.now = Math.max(this.now, next);
      const due = this.#deliveries.findIndex(({ at }) => at <= this.now);
      if (due >= 0) {
        this.lookup.handleDatagram(this.#deliveries.splice(due, 1)[0]!.datagram, this.now);
      } else {
        this.lookup.handleTimeout(this.now);
      }
    }
    throw new Error("it goes on for ever");
  }

  /** The types of the events, and the reason of a failure. */
  get story(): readonly string[] {
    return this.events.map(({ event }) =>
      event.type === "failed" ? `failed ${event.failure.reason}` : event.type
    );
  }

  deliver(datagram: Datagram<LookupSocket>): void {
    this.lookup.handleDatagram(datagram, this.now);
    this.#drain();
  }

  #drain(): void {
    for (let t = this.lookup.pollTransmit(); t; t = this.lookup.pollTransmit()) {
      const { socket, to } = t;
      const request = decodeRequest(t.data);
      const exchange = exchangeOf(request.path);
      const before = this.asked.filter((name) => name === exchange).length;
      this.asked.push(exchange);
      const arrival: Arrival = {
        at: this.now,
        exchange,
        before,
        socket,
        to,
        request,
        cseq: header(request, "CSeq") ?? "",
        body: new Map(),
      };
      for (const { afterMs, from = to, data } of this.#scripts[exchange]?.(arrival) ?? []) {
        this.#deliveries.push({ at: this.now + afterMs, datagram: { socket, from, data } });
      }
    }
    for (let event = this.lookup.pollEvent(); event; event = this.lookup.pollEvent()) {
      this.events.push({ at: this.now, event });
    }
  }
}

function exchangeOf(path: string): ExchangeName {
  if (path.startsWith("/online/p2psrv/")) return "lookup";
  if (path.startsWith("/probe/device/")) return "probe-device";
  if (path.startsWith("/info/device/")) return "device-info";
  assert(/^\/probe\/p2psrv$/.test(path), path);
  return "warm-up";
}

Deno.test("a lookup asks where the device is, whether it is there, and nothing else", () => {
  const run = new LookupRun().run();
  assertEquals(run.asked.toSorted(), ["device-info", "lookup", "probe-device", "warm-up"]);
  assertEquals(run.story, ["registered", "online"]);
  assertEquals(run.events.map(({ at }) => at), [50, 100]);
  assertEquals(run.lookup.pollDeadline(), undefined);
});

Deno.test("the device's information comes with the word that it is online", () => {
  const info: Script = (a) => [reply(a, 200, [["DevVersion", "6.7.30"], ["Info", ""]])];
  const { event } = new LookupRun({ "device-info": info }).run().events.at(-1)!;
  assert(event.type === "online");
  assertEquals(event.info?.version, "6.7.30");
});

Deno.test("information that is late, refused or unreadable is not waited for, or not for long", () => {
  const table: readonly [Script, number][] = [
    [SILENT, 3_100],
    [STATUS(404), 100],
    [(a) => [reply(a, 200, [["Info", "%%%"]])], 100],
  ];
  for (const [script, at] of table) {
    const run = new LookupRun({ "device-info": script }).run();
    assertEquals(run.story, ["registered", "online"]);
    assertEquals(run.events.at(-1)?.at, at);
    const { event } = run.events.at(-1)!;
    assert(event.type === "online");
    assertEquals(event.info, undefined);
  }
});

Deno.test("a serial nobody knows and a device that is off are told apart", () => {
  assertEquals(new LookupRun({ lookup: STATUS(404) }).run().story, ["failed device-unknown"]);
  const off = new LookupRun({ "probe-device": STATUS(404), "device-info": STATUS(404) }).run();
  assertEquals(off.story, ["registered", "failed device-offline"]);
});

Deno.test("a cloud that is silent is unreachable, at whichever server", () => {
  const main = new LookupRun({ "lookup": SILENT, "warm-up": SILENT }).run();
  assertEquals(main.story, ["failed cloud-unreachable"]);
  assertEquals(main.now, 10_000);
  const us = new LookupRun({ "probe-device": SILENT, "device-info": SILENT }).run();
  assertEquals(us.story, ["registered", "failed cloud-unreachable"]);
  const { event } = us.events.at(-1)!;
  assert(event.type === "failed" && event.failure.what.includes("knows the device"));
});

Deno.test("the next server is asked when one is silent or broken", () => {
  for (const first of [SILENT, STATUS(503)]) {
    const script: Script = (a) => a.to.ip === MAIN.ip ? first(a) : HEALTHY.lookup(a);
    const run = new LookupRun({ "lookup": script }, { servers: [MAIN, MAIN_2] }).run();
    assertEquals(run.story, ["registered", "online"]);
  }
});

Deno.test("a cloud that refuses this program is not asked again", () => {
  const run = new LookupRun({ lookup: STATUS(403) }).run();
  assertEquals(run.story, ["failed app-rejected"]);
  assertEquals(run.asked.filter((name) => name === "lookup").length, 1);
});

Deno.test("requests that are lost are sent again", () => {
  const run = new LookupRun({
    "lookup": losing(2, HEALTHY.lookup),
    "probe-device": losing(1, HEALTHY["probe-device"]),
  }).run();
  assertEquals(run.story, ["registered", "online"]);
});

Deno.test("a wrong clock is said once and before what follows from it", () => {
  const date = new Date(EPOCH_MS).toUTCString();
  const dated: Script = (a) => [
    reply(a, 200, [["DS", "192.0.2.80:8802"], ["US", "192.0.2.80:8803"]], { date }),
  ];
  const run = new LookupRun({ lookup: dated }, { clockErrorMs: -400_000 }).run();
  assertEquals(run.story, ["clock-skew", "registered", "online"]);
});

Deno.test("answers that make no sense end the lookup as such", () => {
  const bad: Script = (a) => [reply(a, 200, [["US", "nowhere"]])];
  assertEquals(new LookupRun({ lookup: bad }).run().story, ["failed protocol"]);
});

Deno.test("no datagram hurts a lookup, and none of strangers counts", () => {
  const run = new LookupRun({ "probe-device": SILENT, "lookup": SILENT });
  run.lookup.start(0);
  for (const data of hostileDatagrams()) {
    for (const socket of ["main", "us"] as const) {
      for (const from of [MAIN, US, { ip: "203.0.113.9", port: 1 }]) {
        run.deliver({ socket, from, data });
      }
    }
  }
  assertEquals(run.story.filter((word) => word === "online"), []);
});

Deno.test("a lookup starts once, with letters and digits and a server", () => {
  const run = new LookupRun().run();
  assertThrows(() => run.lookup.start(0), StateError);
  const environment = { random: seededRandom(1), unixTimeMs: () => 0, deriveKey: cheapDerive };
  const options = { serial: "A/B", dialect: SMARTPSS, servers: [MAIN], environment };
  assertThrows(() => new Lookup(options), RangeError);
  assertThrows(() => new Lookup({ ...options, serial: SERIAL, servers: [] }), RangeError);
});
