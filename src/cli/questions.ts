import { FatalError } from "../base/errors.ts";
import { complain, put } from "../base/output.ts";

/** What is known of the answer to a question. */
export interface Question {
  /** What an empty line means; without it there has to be an answer. */
  readonly usual?: string;
  /** What is wrong with an answer, in a line. */
  problem(answer: string): Promise<string | undefined>;
}

/**
 * Asks at the terminal, again until the answer is fine.
 *
 * @param read Standard input, unless for tests.
 * @returns A function that asks a question.
 * @throws {FatalError} From that function, if there are no more answers.
 */
export function questions(
  read: (buffer: Uint8Array) => Promise<number | null> = (buffer) => Deno.stdin.read(buffer),
): (question: string, about: Question) => Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let rest = "";

  async function line(): Promise<string> {
    while (!rest.includes("\n")) {
      const number = await read(buffer);
      if (number === null) throw new FatalError("nothing is written: there are no more answers");
      rest += decoder.decode(buffer.subarray(0, number), { stream: true });
    }
    const [first = ""] = rest.split("\n", 1);
    rest = rest.slice(first.length + 1);
    return first.trim();
  }

  return async (question, { usual, problem }) => {
    for (;;) {
      put(`${question}${usual === undefined ? "" : ` [${usual}]`}: `);
      const answer = await line() || usual;
      if (answer === undefined) continue;
      const wrong = await problem(answer);
      if (wrong === undefined) return answer;
      complain(`  ${wrong}`);
    }
  };
}
