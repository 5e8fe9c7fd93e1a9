/** Whether a program here may have files in places where others see other ones. */
export function mayMount(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    const args = ["--mount", "mount", "--bind", "/etc/hosts", "/etc/hosts"];
    return new Deno.Command("unshare", { args, stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

/** What runs a program that finds files of a folder in `/etc`, for `Program.spawn` and its like. */
export function mounting(folder: string, names: readonly string[]): string {
  const mounts = names.map((name) => `mount --bind ${folder}/${name} /etc/${name}`);
  return `exec unshare --mount sh -c '${mounts.join(" && ")} && exec "$@"' sh "$@"`;
}
