import { assertRejects } from "@std/assert";
import { SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import { systemEnvironment } from "../../lib/net/environment.ts";
import { Session } from "../../lib/net/session.ts";

Deno.test("a session whose settings contradict each other leaves no socket behind", async () => {
  await assertRejects(
    () =>
      Session.open({
        serial: "not a serial",
        path: "auto",
        authType: "auto",
        dialect: SMARTPSS,
        servers: [{ ip: "127.0.0.1", port: 9 }],
        environment: systemEnvironment(undefined),
      }),
    RangeError,
  );
});
