import { assert, assertRejects } from "@std/assert";
import { parseCommand } from "../../src/cli/command.ts";
import { UsageError } from "../../src/base/errors.ts";
import type { ProgramConfig } from "../../src/config/config.ts";

/** A configuration file of a test. */
export class TestFile implements Disposable {
  readonly path = Deno.makeTempFileSync({ prefix: "iawlb-", suffix: ".toml" });

  constructor(content: string | Uint8Array) {
    this.write(content);
  }

  write(content: string | Uint8Array): void {
    Deno.writeFileSync(
      this.path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path);
  }
}

/** The configuration that a file makes with these flags. The file is called FILE in it. */
export async function configOfFile(
  content: string | Uint8Array,
  ...flags: string[]
): Promise<ProgramConfig> {
  using file = new TestFile(content);
  const command = await parseCommand(["--config", file.path, ...flags]);
  assert(command.kind === "serve");
  const { config } = command;
  return { ...config, written: { ...config.written!, file: "FILE" } };
}

/** The lines of the error that a file makes with these flags; the file is called FILE in them. */
export async function problemsOfFile(
  content: string | Uint8Array,
  ...flags: string[]
): Promise<string[]> {
  using file = new TestFile(content);
  const { message } = await assertRejects(
    () => parseCommand(["--config", file.path, ...flags]),
    UsageError,
  );
  return message.replaceAll(file.path, "FILE").split("\n");
}

/** What `--print-config` prints of a file. The file is called FILE in it. */
export async function printedFile(content: string, ...flags: string[]): Promise<string> {
  using file = new TestFile(content);
  const command = await parseCommand(["--config", file.path, "--print-config", ...flags]);
  assert(command.kind === "print");
  return command.text.replaceAll(file.path, "FILE");
}
