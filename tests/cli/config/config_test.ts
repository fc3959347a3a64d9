import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Config, parseConfig } from "../../../lib/cli/config/config.ts";
import { lineOfKey } from "../../../lib/cli/config/key_lines.ts";
import { ConfigError, problemLine } from "../../../lib/cli/config/problem.ts";
import { configError } from "../../../lib/cli/usage.ts";

const SERIAL = "EXAMPLE0SERIAL0";

const FILES: Readonly<Record<string, string>> = {
  "/etc/cams/cam.pass": "from-file",
  "/run/credentials/cam": "from-systemd",
};

const VARIABLES: Readonly<Record<string, string>> = {
  DAHUA_P2P_CAM: "from-variable",
  DAHUA_P2P_EMPTY: "",
  HOME: "/root",
  CREDENTIALS_DIRECTORY: "/run/credentials",
};

function read(text: string, variables = VARIABLES): Config {
  return parseConfig(text, "p2p.yaml", {
    env: (name) => variables[name],
    folder: "/etc/cams",
    readAppKey: (path) => ({ user: "app", key: path }),
    readPassword: (path) => {
      const found = FILES[path];
      if (found === undefined) throw configError(`The password file ${path} is missing.`, "");
      return found;
    },
  });
}

/** Every problem as the person reads it. */
function problems(text: string, variables = VARIABLES): string[] {
  const error = assertThrows(() => read(text, variables), ConfigError);
  assertEquals(error.reason, "config");
  return error.problems.map((problem) => problemLine("p2p.yaml", problem))
    // All keys of a device are a long list, and another test's matter.
    .map((line) => line.replace(/(keys: (?:\w+, ){3}).*/, "$1…"));
}

Deno.test("defaults hold for every device that does not say otherwise", () => {
  const { devices, http, handshakes } = read(`
defaults: { user: viewer, password_file: cam.pass, path: direct }
http: 9554
handshakes: 2
devices:
  front-door: { serial: "${SERIAL}", ports: ["1554:554"] }
  shop-nvr:
    serial: EXAMPLE0SERIAL1
    ports: ["1555:554", "0:37777"]   # two of them
    path: relay
    user: admin
    password: "\${DAHUA_P2P_CAM}"
    retry_max: 2m
    enabled: true
  old: { serial: EXAMPLE0SERIAL2, ports: 1556:554, enabled: false }
`);
  assertEquals(devices.map(({ name, isEnabled }) => [name, isEnabled]), [
    ["front-door", true],
    ["shop-nvr", true],
    ["old", false],
  ]);
  const [door, nvr] = devices;
  assertEquals(door!.credentials, { username: "viewer", password: "from-file" });
  assertEquals(door!.options.path, "direct");
  assertEquals(nvr!.credentials, { username: "admin", password: "from-variable" });
  assertEquals([nvr!.options.path, nvr!.options.retryMaxMs], ["relay", 120_000]);
  assertEquals(nvr!.options.forwards, [
    { bind: "127.0.0.1", localPort: 1555, remotePort: 554 },
    { bind: "127.0.0.1", localPort: 0, remotePort: 37777 },
  ]);
  assertEquals(http, { hostname: "127.0.0.1", port: 9554 });
  assertEquals(handshakes, 2);
});

Deno.test("everything that is wrong is said at once, each with its line", () => {
  assertEquals(
    problems(`defaults: { user: viewer, password_file: missing.pass }
htpp: 9554
devices:
  front-door: { serial: "${SERIAL}", ports: ["1554:554"], pasth: relay }
  shop nvr: { serial: EXAMPLE0SERIAL1, ports: ["1555:554"] }
  shed:
    serial: short
    ports:
      - 1556
    timeout: 30
    max_clients: many
  barn: { serial: ${SERIAL}, ports: ["1554:554"], password: x, password_credential: cam }
  attic: { ports: [] }
  cellar: relay
`),
    [
      "p2p.yaml:1: defaults.password_file: The password file /etc/cams/missing.pass is missing.",
      "p2p.yaml:2: htpp: Unknown key. Did you mean http?",
      "p2p.yaml:4: devices.front-door.pasth: Unknown key. Did you mean path?",
      "p2p.yaml:5: devices.shop nvr: A name is made of letters, digits, dots, dashes and underscores.",
      "p2p.yaml:7: devices.shed.serial: The serial has 5 characters. " +
      "A serial is 10 to 32 letters and digits, as printed on the device's label.",
      "p2p.yaml:8: devices.shed.ports: A port is not allowed. Allowed: [BIND:]LOCAL:REMOTE with " +
      "ports up to 65535 (1554:554, 0:80, 0.0.0.0:1554:554, [::1]:1554:554).",
      "p2p.yaml:10: devices.shed.timeout: This value is not allowed. " +
      "Allowed: a duration with its unit (500ms, 10s, 5m) from 1s to 1h.",
      "p2p.yaml:11: devices.shed.max_clients: This value is not allowed. " +
      "Allowed: a whole number from 1 to 1024.",
      "p2p.yaml:12: devices.barn.password_credential: This and password exclude each other.",
      `p2p.yaml:12: devices.barn.serial: This is the serial of front-door, too. ` +
      "One session serves all ports of a device: list them all there.",
      "p2p.yaml:12: devices.barn.ports: 127.0.0.1:1554 is taken by front-door. " +
      "Each port needs a local port of its own; 0 takes any free one.",
      "p2p.yaml:13: devices.attic.ports: There must be 1 to 32 ports.",
      "p2p.yaml:13: devices.attic: There is no serial. Add serial: and what the label says.",
      "p2p.yaml:14: devices.cellar: This must be a mapping. Its keys: serial, ports, enabled, …",
    ],
  );
});

Deno.test("variables are put in; only ours may be, and one that is not set needs a default", () => {
  const device = (path: string): string =>
    `devices:\n  a: { serial: ${SERIAL}, ports: 0:554, path: "${path}" }\n`;
  assertEquals(read(device("${DAHUA_P2P_PATH:relay}")).devices[0]!.options.path, "relay");
  assertEquals(read(device("${DAHUA_P2P_EMPTY:relay}")).devices[0]!.options.path, "relay");
  assertEquals(problems(device("${HOME}")), [
    "p2p.yaml:2: devices.a.path: A reference to a variable is not allowed. " +
    "Allowed: a variable whose name starts with DAHUA_P2P_ (${DAHUA_P2P_NAME}).",
  ]);
  assertEquals(problems(device("${DAHUA_P2P_NOT_SET}")), [
    "p2p.yaml:2: devices.a.path: A reference to a variable is not allowed. " +
    "Allowed: without the environment variable DAHUA_P2P_NOT_SET, which is not set.",
  ]);
  const text = `devices:\n  a: { serial: ${SERIAL}, ports: 0:554, user: u, password: "$\${x}" }`;
  assertEquals(read(text).devices[0]!.credentials?.password, "${x}");
});

Deno.test("what a variable holds is a value, never YAML", () => {
  const variables = { DAHUA_P2P_CAM: 'x", path: relay, user: "y' };
  const { devices } = read(
    `devices:\n  a: { serial: ${SERIAL}, ports: 0:554, user: u, password: "\${DAHUA_P2P_CAM}" }\n`,
    variables,
  );
  assertEquals(devices[0]!.credentials, { username: "u", password: variables.DAHUA_P2P_CAM });
  assertEquals(devices[0]!.options.path, undefined);
});

Deno.test("a systemd credential is read from its directory, and from nowhere else", () => {
  const device = (name: string): string =>
    `devices:\n  a: { serial: ${SERIAL}, ports: 0:554, user: u, password_credential: ${name} }\n`;
  assertEquals(read(device("cam")).devices[0]!.credentials?.password, "from-systemd");
  assertEquals(problems(device("../../etc/shadow")), [
    "p2p.yaml:2: devices.a.password_credential: This is no name. " +
    "The service needs LoadCredential=NAME:FILE.",
  ]);
  assertEquals(problems(device("cam"), {}), [
    "p2p.yaml:2: devices.a.password_credential: systemd passes no credentials. " +
    "The service needs LoadCredential=NAME:FILE.",
  ]);
});

Deno.test("an app's key belongs to one cloud", () => {
  const device = (more: string): string =>
    `devices:\n  a: { serial: ${SERIAL}, ports: 0:554, app_key_file: brand.key${more} }\n`;
  const { options } = read(device(", cloud: example.com")).devices[0]!;
  assertEquals(options.app, { user: "app", key: "/etc/cams/brand.key" });
  assertEquals(options.cloud, { host: "example.com", port: 8800 });
  assertEquals(problems(device("")), [
    "p2p.yaml:2: devices.a: app_key_file is given without the cloud it belongs to. " +
    "Add cloud easy4ip, cloud dolynk, or cloud HOST[:PORT].",
  ]);
});

Deno.test("the secrets of a device that is not enabled are not read", () => {
  const { devices } = read(
    `devices:\n  a: { serial: ${SERIAL}, ports: 0:554, user: u, password_file: none, enabled: no }`,
  );
  assertEquals(devices[0]!.credentials, undefined);
});

Deno.test("a login needs both its halves", () => {
  const device = (more: string): string =>
    `devices:\n  a: { serial: ${SERIAL}, ports: 0:554, ${more} }\n`;
  assertEquals(problems(device("user: u")), [
    "p2p.yaml:2: devices.a: There is a user but no password. " +
    "Add one of password, password_file, password_credential.",
  ]);
  assertEquals(problems(device("password: p")), [
    "p2p.yaml:2: devices.a.password: There is a password but no user. Add user.",
  ]);
  assertEquals(problems(device("type: 1")), [
    "p2p.yaml:2: devices.a: Type 1 needs an account. Add user and a password.",
  ]);
});

Deno.test("options that contradict each other are named as keys", () => {
  assertEquals(
    problems(
      `devices:\n  a: { serial: ${SERIAL}, ports: 0:554, retry_min: 5m, retry_max: 10s }\n`,
    ),
    ["p2p.yaml:2: devices.a: retry_min is longer than retry_max. Give a shorter one."],
  );
});

Deno.test("what is no YAML is said with its line, without what stands there", () => {
  const [only, ...others] = problems(`devices:\n  a: {password: hunter22\n  b: 1\n`);
  assertEquals(others, []);
  assert(/^p2p\.yaml:\d+: No YAML: /.test(only!), only);
  assert(!only!.includes("hunter22"));
  assertEquals(problems("a: 1\na: 2\n").length, 1);
  assertEquals(problems(""), ["p2p.yaml: It is empty. It needs at least devices."]);
  assertEquals(problems("# nothing\n").length, 1);
  assertEquals(problems("- a\n- b\n").length, 1);
  assertEquals(problems("defaults: {}\n"), [
    "p2p.yaml: There are no devices. List them under devices.",
  ]);
  assertEquals(problems("devices: {}\n"), ["p2p.yaml:1: devices: There are no devices."]);
});

Deno.test("no problem repeats a secret, a serial or a value", () => {
  const secret = "hunter22";
  const all = problems(
    `defaults: { user: ["${secret}"], timeout: "${secret}" }\n` +
      `devices:\n  a: { serial: "${secret}!", ports: ["${secret}"], password: "\${${secret}}" }\n` +
      `  b: { serial: ${SERIAL}, ports: 0:1, cloud: "${secret} ${secret}" }\n`,
  ).join("\n");
  assert(!all.includes(secret), all);
  assert(!all.includes(SERIAL), all);
});

Deno.test("keys are found on their lines, in blocks and in flows", () => {
  const text = [
    "# devices: { a: { serial: 1 } }",
    'defaults: { user: "devices: x" }',
    "devices:",
    "  first: # serial: none here",
    "    ports: [1]",
    "  second: { ports: [1],",
    "    serial: 2 }",
    '  "third": {"serial": 3}',
  ].join("\n");
  assertEquals(lineOfKey(text, ["devices"]), 3);
  assertEquals(lineOfKey(text, ["devices", "first", "ports"]), 5);
  assertEquals(lineOfKey(text, ["devices", "first", "serial"]), undefined);
  assertEquals(lineOfKey(text, ["devices", "second", "serial"]), 7);
  assertEquals(lineOfKey(text, ["devices", "third", "serial"]), 8);
  assertEquals(lineOfKey(text, []), undefined);
});
