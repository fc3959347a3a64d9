import { assert, assertEquals } from "@std/assert";
import {
  type DeviceState,
  type DeviceStatus,
  disabledStatus,
} from "../../lib/status/device_status.ts";
import { parseFleetStatus } from "../../lib/status/fleet_status.ts";
import { answerStatus } from "../../lib/status/status_page.ts";

function ask(
  path: string,
  states: Readonly<Record<string, DeviceState>>,
  method = "GET",
): Response {
  const devices: DeviceStatus[] = Object.entries(states).map(([name, state]) => ({
    ...disabledStatus(name),
    state,
  }));
  return answerStatus(new Request(`http://127.0.0.1:9554${path}`, { method }), {
    facts: { version: "0.1.0", pid: 7, startedAt: 0 },
    devices: () => devices,
    unixTimeMs: () => 1_700_000_000_000,
  });
}

Deno.test("alive is whoever answers: devices that are down are no reason to end the process", async () => {
  const answer = ask("/livez", { a: "waiting", b: "ended" });
  assertEquals([answer.status, await answer.json()], [200, { status: "ok" }]);
});

Deno.test("ready is one device, a named one, or all of those that are to run", async () => {
  const some = { a: "up", b: "waiting", c: "disabled" } as const;
  const none = { a: "connecting", b: "waiting" } as const;
  const all = { a: "up", b: "up", c: "disabled" } as const;
  const asked: [string, Readonly<Record<string, DeviceState>>, number][] = [
    ["/readyz", some, 200],
    ["/readyz", none, 503],
    ["/readyz", {}, 503],
    ["/readyz?all", some, 503],
    ["/readyz?all", all, 200],
    ["/readyz?all", { c: "disabled" }, 503],
    ["/readyz?device=a", some, 200],
    ["/readyz?device=b", some, 503],
    ["/readyz?device=c", some, 503],
    ["/readyz?device=a&device=b", some, 503],
    ["/readyz?device=x", some, 404],
  ];
  for (const [path, states, status] of asked) {
    const answer = ask(path, states);
    assertEquals(answer.status, status, path);
    await answer.body?.cancel();
  }
  assertEquals(await ask("/readyz", some).json(), { status: "ready", ready: 1, total: 2 });
  assertEquals(await ask("/readyz", none).json(), { status: "not-ready", ready: 0, total: 2 });
});

Deno.test("the status is what `status` reads", async () => {
  const text = await ask("/status", { a: "up", c: "disabled" }).text();
  const status = parseFleetStatus(text)!;
  assertEquals([status.ready, status.total, status.devices.length], [1, 1, 2]);
  assertEquals(status.written, "2023-11-14T22:13:20.000Z");
});

Deno.test("what is no status of ours is none", () => {
  for (const text of ["", "null", "[]", "{}", '{"form":2,"written":"","devices":[]}', "<html>"]) {
    assertEquals(parseFleetStatus(text), undefined, text);
  }
  assertEquals(parseFleetStatus('{"form":1,"written":"x","devices":[{"name":1}]}'), undefined);
});

Deno.test("metrics have their media type; everything else has its refusal", async () => {
  const metrics = ask("/metrics", { a: "up" });
  assertEquals(metrics.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert((await metrics.text()).includes('dahua_p2p_up{device="a"} 1'));
  const post = ask("/readyz", {}, "POST");
  assertEquals([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  await post.body?.cancel();
  assertEquals(ask("/etc/passwd", {}).status, 404);
});
