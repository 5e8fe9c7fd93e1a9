import { assert } from "@std/assert";

/** Whether captured packets can be looked at here. */
export const hasTshark = (() => {
  try {
    const command = new Deno.Command("tshark", { args: ["-v"], stdout: "null", stderr: "null" });
    return command.outputSync().success;
  } catch {
    return false;
  }
})();

/** What tshark says of a file of packets: a line a packet with these fields. */
export async function fields(path: string, ...names: string[]): Promise<string[]> {
  const checks = ["tcp", "udp", "ip"].flatMap((one) => ["-o", `${one}.check_checksum:TRUE`]);
  const wanted = names.flatMap((name) => ["-e", name]);
  const command = new Deno.Command("tshark", {
    args: ["-r", path, ...checks, "-T", "fields", "-E", "separator=;", ...wanted],
    stdout: "piped",
    stderr: "null",
  });
  const { success, stdout } = await command.output();
  assert(success, "tshark reads it");
  return new TextDecoder().decode(stdout).split("\n").slice(0, -1);
}
