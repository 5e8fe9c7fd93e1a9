import { assertEquals } from "@std/assert";

/** How often it is tried; before it was right it went wrong once in eight times. */
const ROUNDS = 12;
const THREADS = 4;

Deno.test("threads that ask for the system's authorities at a time all get them", async () => {
  const path = await Deno.makeTempFile({ prefix: "iawlb-roots-" });
  await Deno.writeTextFile(path, "what is in it\n");
  const before = Deno.env.get("SSL_CERT_FILE");
  Deno.env.set("SSL_CERT_FILE", path);
  const url = new URL("../../support/roots_thread.ts", import.meta.url);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const workers = Array.from({ length: THREADS }, () => new Worker(url, { type: "module" }));
      const time = Date.now() + 100;
      const lengths = await Promise.all(workers.map((worker) =>
        new Promise<number>((resolve) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.postMessage(time);
        })
      ));
      for (const worker of workers) worker.terminate();
      assertEquals(lengths, lengths.map(() => 14));
    }
    assertEquals(Deno.env.get("SSL_CERT_FILE"), path);
  } finally {
    if (before === undefined) Deno.env.delete("SSL_CERT_FILE");
    else Deno.env.set("SSL_CERT_FILE", before);
    await Deno.remove(path);
  }
});
