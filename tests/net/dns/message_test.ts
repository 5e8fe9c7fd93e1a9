import { assert, assertEquals, assertLess } from "@std/assert";
import { fc } from "../../support/properties.ts";
import { decodeReply, type Reply } from "../../../src/net/dns/message.ts";
import { encodeQuestion, isName, type Question } from "../../../src/net/dns/question.ts";
import type { Answer, QuestionType } from "../../../src/net/dns/records.ts";
import {
  A,
  AAAA,
  address,
  address6,
  alias,
  authority,
  encodeReply,
  readQuestion,
  type ReplyParts,
  service,
  SRV,
  type TestRecord,
} from "../../support/dns_message.ts";

const NUMBERS = { A, AAAA, SRV };

function question(name: string, type: QuestionType = "A", id = 0x1234): Question {
  return { id, name, type };
}

/** What is read of a reply to a question. */
function read(asked: Question, parts: ReplyParts): Reply | undefined {
  return decodeReply(encodeReply({ ...asked, type: NUMBERS[asked.type] }, parts), asked);
}

function answered(asked: Question, parts: ReplyParts): Answer {
  const reply = read(asked, parts);
  assert(reply?.kind === "answer", JSON.stringify(reply));
  return reply.answer;
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/\w\w/g)!, (byte) => parseInt(byte, 16));
}

Deno.test("a question is sent as RFC 1035 has it, with the size of datagrams of RFC 6891", () => {
  const plain = "1234 0100 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 0001";
  const asked = question("www.example.com");
  assertEquals(encodeQuestion(asked, { extended: false }), hex(plain));
  const extended = plain.replace("0000 0000 0000", "0000 0000 0001") + "00 0029 04d0 00000000 0000";
  assertEquals(encodeQuestion(asked, { extended: true }), hex(extended));
  assertEquals(readQuestion(encodeQuestion(asked, { extended: true }), "udp").name, asked.name);
});

Deno.test("an answer as a server of the Internet sent it is read", () => {
  // example.com A, with an OPT record.
  const bytes = hex(
    "1234 8180 0001 0002 0000 0001 076578616d706c65 03636f6d 00 0001 0001 " +
      "c00c 0001 0001 0000012c 0004 5db8d822 c00c 0001 0001 00000100 0004 5db8d823 " +
      "00 0029 0200 00000000 0000",
  );
  assertEquals(decodeReply(bytes, question("example.com")), {
    kind: "answer",
    answer: {
      kind: "records",
      records: [
        { type: "A", address: "93.184.216.34" },
        { type: "A", address: "93.184.216.35" },
      ],
      ttl: 256,
    },
  });
});

Deno.test("aliases are followed, their times count, and records of others do not", () => {
  const answers = [
    address("c.test", "10.0.0.9", 60),
    alias("a.test", "b.test", 40),
    alias("b.test", "c.test", 50),
    address("a.test", "10.0.0.1", 1),
    address("other.test", "10.0.0.2", 1),
    address6("c.test", 1, 1),
    { ...address("c.test", "10.0.0.3", 1), class: 3 },
    address("c.test", "10.0.0.9", 60),
  ];
  assertEquals(answered(question("a.test"), { answers }), {
    kind: "records",
    records: [{ type: "A", address: "10.0.0.9" }],
    ttl: 40,
  });
});

Deno.test("aliases that lead around are a failure of the server", () => {
  const answers = [alias("a.test", "b.test"), alias("b.test", "a.test")];
  assertEquals(read(question("a.test"), { answers }), {
    kind: "failure",
    problem: "its aliases lead around",
    notUnderstood: false,
  });
});

Deno.test("a service has its target, its numbers, and the addresses that came with it", () => {
  const name = "_x._tcp.test";
  const answers = [
    service(name, { target: "A.test", port: 80, priority: 1, weight: 65535 }, 20),
    service(name, { target: "b.test", port: 81 }, 20),
  ];
  const additionals = [
    address("a.test", "10.0.0.1", 5),
    address6("a.test", 1),
    address("c.test", "10.0.0.2", 1),
  ];
  const records = [
    {
      type: "SRV" as const,
      target: "a.test",
      port: 80,
      priority: 1,
      weight: 65535,
      addresses: ["10.0.0.1", "2001:db8::1"],
    },
    {
      type: "SRV" as const,
      target: "b.test",
      port: 81,
      priority: 0,
      weight: 0,
      addresses: [],
    },
  ];
  assertEquals(answered(question(name, "SRV"), { answers, additionals }), {
    kind: "records",
    records,
    ttl: 5,
  });
});

Deno.test("addresses that no server has are no records, and one of IPv4 is the same in IPv6", () => {
  const six = (...data: number[]) => ({ name: "a.test", type: AAAA, ttl: 30, data });
  const zeros = Array<number>(10).fill(0);
  const nobody = ["0.0.0.0", "224.0.0.1", "255.255.255.255"].map((ip) => address("a.test", ip, 1));
  const asked = (type: "A" | "AAAA") => ({ id: 7, name: "a.test", type });
  const read = (type: "A" | "AAAA", answers: readonly TestRecord[]) => {
    const question = { id: 7, name: "a.test", type: type === "A" ? A : AAAA };
    return decodeReply(encodeReply(question, { answers }), asked(type));
  };
  const records = (...addresses: string[]) => addresses.map((address) => ({ type: "A", address }));
  assertEquals(read("A", [...nobody, address("a.test", "10.0.0.1")]), {
    kind: "answer",
    answer: { kind: "records", records: records("10.0.0.1"), ttl: 30 } as never,
  });
  const none = { kind: "answer", answer: { kind: "empty", why: "no such record", ttl: undefined } };
  assertEquals<unknown>(read("A", nobody), none);
  assertEquals<unknown>(read("AAAA", [six(...zeros, 0, 0, 0, 0, 0, 0)]), none);
  assertEquals<unknown>(read("AAAA", [six(255, 2, ...zeros, 0, 0, 0, 1)]), none);
  assertEquals<unknown>(read("AAAA", [six(...zeros, 255, 255, 0, 0, 0, 0)]), none);
  assertEquals<unknown>(read("AAAA", [six(...zeros, 255, 255, 10, 0, 0, 1)]), {
    kind: "answer",
    answer: { kind: "records", records: [{ type: "AAAA", address: "10.0.0.1" }], ttl: 30 },
  });
  const service1 = service("a.test", { target: "b.test", port: 80 });
  const additionals = nobody.map((one) => ({ ...one, name: "b.test" }));
  const srv = decodeReply(
    encodeReply({ id: 7, name: "a.test", type: SRV }, { answers: [service1], additionals }),
    { id: 7, name: "a.test", type: "SRV" },
  );
  assert(srv?.kind === "answer" && srv.answer.kind === "records");
  assertEquals(srv.answer.records.map((one) => one.type === "SRV" && one.addresses), [[]]);
});

Deno.test("a service that is nowhere, or no host, is no record", () => {
  const name = "_x._tcp.test";
  for (const target of ["", "a b.test", "\u0007.test", '"].test']) {
    const answers = [
      service(name, { target, port: 80 }),
      service(name, { target: "a.test", port: 0 }),
    ];
    assertEquals(answered(question(name, "SRV"), { answers }).kind, "empty", target);
  }
});

Deno.test("what is not there is said with its reason and its time", () => {
  const asked = question("a.test");
  const soa = [authority("test", 60, 20)];
  assertEquals(answered(asked, { code: 3, authorities: soa }), {
    kind: "empty",
    why: "no such name",
    ttl: 20,
  });
  assertEquals(answered(asked, { authorities: [authority("test", 10, 20)] }), {
    kind: "empty",
    why: "no such record",
    ttl: 10,
  });
  assertEquals(answered(asked, {}), { kind: "empty", why: "no such record", ttl: undefined });
  const dangling = [alias("a.test", "b.test")];
  assertEquals(answered(asked, { code: 3, answers: dangling }).kind, "empty");
});

Deno.test("what is no answer is a failure of the server, with its name", () => {
  const asked = question("a.test");
  const problem = (parts: ReplyParts) => {
    const reply = read(asked, parts);
    return reply?.kind === "failure" && [reply.problem, reply.notUnderstood];
  };
  assertEquals(problem({ code: 1 }), ["it said FORMERR", true]);
  assertEquals(problem({ code: 2 }), ["it said SERVFAIL", false]);
  assertEquals(problem({ code: 4 }), ["it said NOTIMP", true]);
  assertEquals(problem({ code: 5 }), ["it said REFUSED", false]);
  assertEquals(problem({ code: 11 }), ["it said code 11", false]);
  assertEquals(problem({ code: 1, question: null }), ["it said FORMERR", true]);
  // A referral of a server that has no recursion for us.
  assertEquals(problem({ without: 0x0080 }), ["it does not look names up for others", false]);
});

Deno.test("more than 1,000 records are refused as they are", () => {
  const many = (number: number) => {
    return Array.from({ length: number }, (_, i) => address("a.test", `10.0.${i >> 8}.${i & 255}`));
  };
  const most = answered(question("a.test"), { answers: many(1000) });
  assertEquals(most.kind === "records" && most.records.length, 1000);
  assertEquals(read(question("a.test"), { answers: many(1001) }), {
    kind: "failure",
    problem: "it has 1001 records, at most 1000 are taken",
    notUnderstood: false,
  });
});

Deno.test("a time with the highest bit set is none", () => {
  const answer = answered(question("a.test"), {
    answers: [address("a.test", "10.0.0.1", 2 ** 31)],
  });
  assertEquals(answer.kind === "records" && answer.ttl, 0);
});

Deno.test("nothing that answers something else is taken for an answer", () => {
  const asked = question("a.test");
  const answers = [address("a.test", "10.0.0.1")];
  for (
    const parts of [
      { id: 0x1235 },
      { without: 0x8000 },
      { flags: 0x0800 },
      { question: { name: "b.test", type: A } },
      { question: { name: "a.test", type: AAAA } },
      { question: null },
    ]
  ) assertEquals(read(asked, { ...parts, answers }), undefined, JSON.stringify(parts));
  assertEquals(answered(asked, { question: { name: "A.TEST", type: A }, answers }).kind, "records");
});

Deno.test("a truncated answer is read no further", () => {
  const reply = encodeReply({ ...question("a.test"), type: A }, { truncated: true });
  assertEquals(decodeReply(reply, question("a.test")), { kind: "truncated" });
  const whole = encodeReply({ ...question("a.test"), type: A }, {
    answers: [address("a.test", "10.0.0.1")],
  });
  const cut = whole.subarray(0, -4);
  assertEquals(decodeReply(cut, question("a.test")), undefined);
  assertEquals(decodeReply(cut, question("a.test"), { cut: true }), { kind: "truncated" });
});

Deno.test("names that lead around, forward or on for ever are malformed, and soon found to be", () => {
  const head = "1234 8180 0001 0001 0000 0000 0161 00 0001 0001";
  const record = "0001 0001 00000100 0004 0a000001";
  const names = {
    "to itself": "c013",
    "forward": "c015",
    "to its own beginning": "0161 c013",
    "over 255 bytes": "3f".padEnd(128, "61").repeat(4) + "00",
    "a label over 63 bytes": "40".padEnd(130, "61") + "00",
  };
  const asked = question("a");
  assert(decodeReply(hex(`${head} c00c ${record}`), asked));
  for (const [what, name] of Object.entries(names)) {
    assertEquals(decodeReply(hex(`${head} ${name} ${record}`), asked), undefined, what);
  }
});

Deno.test("as many records as there are, with the longest ways to their names, are soon read", () => {
  // A ladder of pointers, and records whose names begin at its top.
  const start = 12 + 7 + 12;
  const ladder = Array.from({ length: 31 }, (_, i) => {
    return i === 0 ? [1, 97, 0, 0] : [1, 97, 0xc0, start + 4 * (i - 1)];
  }).flat();
  const top = [0xc0, start + 4 * 30];
  const rest = [0, A, 0, 1, 0, 0, 0, 0, 0, 0];
  const number = 5000;
  const bytes = Uint8Array.from([
    ...[0x12, 0x34, 0x81, 0x80, 0, 1, (number + 1) >> 8, (number + 1) & 255, 0, 0, 0, 0],
    ...[1, 97, 0, 0, A, 0, 1],
    ...[0xc0, 12, 0, 99, 0, 1, 0, 0, 0, 0, 0, ladder.length, ...ladder],
    ...Array.from({ length: number }, () => [...top, ...rest]).flat(),
  ]);
  const begun = performance.now();
  assertEquals(decodeReply(bytes, question("a"))?.kind, "answer");
  assertLess(performance.now() - begun, 3000);
});

Deno.test("names that nobody can have are not asked for", () => {
  for (const name of ["a", "a.b", "_x._tcp.a-b.test", "a".repeat(63)]) assert(isName(name), name);
  const long = Array(64).fill("abc").join(".");
  for (const name of ["", ".", "a..b", ".a", "a.", "a".repeat(64), long, "a b", "ä", "a\0"]) {
    assert(!isName(name), name);
  }
});

/** Replies as they come, of all kinds. */
const REPLIES = [
  encodeReply({ ...question("a.test"), type: A }, {
    answers: [
      alias("a.test", "b.test"),
      address("b.test", "10.0.0.1"),
      address("b.test", "10.0.0.2"),
    ],
    additionals: [address6("b.test", 1)],
  }),
  encodeReply({ ...question("a.test"), type: SRV }, {
    answers: [service("a.test", { target: "b.test", port: 80 })],
    additionals: [address("b.test", "10.0.0.1"), address6("b.test", 1)],
  }),
  encodeReply({ ...question("a.test"), type: A }, {
    code: 3,
    authorities: [authority("test", 9, 9)],
  }),
];

Deno.test("replies with wrong bytes, cut or made of chance, are read or not, but never more than that", () => {
  const mutated = fc.tuple(
    fc.constantFrom(...REPLIES),
    fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 8 }),
    fc.nat(120),
  ).map(([reply, changes, length]) => {
    const bytes = reply.slice(0, length % 3 === 0 ? length : undefined);
    for (const [at, value] of changes) if (at >= 2 && at < bytes.length) bytes[at] = value;
    return bytes;
  });
  const chance = fc.uint8Array({ maxLength: 600 }).map((bytes) => {
    const message = Uint8Array.from([...REPLIES[0]!.subarray(0, 24), ...bytes]);
    message.set(bytes.subarray(0, 8), 4);
    message[4] = 0;
    message[5] = 1;
    return message;
  });
  fc.assert(
    fc.property(fc.oneof(mutated, chance, fc.uint8Array({ maxLength: 100 })), (bytes) => {
      for (const type of ["A", "AAAA", "SRV"] as const) {
        const reply = decodeReply(bytes, question("a.test", type));
        if (reply?.kind !== "answer" || reply.answer.kind !== "records") continue;
        assert(reply.answer.records.length > 0 && reply.answer.records.length <= 1000);
        assert(reply.answer.ttl >= 0 && reply.answer.ttl < 2 ** 31);
        for (const record of reply.answer.records) {
          assertEquals(record.type, type);
          if (record.type === "SRV") assert(isName(record.target) && record.port > 0);
        }
      }
    }),
    { numRuns: 20_000 },
  );
});
