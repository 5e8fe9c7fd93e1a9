import { fstatSync } from "node:fs";
import type { Socket } from "node:net";
import type { SocketAddress } from "./address.ts";
import {
  DescriptorInput,
  DescriptorOutput,
  type Input,
  openSocket,
  type Output,
  SocketInput,
} from "./descriptor_ends.ts";
import { NOWHERE } from "./pipe.ts";
import type { Stream } from "./stream.ts";

/** Standard input and output as one connection, and when that is closed. */
export interface StandardStream {
  readonly stream: Stream;
  /** Resolves when whoever has the stream has closed it. */
  readonly closed: Promise<void>;
}

/**
 * Standard input and output as the connection to one client, as inetd, xinetd and systemd hand it over:
 * a socket of TCP or of the file system, or pipes.
 *
 * Only a socket of TCP can be told that nothing more comes, and says who the client is, and before Deno
 * 2.8 not even that: others learn it when the process ends, and the client can be known only from the
 * environment.
 *
 * @param known Who the client is, where the socket does not tell.
 */
export function openStandardStream(known: SocketAddress = NOWHERE): StandardStream {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { stream: new Descriptors(known, resolve), closed: promise };
}

class Descriptors implements Stream {
  readonly localAddress: SocketAddress;
  readonly remoteAddress: SocketAddress;
  readonly #input: Input;
  readonly #output: Output;
  /** The connection, if it is one of TCP. */
  readonly #socket: Socket | undefined;
  readonly #onClose: () => void;

  constructor(known: SocketAddress, onClose: () => void) {
    this.#onClose = onClose;
    const input = openSocket();
    const remote = endOf(input?.remoteAddress, input?.remotePort);
    // Whoever hands over a connection of TCP as standard input means it as standard output, too.
    this.#socket = remote && input;
    this.remoteAddress = remote ?? known;
    this.localAddress = endOf(input?.localAddress, input?.localPort) ?? NOWHERE;
    this.#input = input ? new SocketInput(input) : new DescriptorInput();
    this.#output = new DescriptorOutput(this.#socket);
  }

  read(buffer: Uint8Array): Promise<number> {
    return this.#input.read(buffer);
  }

  async write(bytes: Uint8Array): Promise<number> {
    try {
      return await this.#output.write(bytes);
    } catch (error) {
      // Whoever writes to a pipe of its own may do so for ever, though nobody reads any more.
      if (!areOneFile()) this.#input.end();
      throw error;
    }
  }

  /** Where that cannot be told the session has to end for it, so that nothing more is read. */
  async closeWrite(): Promise<void> {
    if (!await this.#output.finish()) this.#input.end();
  }

  close(): void {
    this.#input.close();
    this.#output.close();
    this.#onClose();
  }

  sendPromptly(): void {
    this.#socket?.setNoDelay(true);
  }

  tuneForLongLife({ keepAlive }: { keepAlive: boolean }): void {
    this.sendPromptly();
    if (keepAlive) this.#socket?.setKeepAlive(true);
  }
}

/** Whether standard input and output are the same, as far as it can be seen. */
function areOneFile(): boolean {
  try {
    const [input, output] = [fstatSync(0), fstatSync(1)];
    return input.dev === output.dev && input.ino === output.ino;
  } catch {
    return true;
  }
}

function endOf(hostname: string | undefined, port: number | undefined): SocketAddress | undefined {
  if (hostname === undefined || port === undefined) return undefined;
  return { transport: "tcp", hostname, port };
}
