// One of several threads.
import { type Orders, serveAsOne } from "./one_of_several.ts";

serveAsOne(globalThis as unknown as Orders);
