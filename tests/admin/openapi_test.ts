import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/2020";
import { assert, assertEquals } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { openApiDocument } from "../../src/admin/openapi.ts";
import { ROUTES } from "../../src/admin/routes.ts";
import { TestAdmin } from "../support/admin.ts";
import { historyOf, pastOf, seriesOf } from "../support/histories.ts";
import { liveSession } from "../support/fake_operations.ts";

interface Operation {
  operationId: string;
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<string, { content?: Record<string, { schema: unknown }> }>;
}

type Paths = Record<string, Record<string, Operation>>;

const document = openApiDocument() as { info: { version: string }; paths: Paths };
const ajv = new Ajv2020({ allErrors: true, validateFormats: false, strict: false });
ajv.addSchema(document, "api");

/** What is wrong with a value by one of the schemas; nothing if it is as documented. */
function faults(pointer: string, value: unknown): unknown {
  const validate = ajv.getSchema(`api#${pointer}`);
  assert(validate, pointer);
  return validate(value) ? undefined : validate.errors;
}

function pointerOf(...names: string[]): string {
  const escaped = names.map((n) => n.replaceAll("~", "~0").replaceAll("/", "~1"));
  return "/" + escaped.map(encodeURIComponent).join("/");
}

Deno.test("the document is one of OpenAPI 3.1, of this version", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  assert(valid, JSON.stringify(errors));
  assertEquals(validator.version, "3.1");
  assertEquals(document.info.version, project.version);
});

Deno.test("the document has every route, and no other", () => {
  const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`)
  );
  assertEquals(documented.toSorted(), ROUTES.map((r) => `${r.method} ${r.path}`).toSorted());
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId)
  );
  assertEquals(new Set(ids).size, ids.length);
});

Deno.test("the document is served", async () => {
  await using admin = await TestAdmin.start();
  assertEquals(
    await (await admin.fetch("/openapi.json")).json(),
    JSON.parse(JSON.stringify(document)),
  );
});

Deno.test("every answer is as documented", async () => {
  const page = { body: "x", contentSecurityPolicy: "default-src 'self'" };
  await using admin = await TestAdmin.start({ page, limits: { snapshotAge: 0 } });
  Object.assign(admin.operations.listeners[0]!.destinations[0]!, {
    last_error: { text: "refused", age_ms: 5 },
    last_check: { ok: false, age_ms: 5, took_ms: 0.5 },
  });
  admin.operations.live = [
    liveSession("1.1"),
    liveSession("1.2", { destination: "9", place: null }),
  ];
  const options = { queue: { value: "1024", given: false } };
  const destinations = [{ id: "1.1", name: "9001", address: "9001", options }];
  const listener = { id: 1, name: "8080", listen: ["[::]:8080"], options, destinations };
  admin.operations.inForce = { file: null, settings: options, listeners: [listener] };
  admin.operations.reloaded = { changes: ["added 9"], needs_restart: [] };
  admin.operations.past = historyOf({
    listeners: [{
      ...pastOf({ id: 1, name: "8080", steps: 3, values: { wait_p50_ms: (i) => i / 2 } }),
      destinations: [{ id: "1.1", name: "db1", series: seriesOf(3) }],
    }],
    marks: [{
      ...{ time: "2026-01-01T00:00:00Z", uptime_ms: 12, kind: "down", text: "db1 is down" },
      ...{ listener: "8080", destination: "db1" },
    }],
  });
  const asked: [string, string, number, { id?: string; body?: unknown }?][] = [
    ["GET", "/", 200],
    ["GET", "/healthz", 200],
    ["GET", "/whoami", 200],
    ["GET", "/status", 200],
    ["GET", "/sessions", 200],
    ["GET", "/history", 200],
    ["GET", "/config", 200],
    ["GET", "/metrics", 200],
    ["GET", "/bytes", 403],
    ["GET", "/events", 200],
    ["GET", "/openapi.json", 200],
    ["POST", "/destinations", 201, { body: { address: "9", workers: 4, backup: true } }],
    ["POST", "/destinations", 400, { body: [] }],
    ["POST", "/destinations", 422, { body: {} }],
    ["PATCH", "/destinations/{id}", 200, { id: "1.1", body: { state: "drain" } }],
    ["PATCH", "/destinations/{id}", 404, { id: "7.7", body: { state: "drain" } }],
    ["DELETE", "/destinations/{id}", 202, { id: "1.1" }],
    ["DELETE", "/sessions/{id}", 204, { id: "1.1" }],
    ["DELETE", "/sessions/{id}", 404, { id: "1.1" }],
    ["POST", "/reload", 200, { body: {} }],
    ["POST", "/drain", 202, { body: {} }],
    ["GET", "/healthz", 503],
  ];
  for (const [method, path, status, { id = "", body } = {}] of asked) {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await admin.fetch(path.replace("{id}", id), init);
    const what = `${method} ${path} ${status}`;
    assertEquals(response.status, status, what);
    const at = ["paths", path, method.toLowerCase(), "responses", String(status)];
    const documented = document.paths[path]![method.toLowerCase()]!.responses[status]!;
    const type = response.headers.get("content-type")?.split(";")[0];
    assertEquals(Object.keys(documented.content ?? {}), type ? [type] : [], what);
    if (type !== "application/json") {
      await response.body?.cancel();
      continue;
    }
    assertEquals(
      faults(pointerOf(...at, "content", type, "schema"), await response.json()),
      undefined,
      what,
    );
  }
  const missing = ROUTES.filter((r) => !asked.some(([m, p]) => m === r.method && p === r.path));
  assertEquals(missing, []);
});

Deno.test("the documented bodies are those that are taken", async () => {
  await using admin = await TestAdmin.start();
  for (
    const [path, name, body] of [
      ["/destinations", "NewDestination", { address: "9", listener: "8080" }],
      ["/destinations", "NewDestination", { address: "9", backup: "yes" }],
      ["/destinations", "NewDestination", { address: "" }],
      ["/destinations", "NewDestination", { address: "9".repeat(300) }],
      ["/destinations", "NewDestination", { address: "9".repeat(301) }],
      ["/destinations", "NewDestination", { adress: "9" }],
      ...[0, 1, 256, 257, 1.5, 1_000_000, 1_000_001].flatMap((n) => [
        ["/destinations", "NewDestination", { address: "9", workers: n }] as const,
        ["/destinations/1.1", "DestinationChange", { weight: n }] as const,
      ]),
      ["/destinations/1.1", "DestinationChange", {}],
      ["/destinations/1.1", "DestinationChange", { state: "maint" }],
      ["/destinations/1.1", "DestinationChange", { state: "down" }],
      ["/drain", "Nothing", {}],
      ["/drain", "Nothing", { now: true }],
    ] as const
  ) {
    const method = path.endsWith("1.1") ? "PATCH" : "POST";
    const response = await admin.fetch(path, { method, body: JSON.stringify(body) });
    await response.text();
    const documented = faults(`/components/schemas/${name}`, body) === undefined;
    assertEquals(response.status < 300, documented, JSON.stringify(body));
  }
});
