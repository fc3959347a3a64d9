import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { FailureError } from "../../lib/core/failure.ts";
import { chooseForwards, formatListen } from "../../lib/net/forward.ts";

function taken(): { readonly port: number } & Disposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return {
    port: (listener.addr as Deno.NetAddr).port,
    [Symbol.dispose]: (): void => listener.close(),
  };
}

Deno.test("a local port that is taken is a listen-in-use failure that names it", () => {
  using other = taken();
  const error = assertThrows(
    () => chooseForwards([{ bind: "127.0.0.1", localPort: other.port, remotePort: 80 }]),
    FailureError,
  );
  assertEquals(error.reason, "listen-in-use");
  assertEquals(error.failure.what, `127.0.0.1:${other.port} is in use.`);
});

Deno.test("a taken port with a fallback takes the fallback and says why", () => {
  using other = taken();
  const [chosen] = chooseForwards([
    { bind: "127.0.0.1", localPort: other.port, remotePort: 554, fallbackLocalPort: 0 },
  ]);
  assertEquals(chosen!.fellBack, "in-use");
  assertNotEquals(chosen!.localPort, other.port);
});

Deno.test("a taken fallback is a failure, not a third choice", () => {
  using first = taken();
  using second = taken();
  const error = assertThrows(
    () =>
      chooseForwards([{
        bind: "127.0.0.1",
        localPort: first.port,
        remotePort: 554,
        fallbackLocalPort: second.port,
      }]),
    FailureError,
  );
  assertEquals(error.failure.facts?.localPort, second.port);
});

Deno.test("two forwards cannot share a local port", () => {
  let port: number;
  {
    using free = taken();
    port = free.port;
  }
  const forward = { bind: "127.0.0.1", localPort: port, remotePort: 80 };
  assertEquals(
    assertThrows(() => chooseForwards([forward, forward]), FailureError).reason,
    "listen-in-use",
  );
});

Deno.test("trying ports leaves none of them open", () => {
  let port: number;
  {
    using free = taken();
    port = free.port;
  }
  const forward = { bind: "127.0.0.1", localPort: port, remotePort: 80 };
  chooseForwards([forward]);
  chooseForwards([forward]);
});

Deno.test("an IPv6 host stands in brackets", () => {
  assertEquals(formatListen("::1", 554), "[::1]:554");
  assertEquals(formatListen("127.0.0.1", 554), "127.0.0.1:554");
});
