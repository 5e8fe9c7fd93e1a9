import type { ServiceName, ServiceSettings } from "../config/options/service.ts";
import { chargen } from "./chargen.ts";
import { chat } from "./chat.ts";
import { daytime, time } from "./clock.ts";
import { discard } from "./discard.ts";
import { echo } from "./echo.ts";
import { http } from "./http.ts";
import type { Service, ServiceContext } from "./service.ts";
import { syslog } from "./syslog.ts";

/** What a service is made of. */
export interface ServiceOptions {
  /** What it is called. */
  name(): string;
  /** Its settings now: others may come while it serves. */
  settings(): ServiceSettings;
  readonly context: ServiceContext;
}

/** A built-in service, which serves all that connect to it together. */
export function makeService(name: ServiceName, options: ServiceOptions): Service {
  return SERVICES[name](options);
}

const SERVICES: Readonly<Record<ServiceName, (options: ServiceOptions) => Service>> = {
  echo,
  discard,
  chargen,
  daytime: ({ context }) => daytime(context),
  time: ({ context }) => time(context),
  http,
  syslog: ({ settings, context }) => syslog(() => settings().filter, context),
  chat: ({ settings, context }) => chat(settings, context),
};
