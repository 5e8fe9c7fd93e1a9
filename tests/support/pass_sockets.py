"""Passes sockets to a program as a service manager does: sd_listen_fds(3).

usage: pass_sockets.py [--fds TEXT] [--pid TEXT] [--names TEXT] [--runs N] SOCKET... -- PROGRAM ARG...

SOCKET is tcp:IP:PORT, only6:IP:PORT, unix:/PATH, udp:IP:PORT, again (the one before once more), file,
connection, or closed. With --runs the sockets are kept while the program runs so many times, one after the
other; SIGTERM goes to the one that runs.
"""

import os
import signal
import socket
import sys

FIRST = 3


def listening(family, address, v6only=False):
    one = socket.socket(family, socket.SOCK_STREAM)
    if family != socket.AF_UNIX:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1 if v6only else 0)
    one.bind(address)
    one.listen(4096)
    return one


def made(text, before):
    kind, _, where = text.partition(":")
    if kind == "unix":
        return listening(socket.AF_UNIX, where)
    if kind in ("tcp", "only6", "udp"):
        host, _, port = where.rpartition(":")
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        if kind != "udp":
            return listening(family, (host, int(port)), kind == "only6")
        one = socket.socket(family, socket.SOCK_DGRAM)
        one.bind((host, int(port)))
        return one
    if kind == "again":
        return before[-1]
    if kind == "file":
        return open("/dev/null")
    if kind == "connection":
        server = listening(socket.AF_INET, ("127.0.0.1", 0))
        return socket.create_connection(server.getsockname())
    if kind == "closed":
        return None
    raise SystemExit(f"pass_sockets.py: what is {text}?")


def become(program, sockets, options):
    """In the process that the sockets are for."""
    copies = [one and os.dup(one.fileno()) for one in sockets]
    high = [copy and os.dup2(copy, 100 + i) for i, copy in enumerate(copies)]
    os.closerange(FIRST, 100)
    for i, copy in enumerate(high):
        if copy:
            os.dup2(copy, FIRST + i, inheritable=True)
    os.closerange(100, 200)
    os.environ["LISTEN_PID"] = options.get("pid", str(os.getpid()))
    os.environ["LISTEN_FDS"] = options.get("fds", str(len(sockets)))
    if "names" in options:
        os.environ["LISTEN_FDNAMES"] = options["names"]
    os.execvp(program[0], program)


def main(arguments):
    cut = arguments.index("--")
    before, program = arguments[:cut], arguments[cut + 1:]
    options, sockets = {}, []
    while before:
        word = before.pop(0)
        if word.startswith("--"):
            options[word[2:]] = before.pop(0)
        else:
            sockets.append(made(word, sockets))
    if "runs" not in options:
        become(program, sockets, options)
    running = 0

    def forward(number, _):
        if running:
            os.kill(running, number)

    signal.signal(signal.SIGTERM, forward)
    status = 0
    for _ in range(int(options["runs"])):
        running = os.fork()
        if running == 0:
            become(program, sockets, options)
        status = os.waitstatus_to_exitcode(os.waitpid(running, 0)[1])
    sys.exit(status)


main(sys.argv[1:])
