import type { ListenerTexts } from "./config.ts";
import type { PortableRecord } from "./log_record.ts";
import type { Books, Status } from "./report.ts";

/** What a thread is told. */
export type ToThread =
  | {
    readonly kind: "start";
    /** What the whole is configured by; the thread takes its share. */
    readonly texts: ListenerTexts;
    /** The port to listen on. */
    readonly port: number;
    readonly index: number;
    readonly number: number;
  }
  | { readonly kind: "drain" }
  | { readonly kind: "quit" }
  | { readonly kind: "status" };

/** What a thread tells. */
export type FromThread =
  | { readonly kind: "listening"; readonly address: string }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "log"; readonly record: PortableRecord }
  | { readonly kind: "access"; readonly lines: string }
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "drained"; readonly books: Books };
