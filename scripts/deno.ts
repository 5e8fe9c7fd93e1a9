/** Runs a command of the Deno that runs this script. */
export async function deno(
  args: string[],
  options: {
    cwd: string;
    stderr: "piped" | "inherit";
    without?: string[];
    env?: Readonly<Record<string, string>>;
  },
): Promise<Deno.CommandOutput> {
  const { without = [], env: more = {}, ...rest } = options;
  // Downloads work behind a proxy with a certificate of its own as well.
  const env: Record<string, string> = {
    DENO_TLS_CA_STORE: "system,mozilla",
    ...Deno.env.toObject(),
    NO_COLOR: "1",
    ...more,
  };
  for (const name of without) if (!(name in more)) delete env[name];
  const command = { args, clearEnv: true, env, ...rest } as const;
  return await new Deno.Command(Deno.execPath(), command).output();
}
