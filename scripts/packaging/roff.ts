/** Text as roff shows it: nothing in it is an instruction, and dashes can be copied. */
export function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti").replaceAll("`", "\\(ga").replaceAll("'", "\\(aq");
}

/** Sources with longer lines are bad style, says mandoc. */
const WIDTH = 78;

/** Text as lines of the source: flags in bold, one sentence or less to a line. */
export function prose(text: string): string {
  const marked = escape(text).replace(/(?<![\w\\])\\-\\-[a-z]+(?:\\-[a-z]+)*/g, "\\fB$&\\fR");
  return marked.split(/(?<=[^.][.]) (?=[A-Z])/).flatMap(wrap).join("\n");
}

function wrap(sentence: string): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(inert(word));
    }
  }
  return lines;
}

/** The beginning of a line that is not a request, whatever it looks like. */
function inert(text: string): string {
  return /^[.']/.test(text) ? `\\&${text}` : text;
}

/** A section with its heading. */
export function section(name: string, ...body: string[]): string {
  return [`.SH ${name}`, ...body.filter((part) => part !== "")].join("\n");
}

/** A term with what it means. */
export function tagged(term: string, meaning: string): string {
  return `.TP\n${term}\n${meaning || "\\&"}`;
}

/** Lines as they are, indented, in bold. */
export function example(...lines: string[]): string {
  const body = lines.map((text) => `\\fB${escape(text)}\\fR`).join("\n");
  return `.PP\n.RS\n.nf\n${body}\n.fi\n.RE`;
}

/** A synopsis: the program in bold, placeholders in italics. */
export function usage(text: string): string {
  return text.split(" ").map((word) => {
    const [, open = "", name = word, close = ""] = /^(\[?)(.*?)(\.*\]?)$/.exec(word) ?? [];
    const font = /^[A-Z]+$/.test(name) ? "I" : "B";
    return name ? `${open}\\f${font}${escape(name)}\\fR${close}` : escape(word);
  }).join(" ");
}
