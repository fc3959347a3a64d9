import { assert, assertEquals } from "@std/assert";
import { EXIT, exitCodeOf } from "../../lib/cli/exit_codes.ts";
import type { Reason } from "../../lib/core/failure.ts";

Deno.test("every reason that ends a tunnel has the exit code scripts rely on", () => {
  const table: Readonly<Partial<Record<Reason, number>>> = {
    "auth-required": 77,
    "auth-rejected": 77,
    "auth-salt": 76,
    "clock-skew": 75,
    "device-unknown": 68,
    "device-offline": 69,
    "device-silent": 75,
    "app-rejected": 77,
    "cloud-unreachable": 75,
    "punch-failed": 75,
    "relay-busy": 75,
    "relay-zombie": 75,
    "sessions-full": 75,
    "rtsp-limit": 75,
    "lockout": 77,
    "port-closed": 69,
    "listen-in-use": 73,
    "listen-denied": 73,
    "peer-silent": 75,
    "data-stalled": 75,
    "handshake-timeout": 75,
    "protocol": 76,
    "busy": 75,
    "usage": 64,
    "config": 78,
    "internal": 70,
  };
  for (const [reason, code] of Object.entries(table)) {
    assertEquals(exitCodeOf(reason as Reason), code, reason);
  }
});

Deno.test("no exit code is one that Nagios or a shell gives another meaning", () => {
  for (const [name, code] of Object.entries(EXIT)) {
    // Words of their own: `ready` answers 0 or 1, `check --nagios` what Nagios wants.
    if (name === "notReady" || name.startsWith("nagios")) continue;
    assert(code === 0 || (code >= 64 && code <= 78) || code >= 129, String(code));
  }
});
