// Connects to a port of loopback where nobody listens until some connects have met themselves, and
// tells what became of them, and whether a server can listen there then. Argument: the port.
import { connect } from "../../src/net/connect.ts";

const target = { hostname: "127.0.0.1", port: Number(Deno.args[0]) };
const seen = { connected: 0, refused: 0, met: 0, listened: false };
for (let i = 0; i < 1000 && seen.met < 3; i++) {
  try {
    (await connect(target)).close();
    seen.connected++;
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    seen.refused++;
    if (error.message.includes("met itself")) seen.met++;
  }
}
Deno.listen(target).close();
seen.listened = true;
console.log(JSON.stringify(seen));
