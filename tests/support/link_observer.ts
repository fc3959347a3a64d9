/**
 * A link in its simulated world, watched from outside: what it said when, and what passed on the
 * wire.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { decodeLatin1 } from "../../lib/core/bytes.ts";
import type { Failure } from "../../lib/core/failure.ts";
import { isPtcp } from "../../lib/core/ptcp/segment.ts";
import { ROUND_TRIP_MS, type Sighting } from "../sim/network.ts";
import { LinkWorld, type LinkWorldOptions } from "./link_world.ts";

/** The account that the simulated device knows. */
export const CREDENTIALS = { username: "admin", password: "admin123" };

/** A {@linkcode LinkWorld} with a record of every datagram. */
export class ObservedLink {
  readonly sightings: Sighting[] = [];
  readonly w: LinkWorld;

  constructor(options: LinkWorldOptions = {}) {
    this.w = new LinkWorld({
      services: new Map([[80, { greeting: new Uint8Array(100) }]]),
      ...options,
      network: {
        onDatagram: (sighting) => this.sightings.push(sighting),
        ...options.network,
      },
    });
  }

  /** When a datagram with this text first reached the client; fails when none did. */
  receivedAt(text: string): number {
    const found = this.sightings.find(({ to, data, fate }) =>
      fate === "delivered" && to.ip === "203.0.113.10" && decodeLatin1(data).includes(text)
    );
    assert(found !== undefined, `nothing with ${text} reached the client`);
    return found.at;
  }

  /** What the client has sent, `at` the instant when it left. */
  get sent(): Sighting[] {
    const halfTripMs = ROUND_TRIP_MS / 2;
    // What arrives is seen when it does, what is lost when it leaves.
    return this.sightings.filter(({ from }) => from === "client")
      .map((s) => s.fate === "delivered" ? { ...s, at: s.at - halfTripMs } : s);
  }

  /** Requests of the client whose first line holds `text`, resends included. */
  requests(text: string): Sighting[] {
    return this.sent.filter(({ data }) => decodeLatin1(data).split("\r\n", 1)[0]!.includes(text));
  }

  /** Segments the client has sent through a socket since `at`. */
  segments(socket: string, at = 0): Sighting[] {
    return this.sent.filter((s) => s.socket === socket && s.at >= at && isPtcp(s.data));
  }

  /** Lets time pass until the link has ended, and says why and when. */
  end(limitMs = 90_000): { readonly failure: Failure | undefined; readonly at: number } {
    const { w } = this;
    assert(w.runUntil(() => w.link.state === "closed", limitMs), `still ${w.link.state}`);
    return { failure: w.event("closed")?.failure, at: w.network.now };
  }

  /**
   * Nothing of this kind is said before the instant `at`, and something is at it.
   *
   * @param happened Whether it was said.
   */
  expectAt(at: number, happened: () => boolean, what: string): void {
    const { network } = this.w;
    network.run({ untilMs: at - 1 });
    assertEquals(happened(), false, `${what} came before ${at}, by ${network.now}`);
    // The link acts when its timer is due, and events are taken in the same instant.
    network.run({ untilMs: at + 0.001 });
    assertEquals(happened(), true, `${what} did not come at ${at}`);
  }

  /** The warnings so far, by reason. */
  get warnings(): string[] {
    return this.w.events.flatMap((e) => e.type === "warning" ? [e.failure.reason] : []);
  }

  /** Everything from and to the client is lost from now on. */
  cut(): void {
    this.w.network.setLink((from, to) =>
      from === "client" || to === "client" ? { lossRate: 1 } : {}
    );
  }
}
