/** The part of `deno info --json` that is used. */
interface Info {
  modules: { npmPackage?: string }[];
}

/** The part of `deno.lock` that is used. */
interface Lock {
  specifiers: Record<string, string>;
  npm: Record<string, { dependencies?: string[] }>;
  workspace: { dependencies: string[] };
}

/**
 * The text of a lock file with what the program itself needs and no more. `deno compile` puts every
 * package of the lock file into the binary, those that only tests use as well.
 *
 * @param root The folder of `deno.lock` and `main.ts`.
 */
export async function programLock(root: string): Promise<string> {
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${root}/deno.lock`));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: root,
    stderr: "inherit",
  }).output();
  const { modules }: Info = JSON.parse(new TextDecoder().decode(stdout));
  const needed = new Set<string>();
  for (const { npmPackage } of modules) if (npmPackage) addPackage(npmPackage, { lock, needed });
  const isNeeded = (specifier: string) => {
    const name = specifier.replace(/^npm:/, "").replace(/(?<=.)@[^@]*$/, "");
    return needed.has(`${name}@${lock.specifiers[specifier]}`);
  };
  const specifiers = Object.entries(lock.specifiers).filter(([specifier]) => isNeeded(specifier));
  return JSON.stringify({
    ...lock,
    specifiers: Object.fromEntries(specifiers),
    npm: Object.fromEntries(Object.entries(lock.npm).filter(([id]) => needed.has(id))),
    workspace: { dependencies: lock.workspace.dependencies.filter(isNeeded) },
  });
}

/** Adds a package and those that it depends on. */
function addPackage(id: string, { lock, needed }: { lock: Lock; needed: Set<string> }): void {
  if (needed.has(id)) return;
  const found = lock.npm[id];
  if (!found) throw new Error(`${id} is not in deno.lock`);
  needed.add(id);
  for (const name of found.dependencies ?? []) {
    const [exact] = Object.keys(lock.npm).filter((other) => {
      return other === name || other.startsWith(`${name}@`);
    });
    if (exact) addPackage(exact, { lock, needed });
  }
}
