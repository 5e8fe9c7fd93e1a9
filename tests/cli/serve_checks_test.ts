import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { parseServe } from "../../src/cli/command.ts";

Deno.test("what does not go together is said in the words of the flags", async () => {
  const once = { chat: "one room", syslog: "in the order of their coming" };
  const refused: [string[], RegExp][] = [
    [["http", "udp:80"], /^LISTEN "udp:80": http speaks .* or SERVICE one of echo, .*syslog$/],
    [["chat", "udp:80"], /^LISTEN "udp:80": chat speaks over connections only/],
    ...Object.entries(once).flatMap(([service, why]): [string[], RegExp][] => [
      [[service, "80", "--threads", "2"], new RegExp(`^--threads "2": .*${why}.*; must be 1`)],
      [[service, "80", "--model", "threads"], new RegExp(`^--model "threads": .*${why}`)],
    ]),
    [["http", "80", "--size", "9", "--body", "/etc/hostname"], /^--size "9": --body "\/etc/],
    [["http", "-", "--size", "9", "--body", "/etc/hostname"], /^--size "9": --body "\/etc/],
    [
      ["echo", "80", "--threads", "3", "--max-clients", "2"],
      /^--threads "3": --max-clients 2 cannot be divided by it; must be at most 2$/,
    ],
    [
      ["echo", "80", "--model", "hybrid", "--threads", "3", "--max-processes", "2"],
      /^--threads "3": --max-processes 2 cannot/,
    ],
    [["echo", "80", "--config", "x"], /^--config: not an option of iawlb serve/],
  ];
  for (const [args, message] of refused) {
    const error = await assertRejects(() => parseServe(args), UsageError);
    assertEquals([args, message.test(error.message)], [args, true], error.message);
  }
  for (const args of [["chat", "80", "--threads", "auto"], ["syslog", "udp:80"]]) {
    assertEquals((await parseServe(args)).kind, "serve");
  }
});
