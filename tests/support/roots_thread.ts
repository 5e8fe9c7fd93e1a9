// A thread that reads the authorities of the system at a given time, and says how much that was.
import { systemRoots, trustNobodyElse } from "../../src/net/tls/roots.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<number>) => void;
  postMessage(length: number): void;
};
scope.onmessage = ({ data: time }) => {
  while (Date.now() < time);
  trustNobodyElse();
  scope.postMessage(systemRoots().length);
};
