import type { Release } from "../packaging/tree.ts";
import type { SystemFile } from "./libraries.ts";
import { USER } from "./layers.ts";

/** A layer as the configuration of an image names it. */
export interface NamedLayer {
  readonly title: string;
  readonly date: Date;
  /** Of the tar that is not compressed: `sha256:…`. */
  readonly diffId: string;
}

/** The processors as images call them. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** This machine's processor as images call it. */
export function imageArchitecture(): string {
  return ARCHITECTURES[Deno.build.arch] ?? Deno.build.arch;
}

/** SPDX names of the licences of what is copied beside the program, by its package. */
const LICENCES: Readonly<Record<string, string>> = {
  "ca-certificates": "MPL-2.0",
  "libc6": "LGPL-2.1-or-later",
  "libgcc-s1": "GPL-3.0-or-later WITH GCC-exception-3.1",
};

/** Where `iawlb ctl` in the container looks for the program, so that an address can be left out. */
const ADMIN = "127.0.0.1:9090";

const SECOND = 1e9;

/** What an image says of itself, as its labels and as annotations. */
export function labels(
  { version, date }: Release,
  files: readonly SystemFile[],
): Record<string, string> {
  const sources = [...new Set(files.map(({ source }) => source))];
  const licences = sources.map((source) => LICENCES[source] ?? `LicenseRef-${source}`);
  return {
    "org.opencontainers.image.created": date.toISOString(),
    "org.opencontainers.image.description":
      "TCP load balancer with one fair queue in front of your servers",
    "org.opencontainers.image.licenses": ["MIT", ...licences.sort()].join(" AND "),
    "org.opencontainers.image.title": "iawlb",
    "org.opencontainers.image.version": version,
  };
}

/**
 * The configuration of the image, for Docker and as the OCI specification has it. The check of health
 * is Docker's; the specification reserves its name and says nothing of it.
 */
export function configuration(
  release: Release,
  { layers, labels }: { layers: readonly NamedLayer[]; labels: Readonly<Record<string, string>> },
): unknown {
  return {
    created: release.date.toISOString(),
    architecture: imageArchitecture(),
    os: "linux",
    config: {
      User: `${USER}:${USER}`,
      ExposedPorts: { "8080/tcp": {} },
      Env: ["PATH=/usr/bin", `IAWLB_ADMIN=${ADMIN}`],
      Entrypoint: ["/usr/bin/iawlb"],
      Cmd: ["--config", "/etc/iawlb/iawlb.toml"],
      WorkingDir: "/",
      Labels: labels,
      StopSignal: "SIGTERM",
      Healthcheck: {
        Test: ["CMD", "/usr/bin/iawlb", "ctl", "health"],
        Interval: 10 * SECOND,
        Timeout: 6 * SECOND,
        StartPeriod: 5 * SECOND,
        Retries: 3,
      },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ title, date }) => ({
      created: date.toISOString(),
      created_by: "scripts/image.ts",
      comment: title,
    })),
  };
}
