"""Sends a datagram with another's address as its source: forged_word.py SOURCE TARGET TTL."""

import socket
import struct
import sys

source, target, ttl = sys.argv[1], sys.argv[2], int(sys.argv[3])
datagram = struct.pack("!HHHH", 40000, 9, 8, 0)
# The kernel puts in what is 0: the number and the checksum.
header = struct.pack(
    "!BBHHHBBH4s4s",
    *(0x45, 0, 20 + len(datagram), 0, 0, ttl, socket.IPPROTO_UDP, 0),
    *(socket.inet_aton(source), socket.inet_aton(target)),
)
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
    raw.sendto(header + datagram, (target, 0))
