"""One echo server by each way to wait for input: python3 scripts/io_models.py [IDLE [ANSWERS]]

One client asks again and again while others are connected and silent. Python, since the program's
own runtime has one way alone.
"""

import fcntl
import os
import resource
import select
import signal
import socket
import sys
import time

IDLE = int(sys.argv[1]) if len(sys.argv) > 1 else 500
ANSWERS = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
# A server reads a quarter of a request at a time, to show what is told of the rest.
REQUEST = b"x" * 64
READ = 16
# How long nobody says anything after that, in seconds.
SILENCE = 0.5


class Server:
    """The connections of one server, in its own process."""

    def __init__(self, conns):
        self.conns = {conn.fileno(): conn for conn in conns}
        self.looks = 0
        self.reads = 0

    def read(self, fd):
        """Echoes what one read gets; whether there was something."""
        self.reads += 1
        try:
            data = self.conns[fd].recv(READ)
        except BlockingIOError:
            return False
        if not data:
            raise EOFError
        self.conns[fd].sendall(data)
        return True

    def drain(self, fd):
        while self.read(fd):
            pass


def blocking(server):
    # The first one alone: whoever comes next waits until that has finished.
    fd = next(iter(server.conns))
    server.conns[fd].setblocking(True)
    while True:
        server.looks += 1
        server.read(fd)


def busy(server):
    while True:
        server.looks += 1
        for fd in server.conns:
            server.read(fd)


def signals(server):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
    for fd in server.conns:
        fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
    while True:
        # The signal does not say who it is about, and those that come meanwhile are one.
        for fd in server.conns:
            server.drain(fd)
        server.looks += 1
        signal.sigwait({signal.SIGIO})


def by_select(server):
    while True:
        server.looks += 1
        for fd in select.select(list(server.conns), [], [])[0]:
            server.read(fd)


def polled(poller, flags, act):
    def run(server):
        waiting = poller()
        for fd in server.conns:
            waiting.register(fd, flags)
        while True:
            server.looks += 1
            for fd, _ in waiting.poll():
                act(server, fd)

    return run


MODELS = {
    "blocking, one client": blocking,
    "busy polling": busy,
    "signals (SIGIO)": signals,
    "select": by_select,
    "poll": polled(select.poll, select.POLLIN, Server.read),
    "epoll, level": polled(select.epoll, select.EPOLLIN, Server.read),
    "epoll, edge": polled(select.epoll, select.EPOLLIN | select.EPOLLET, Server.drain),
}


def serve(model, pairs, report):
    """The server's process: tells what it has done when its busy client has left."""
    for near, far in pairs:
        near.close()
        far.setblocking(False)
    server = Server([far for _, far in pairs])
    try:
        model(server)
    except EOFError:
        os.write(report, b"%d %d" % (server.looks, server.reads))
    os._exit(0)


def pair(listener):
    near = socket.create_connection(listener.getsockname())
    far = listener.accept()[0]
    for one in (near, far):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far


def cpu_seconds(pid):
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9


def measure(model, listener):
    pairs = [pair(listener) for _ in range(1 + IDLE)]
    told, report = os.pipe()
    child = os.fork()
    if child == 0:
        serve(model, pairs, report)
    for _, far in pairs:
        far.close()
    busy_client = pairs[0][0]
    begun, cpu = time.perf_counter(), cpu_seconds(child)
    for _ in range(ANSWERS):
        busy_client.sendall(REQUEST)
        left = len(REQUEST)
        while left > 0:
            left -= len(busy_client.recv(left))
    rate = ANSWERS / (time.perf_counter() - begun)
    each = (cpu_seconds(child) - cpu) / ANSWERS
    cpu = cpu_seconds(child)
    time.sleep(SILENCE)
    silent = (cpu_seconds(child) - cpu) / SILENCE
    busy_client.close()
    looks, reads = (int(word) / ANSWERS for word in os.read(told, 100).split())
    os.waitpid(child, 0)
    for fd in (told, report):
        os.close(fd)
    for near, _ in pairs:
        near.close()
    return f"{rate:9.0f} {each * 1000:9.3f} {looks:8.1f} {reads:8.1f} {silent * 100:8.0f} %"


def main():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"{'':22}answers/s CPU ms/an. looks/an. reads/an. CPU in silence")
    for name, model in MODELS.items():
        print(f"{name:21}", measure(model, listener), flush=True)


if __name__ == "__main__":
    main()
