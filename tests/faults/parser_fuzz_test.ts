import { assert, assertEquals } from "@std/assert";
import { fc } from "../support/properties.ts";
import { AddressError, formatAddress, parseAddress } from "../../src/net/address.ts";
import { formatCheck, parseCheck } from "../../src/config/values/check.ts";
import { parseCommand } from "../../src/cli/command.ts";
import { UsageError } from "../../src/base/errors.ts";
import { flagOf, optionNames } from "../../src/config/options.ts";
import { formatDuration, parseDuration } from "../../src/base/duration.ts";

/** Text that is often nearly right: pieces of the grammar in any order, among anything. */
function nearly(pieces: string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ maxLength: 5, unit: "binary" }) },
    { weight: 1, arbitrary: fc.nat(70_000).map(String) },
  );
  return fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(""));
}

const addressText = nearly([
  ":",
  "[",
  "]",
  "::",
  "unix:",
  "/",
  ".",
  "127.0.0.1",
  "a",
  "-",
  ",",
  "0",
]);
const options = { numRuns: 5000 };

Deno.test("any text is an address that reads back the same, or is refused with one line", () => {
  fc.assert(
    fc.property(addressText, (text) => {
      try {
        const address = parseAddress(text, { minPort: 0 });
        assertEquals(parseAddress(formatAddress(address), { minPort: 0 }), address);
      } catch (error) {
        assert(error instanceof AddressError, String(error));
        assert(!error.message.includes("\n"));
      }
    }),
    options,
  );
});

Deno.test("any text is a duration that reads back the same, or none", () => {
  fc.assert(
    fc.property(nearly(["ms", "s", "m", "h", "d", ".", "0", "1", "-", " ", "e"]), (text) => {
      const ms = parseDuration(text);
      if (ms === undefined) return;
      assert(ms >= 0 && Number.isFinite(ms));
      if (Number.isSafeInteger(ms)) assertEquals(parseDuration(formatDuration(ms)), ms);
    }),
    options,
  );
});

Deno.test("any text is a check that reads back the same, or none", () => {
  fc.assert(
    fc.property(nearly(["send:", "expect:", ",", "\\", "\\n", "http:/", "tcp", "off"]), (text) => {
      const check = parseCheck(text);
      if (check !== undefined) assertEquals(parseCheck(formatCheck(check)), check);
    }),
    options,
  );
});

Deno.test("any command line is a command, or is refused with one line", async () => {
  const flags = optionNames().map(flagOf);
  const word = fc.oneof(
    fc.constantFrom(...flags, "--demo", "--help", "--", "-", "-h", "--no-queue"),
    fc.tuple(fc.constantFrom(...flags), fc.string()).map((parts) => parts.join("=")),
    fc.constantFrom("0", "8080", "9001", "5s", "10", "info", "on", "off"),
    addressText,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 8 }), async (args) => {
      try {
        await parseCommand(args);
      } catch (error) {
        assert(error instanceof UsageError, String(error));
        assertEquals(error.message.split("\n").length, 1, error.message);
      }
    }),
    options,
  );
});
