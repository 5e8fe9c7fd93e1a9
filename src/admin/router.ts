import { quote } from "../base/text.ts";
import { HttpError } from "./responses.ts";
import { type Route, ROUTES } from "./routes.ts";

/** Longest number in an id: beyond it, whole numbers are no longer exact. */
const ID = /^\d{1,15}\.\d{1,15}$/;

/**
 * The route of a request, and what stands for `{id}` in its path. A HEAD is a GET without the body.
 *
 * @throws {HttpError} If there is no such path, or it does not have this method.
 */
export function routeOf(method: string, path: string): { route: Route; id: string } {
  const [, folder, id] = /^(\/[a-z]+)\/([^/]+)$/.exec(path) ?? [];
  const hasId = folder !== undefined && id !== undefined;
  const pattern = hasId ? `${folder}/{id}` : path;
  const routes = ROUTES.filter((route) => route.path === pattern);
  if (routes.length === 0) {
    throw new HttpError(404, `there is no ${quote(path)}; see /openapi.json`);
  }
  const wanted = method === "HEAD" ? "GET" : method;
  const route = routes.find((route) => route.method === wanted);
  if (!route) {
    const allow = routes.flatMap(({ method }) => method === "GET" ? ["GET", "HEAD"] : [method]);
    throw new HttpError(405, `${path} does not have the method ${JSON.stringify(method)}`, {
      headers: { allow: allow.join(", ") },
    });
  }
  if (hasId && !ID.test(id)) {
    throw new HttpError(404, `${quote(id)} is no id; must be two numbers, such as 1.2`);
  }
  return { route, id: id ?? "" };
}
