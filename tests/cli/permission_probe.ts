/** Prints the permissions of its process before and after giving back all but the network. */
import { keepPermissions, PLAYER } from "../../lib/cli/permissions.ts";

const ASKED: Readonly<Record<string, Deno.PermissionDescriptor>> = {
  net: { name: "net" },
  read: { name: "read" },
  write: { name: "write" },
  sys: { name: "sys" },
  ffi: { name: "ffi" },
  player: { name: "run", command: PLAYER },
  variable: { name: "env", variable: "DAHUA_P2P_PASSWORD" },
  other: { name: "env", variable: "PATH" },
};

function states(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(ASKED).map(([name, asked]) => [name, Deno.permissions.querySync(asked).state]),
  );
}

const before = states();
keepPermissions(["net"]);
const line = JSON.stringify({ before, after: states() });
Deno.stdout.writeSync(new TextEncoder().encode(line));
