# A member of a chat that reads nothing until it is told to by a line; then all there is. It is there over
# a UNIX socket, for which the kernel keeps little. Arguments: path, how the last line ends. Prints how many lines of others it
# has read and how many it was told that it had missed.
import re, socket, sys

path, last = sys.argv[1], sys.argv[2].encode() + b"\n"
conn = socket.socket(socket.AF_UNIX)
conn.connect(path)
conn.sendall(b"deaf\n")
text = b""
while b"hello deaf" not in text:
    text += conn.recv(1)
print("ready", flush=True)
sys.stdin.readline()
text = b""
while not text.endswith(last):
    text += conn.recv(65536)
lines = text.split(b"\n")
missed = sum(int(one) for one in re.findall(rb"^\* you have missed (\d+) line", text, re.M))
print(sum(line.startswith(b"<") for line in lines), missed, flush=True)
