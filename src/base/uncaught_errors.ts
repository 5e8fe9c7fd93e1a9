import type { Logger } from "@logtape/logtape";

/**
 * Keeps the process alive through errors that nobody caught, which are defects: they are logged,
 * and the sessions go on. Returns a function that ends this.
 */
export function reportUncaughtErrors(log: Logger): () => void {
  function onRejection(event: PromiseRejectionEvent): void {
    event.preventDefault();
    log.error("an error was not caught, which is a defect: {error}", { error: event.reason });
  }
  function onError(event: ErrorEvent): void {
    event.preventDefault();
    log.error("an error was not caught, which is a defect: {error}", { error: event.error });
  }
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return () => {
    globalThis.removeEventListener("unhandledrejection", onRejection);
    globalThis.removeEventListener("error", onError);
  };
}
