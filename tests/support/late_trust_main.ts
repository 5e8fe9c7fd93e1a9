// The runtime has its authorities by the time that a server is verified by others: PORT NAME.PEM
import { connect } from "../../src/net/connect.ts";
import { TlsOut } from "../../src/net/tls/out.ts";
import { trustNobodyElse } from "../../src/net/tls/roots.ts";

const [port, path] = Deno.args;
Deno.createHttpClient({}).close();
console.log(trustNobodyElse() ? "nobody else" : "others as well");
const roots = { path: path!, text: Deno.readTextFileSync(path!) };
const out = new TlsOut({ name: "localhost", roots, own: undefined, insecure: false });
const stream = await connect({ hostname: "127.0.0.1", port: Number(port) });
try {
  const { signal } = new AbortController();
  const tls = await out.start(stream, { signal, where: "the server" });
  console.log("trusted");
  tls.close();
} catch (error) {
  console.log((error as Error).message);
}
