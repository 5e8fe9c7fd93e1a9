const [SE, SB, WILL, DONT, IAC] = [240, 250, 251, 254, 255];

/**
 * A line without the commands of Telnet (RFC 854), which a client of port 23 sends unasked. No text has
 * such bytes: UTF-8 has no byte 255.
 */
export function withoutTelnet(line: Uint8Array): Uint8Array {
  let at = line.indexOf(IAC);
  if (at < 0) return line;
  const text: number[] = [...line.subarray(0, at)];
  while (at < line.length) {
    const [byte, command = 0] = line.subarray(at, at + 2);
    if (byte !== IAC) text.push(line[at++]!);
    else if (command === SB) at = endOfNegotiation(line, at);
    else at += command >= WILL && command <= DONT ? 3 : 2;
  }
  return new Uint8Array(text);
}

/** Where it goes on after a negotiation that begins here. */
function endOfNegotiation(line: Uint8Array, from: number): number {
  for (let at = from + 2; at < line.length; at++) {
    if (line[at] === IAC && line[at + 1] === SE) return at + 2;
  }
  return line.length;
}
