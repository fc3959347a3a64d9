/**
 * Our transport against libnice's PseudoTCP, in real time because libnice reads the real clock,
 * over links in memory. `INTEROP_SEED=N` moves every seed.
 */
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import type { PtcpOptions } from "../../lib/core/ptcp/connection.ts";
import { Libnice, type LibniceOptions } from "../support/libnice.ts";
import { RealClock } from "../support/transfer_clock.ts";
import { LibniceEnd, OwnEnd, type TransferEnd } from "../support/transfer_end.ts";
import { runTransfers, type SlowReader, Transfer, type TransferLink } from "../support/transfer.ts";

// Here and not in a test: it stays loaded.
const LIBNICE = Libnice.load();
const FIRST_SEED = Number(Deno.env.get("INTEROP_SEED") ?? 1);
const SEEDS = [0, 1, 2].map((offset) => FIRST_SEED + offset);
const SEED_TEXT = `seeds ${SEEDS.join(", ")}`;
const LIMIT_MS = 60_000;
const MEGABYTE = 1_000_000;

/** 100 Mbit/s, so that a burst takes its time. */
const LINE = { bytesPerSecond: 12_500_000, queueBytes: 262_144 };
const CLEAN: TransferLink = { rttMs: 10, ...LINE };
const LOSSY: TransferLink = { rttMs: 10, loss: 0.01, ...LINE };
const ROUGH: TransferLink = {
  rttMs: 10,
  loss: 0.005,
  duplication: 0.01,
  reordering: 0.01,
  reorderMs: 10,
  ...LINE,
};

interface Traffic {
  readonly up: number;
  readonly down: number;
  readonly activeReader?: SlowReader;
  readonly passiveReader?: SlowReader;
}

/** Makes ends and transfers, and frees what libnice holds. */
class Stage {
  readonly #ends: LibniceEnd[] = [];

  libnice(options: LibniceOptions = {}): LibniceEnd {
    const end = new LibniceEnd(LIBNICE.socket(options));
    this.#ends.push(end);
    return end;
  }

  own(options: PtcpOptions): OwnEnd {
    return new OwnEnd(options);
  }

  transfer(
    what: string,
    seed: number,
    link: TransferLink,
    active: TransferEnd,
    passive: TransferEnd,
    { up, down, activeReader, passiveReader }: Traffic,
  ): Transfer {
    return new Transfer(
      `${what}, seed ${seed}`,
      seed,
      link,
      { end: active, sends: up, reader: activeReader },
      { end: passive, sends: down, reader: passiveReader },
    );
  }

  run(transfers: readonly Transfer[]): void {
    runTransfers(transfers, new RealClock(() => LIBNICE.now()), LIMIT_MS);
    for (const transfer of transfers) assert(transfer.done, transfer.name);
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end[Symbol.dispose]();
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

for (const [kind, link] of Object.entries({ clean: CLEAN, lossy: LOSSY, rough: ROUGH })) {
  Deno.test(
    `over a ${kind} link bytes are exact whoever opens, and we resend no more than libnice, ${SEED_TEXT}`,
    () => {
      using stage = new Stage();
      const traffic = { up: 3 * MEGABYTE, down: 3 * MEGABYTE };
      const runs = SEEDS.map((seed) => ({
        weOpen: stage.transfer(
          "we open",
          seed,
          link,
          stage.own({ role: "active" }),
          stage.libnice(),
          traffic,
        ),
        weListen: stage.transfer(
          "we listen",
          seed,
          link,
          stage.libnice(),
          stage.own({ role: "passive" }),
          traffic,
        ),
        foreign: stage.transfer(
          "libnice alone",
          seed,
          link,
          stage.libnice(),
          stage.libnice(),
          traffic,
        ),
      }));
      stage.run(runs.flatMap(({ weOpen, weListen, foreign }) => [weOpen, weListen, foreign]));
      const ours = sum(
        runs.flatMap(({ weOpen, weListen }) => [
          weOpen.report("active").retransmittedBytes,
          weListen.report("passive").retransmittedBytes,
        ]),
      );
      const theirs = sum(
        runs.flatMap(({ foreign }) => [
          foreign.report("active").retransmittedBytes,
          foreign.report("passive").retransmittedBytes,
        ]),
      );
      if (link === CLEAN) assertEquals(ours, 0);
      else assertGreater(theirs, 0);
      assertLessOrEqual(ours, 1.2 * theirs, `resent ${ours} bytes, libnice ${theirs}`);
    },
  );
}

Deno.test(`bulk one way is exact and resent no more than by libnice, ${SEED_TEXT}`, () => {
  using stage = new Stage();
  const traffic = { up: 4 * MEGABYTE, down: 0 };
  const links = [LOSSY, ROUGH];
  const pairs = SEEDS.flatMap((seed) =>
    links.map((link) => ({
      ours: stage.transfer(
        "we send",
        seed,
        link,
        stage.own({ role: "active" }),
        stage.libnice(),
        traffic,
      ),
      theirs: stage.transfer(
        "libnice alone",
        seed,
        link,
        stage.libnice(),
        stage.libnice(),
        traffic,
      ),
    }))
  );
  stage.run(pairs.flatMap(({ ours, theirs }) => [ours, theirs]));
  const ours = sum(pairs.map((pair) => pair.ours.report("active").retransmittedBytes));
  const theirs = sum(pairs.map((pair) => pair.theirs.report("active").retransmittedBytes));
  assertLessOrEqual(ours, 1.2 * theirs, `resent ${ours} bytes, libnice ${theirs}`);
});

Deno.test(`a scaled window carries more than 64 KiB a round trip, both ways, ${SEED_TEXT}`, () => {
  using stage = new Stage();
  const wide = { receiveBufferBytes: 4 * 65_535, sendBufferBytes: 4 * 65_536 };
  const own = { ...wide, windowScale: 2 };
  const link = { rttMs: 80, ...LINE };
  const traffic = { up: 6 * MEGABYTE, down: 6 * MEGABYTE };
  const transfers = SEEDS.flatMap((seed) => [
    stage.transfer(
      "we open",
      seed,
      link,
      stage.own({ role: "active", ...own }),
      stage.libnice(wide),
      traffic,
    ),
    stage.transfer(
      "we listen",
      seed,
      link,
      stage.libnice(wide),
      stage.own({ role: "passive", ...own }),
      traffic,
    ),
  ]);
  stage.run(transfers);
  for (const transfer of transfers) {
    for (const from of ["active", "passive"] as const) {
      const { bytes, elapsedMs } = transfer.report(from);
      const bytesPerRoundTrip = bytes / elapsedMs * link.rttMs;
      assertGreater(bytesPerRoundTrip, 65_535, `${transfer.name}, from the ${from} side`);
    }
  }
});

Deno.test(`without a scale no more than 64 KiB a round trip are in flight, ${SEED_TEXT}`, () => {
  using stage = new Stage();
  const wide = { receiveBufferBytes: 4 * 65_535, sendBufferBytes: 4 * 65_536 };
  const link = { rttMs: 80, ...LINE };
  const transfers = SEEDS.map((seed) =>
    stage.transfer(
      "libnice scales, we do not",
      seed,
      link,
      stage.libnice(wide),
      stage.own({ role: "passive" }),
      { up: 2 * MEGABYTE, down: 2 * MEGABYTE },
    )
  );
  stage.run(transfers);
  for (const transfer of transfers) {
    const { bytes, elapsedMs } = transfer.report("active");
    assertLessOrEqual(bytes / elapsedMs * link.rttMs, 65_536, transfer.name);
  }
});

Deno.test(`a slow reader closes the window, opens it and loses nothing, ${SEED_TEXT}`, () => {
  using stage = new Stage();
  const reader = { pauseMs: 1500, chunkBytes: 20_000, everyMs: 20 };
  const transfers = [CLEAN, ROUGH].flatMap((link) =>
    SEEDS.flatMap((seed) => [
      stage.transfer(
        "libnice reads slowly",
        seed,
        link,
        stage.own({ role: "active" }),
        stage.libnice(),
        { up: 2 * MEGABYTE, down: 0, passiveReader: reader },
      ),
      stage.transfer(
        "we read slowly",
        seed,
        link,
        stage.libnice(),
        stage.own({ role: "passive" }),
        { up: 2 * MEGABYTE, down: 0, passiveReader: reader },
      ),
      stage.transfer(
        "both read slowly",
        seed,
        link,
        stage.own({ role: "active" }),
        stage.libnice(),
        { up: MEGABYTE, down: MEGABYTE, passiveReader: reader, activeReader: reader },
      ),
    ])
  );
  stage.run(transfers);
  for (const transfer of transfers) {
    assertGreater(transfer.report("active").zeroWindows, 0, transfer.name);
  }
});
