# Sends packets with another's address as their source: "word SOURCE TARGET TTL NUMBER" what iawlb-check
# says, "advert ... ADDRESS" that somebody has ADDRESS who is better than anybody, as by VRRP.
import socket, struct, sys

kind, source, target, ttl, number = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
ends = socket.inet_aton(source) + socket.inet_aton(target)
if kind == "word":
    protocol, payload = socket.IPPROTO_UDP, struct.pack("!HHHH", 40000, 9, 8, 0)
else:
    protocol, payload = 112, struct.pack("!BBBBHH4s", 0x31, 51, 254, 1, 25, 0, socket.inet_aton(sys.argv[6]))
    total = sum(struct.unpack("!12H", ends + struct.pack("!HH", protocol, len(payload)) + payload))
    total = (total >> 16) + (total & 0xffff)
    payload = payload[:6] + struct.pack("!H", ~total & 0xffff) + payload[8:]
# The kernel puts in what is 0: the number and the checksum.
header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, ttl, protocol, 0) + ends
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
    for _ in range(number):
        raw.sendto(header + payload, (target, 0))
