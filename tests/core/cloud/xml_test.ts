import { assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EMPTY, utf8 } from "../../../lib/core/bytes.ts";
import { DecodeError } from "../../../lib/core/errors.ts";
import { decodeBody, encodeBody, MAX_TAGS } from "../../../lib/core/cloud/xml.ts";

const tagsOf = (text: string): [string, string][] => [...decodeBody(utf8(text))];
const decoder = new TextDecoder();

Deno.test("an empty body, or one of white space, has no tags", () => {
  assertEquals([...decodeBody(EMPTY)], []);
  assertEquals(tagsOf("\r\n\r\n"), []);
  assertEquals(tagsOf("<body></body>"), []);
  assertEquals(tagsOf("<body/>"), []);
});

Deno.test("a prolog and trailing line ends change nothing", () => {
  const plain = "<body><SID>ab</SID><Time>30</Time></body>";
  const expected: [string, string][] = [["SID", "ab"], ["Time", "30"]];
  assertEquals(tagsOf(plain), expected);
  assertEquals(tagsOf(`<?xml version="1.0" encoding="UTF-8"?>${plain}\r\n\r\n`), expected);
  assertEquals(tagsOf(`\r\n<?xml version="1.0" encoding="UTF-8"?>\r\n${plain}`), expected);
});

Deno.test("an empty tag is an empty text and the first of two tags counts", () => {
  assertEquals(tagsOf("<body><Info></Info><a/><a>2</a></body>"), [["Info", ""], ["a", ""]]);
});

Deno.test("a bare JSON object is read as tags, and what is nested in it is not", () => {
  assertEquals(
    tagsOf('{"DevVersion":"6.7.30","Info":"QQ==","n":5,"b":true,"x":{"y":1},"z":null}'),
    [
      ["DevVersion", "6.7.30"],
      ["Info", "QQ=="],
      ["n", "5"],
      ["b", "true"],
    ],
  );
});

Deno.test("what is neither is refused", () => {
  const texts = [
    "x",
    "<body>",
    "<body><a></body>",
    "<body><a>&</a></body>",
    "<body></body>tail",
    "<body></body><body></body>",
    "<body><a><b>1</b></a></body>",
    "{",
    '{"a":1}}',
    `<body>${Array.from({ length: MAX_TAGS + 1 }, (_, i) => `<t${i}/>`).join("")}</body>`,
  ];
  for (const text of texts) assertThrows(() => decodeBody(utf8(text)), DecodeError);
  assertThrows(() => decodeBody(Uint8Array.of(0x3c, 0xff)), DecodeError);
});

Deno.test("a refusal never quotes the body", () => {
  const error = assertThrows(() => decodeBody(utf8("<body><a>secret&</a></body>")), DecodeError);
  assertEquals(error.message.includes("secret"), false);
});

Deno.test("deep nesting, references and declarations end at once", () => {
  const started = performance.now();
  for (
    const text of [
      "<a>".repeat(5000),
      `<body>${"<a>".repeat(2300)}${"</a>".repeat(2300)}</body>`,
      `<body><a>${"&amp;".repeat(3000)}</a></body>`,
      '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><body><c>&b;</c></body>',
      "<![CDATA[".repeat(1500),
      "<!--".repeat(4000),
      `<body ${"a='b' ".repeat(2500)}`,
      "{".repeat(16000),
      `{"a":${"[".repeat(16000)}`,
    ]
  ) {
    try {
      decodeBody(utf8(text));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }
  assertLess(performance.now() - started, 2000);
});

Deno.test("tags are written in the order given, escaped, without prolog unless asked for", () => {
  const tags = [["b", "1 < 2 & 3"], ["a", ""]] as const;
  assertEquals(
    decoder.decode(encodeBody(tags)),
    "<body><b>1 &lt; 2 &amp; 3</b><a></a></body>",
  );
  assertEquals(
    decoder.decode(encodeBody([["a", "1"]], { prolog: "xml" })),
    '<?xml version="1.0" encoding="UTF-8"?><body><a>1</a></body>',
  );
});

Deno.test("what was written reads the same", () => {
  const text = fc.stringMatching(/^([!-~éß]([ -~éß]{0,20}[!-~éß])?)?$/);
  const tags = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[A-Za-z]{1,8}$/), text), {
    selector: ([name]) => name,
    maxLength: 20,
  });
  fc.assert(fc.property(tags, (tags) => {
    assertEquals([...decodeBody(encodeBody(tags))], tags);
  }));
});
