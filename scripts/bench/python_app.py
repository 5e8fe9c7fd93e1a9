"""A Python application with several processes: `python_app.py PORT PROCESSES`.

Each process serves one request at a time, as with the synchronous workers of Gunicorn: some work of its
own, and some time in which it waits for a database.
"""

import os
import random
import signal
import socket
import sys
import time


def serve(listener):
    while True:
        conn, _ = listener.accept()
        with conn:
            if not conn.recv(4096):
                continue
            for _ in range(2):
                sum(i * i for i in range(10_000))
            time.sleep(random.expovariate(1 / 0.008))
            conn.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello\n")


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        try:
            serve(listener)
        finally:
            os._exit(1)
signal.pause()
