// A thread of the program that crashes when it is told to: nothing guards it.
import "../../src/threads/thread_main.ts";

const addEventListener = globalThis.addEventListener.bind(globalThis);
addEventListener("message", (event) => {
  if ((event as MessageEvent).data.kind === "crash") throw new Error("told to crash");
});
globalThis.addEventListener = (type: string, listener: EventListenerOrEventListenerObject) => {
  if (type !== "error") addEventListener(type, listener);
};
