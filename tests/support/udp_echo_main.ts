/** Sends every datagram back that comes to the port that is given. */
const socket = Deno.listenDatagram({
  transport: "udp",
  hostname: "127.0.0.1",
  port: Number(Deno.args[0]),
});
for await (const [bytes, from] of socket) await socket.send(bytes, from);
