/**
 * What is wrong with a program that is known to serve nobody through pipes, or to do harm there:
 * `undefined` of all others, of which nothing is known.
 */
export function problemWithPipes([program = "", ...args]: readonly string[]): string | undefined {
  switch (program.slice(program.lastIndexOf("/") + 1)) {
    // It asks for options of IP as well (KILL_IP_OPTIONS), and ends.
    case "tcpd":
      return "is tcpd, which asks a socket who the client is and finds a pipe here, so that it lets " +
        "nobody in; must be the program itself, with --allow and --deny for what hosts.allow and " +
        "hosts.deny say";
    // It would listen on its port by itself, for everybody, and stay.
    case "rsync":
      if (!args.includes("--daemon") || args.includes("--server")) return undefined;
      return "is rsync --daemon, which goes into the background and listens by itself unless its " +
        "standard input is a socket, and it is a pipe here; must be rsync --server --daemon .";
  }
}
