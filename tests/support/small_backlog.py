# A server on a UNIX socket with room for few connects: answers "ok" to whatever it is sent, so many
# seconds after it has accepted. Arguments: path, backlog, seconds.
import socket, sys, time

path, backlog, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(backlog)
print("listening", flush=True)
while True:
    conn, _ = server.accept()
    time.sleep(seconds)
    try:
        if conn.recv(9):
            conn.sendall(b"ok")
    except OSError:
        pass
    conn.close()
