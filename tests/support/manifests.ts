import { parse } from "yaml";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Where the manifests for Kubernetes are. */
export const MANIFESTS = `${ROOT}packaging/kubernetes`;

/** An object of Kubernetes, of which a test looks at what it likes. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  // deno-lint-ignore no-explicit-any -- tests pick what they look at
  readonly [member: string]: any;
}

/** Reads a manifest as Kubernetes does, where 0440 is an octal number. */
export function manifest(name: string): Manifest {
  return parse(Deno.readTextFileSync(`${MANIFESTS}/${name}.yaml`), { version: "1.1" });
}

/** The configuration in the manifests. */
export function configuration(): string {
  return manifest("configmap").data["iawlb.toml"];
}

/** The configuration in the manifests, with other values of some keys at its top level. */
export function configurationWith(values: Readonly<Record<string, string>>): string {
  let text = configuration();
  for (const [key, value] of Object.entries(values)) {
    const line = new RegExp(`^${key} = .*$`, "m");
    if (!line.test(text)) throw new Error(`the configuration has no ${key}`);
    text = text.replace(line, () => `${key} = ${JSON.stringify(value)}`);
  }
  return text;
}
