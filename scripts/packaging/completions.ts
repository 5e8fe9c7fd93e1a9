import { bashCommands, commandsOf, fishCommands, zshCommands } from "./ctl_completions.ts";
import {
  choicesOf,
  type Flag,
  type Help,
  type Interface,
  takesFile,
  type Term,
} from "./interface.ts";

/** Completions of the command line for each shell. */
export function completions(program: Interface): Record<"bash" | "zsh" | "fish", string> {
  return { bash: bash(program), zsh: zsh(program), fish: fish(program) };
}

/** The words that the first operand may be: services of `iawlb serve`. */
function wordsOf(help: Help): readonly Term[] {
  return help.description.filter(({ text }) => text.startsWith("Services:"))
    .flatMap(({ terms }) => terms);
}

/** The command whose operands are commands of its own, if there is one. */
function commanded({ commands }: Interface) {
  return Object.entries(commands).flatMap(([name, help]) => {
    const known = commandsOf(help);
    return known ? [{ name, known }] : [];
  });
}

/** Whether the first operand is the path of a file: `iawlb inetd [FILE]`. */
function beginsWithFile({ usage }: Help): boolean {
  return usage.some((line) => /^iawlb \w+ \[?FILE\b/.test(line));
}

function spellings(flags: readonly Flag[]): string[] {
  return flags.flatMap(({ name, short }) => short === undefined ? [name] : [short, name]);
}

/** Completes the first operand of a command as the path of a file. */
const BASH_FILE = `if ((COMP_CWORD == 2)) && [[ $cur != -* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
      fi`;

function bash(whole: Interface): string {
  const { program, commands } = whole;
  const names = Object.keys(commands);
  const own = Object.entries(commands).map(([name, help]) => {
    if (commandsOf(help)) {
      return `    ${name})
      ${bashValues(help.flags)}
      words="${spellings(help.flags).join(" ")}"
      _iawlb_ctl
      ((\${#COMPREPLY[@]} > 0)) && return
      ;;
`;
    }
    const terms = wordsOf(help);
    return `    ${name})
      ${bashValues(help.flags)}
      words="${spellings(help.flags).join(" ")}"
      [[ $cur != -* ]] && words=${beginsWithFile(help) ? `\n      ${BASH_FILE}` : ""}
      ((COMP_CWORD == 2)) && [[ $cur != -* ]] && words="${terms.map((one) => one.name).join(" ")}"
      ;;
`;
  });
  return `# bash completion for iawlb

${commanded(whole).map(({ known }) => `${bashCommands(known)}\n`).join("")}_iawlb() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} words=
  # --flag=value comes as three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  case \${COMP_WORDS[1]} in
${own.join("")}    *)
      ${bashValues(program.flags)}
      ((COMP_CWORD == 1)) && words="${names.join(" ")}"
      [[ $cur == -* ]] && words="${spellings(program.flags).join(" ")}"
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _iawlb iawlb
`;
}

/** Completes a value, if one is due. */
function bashValues(flags: readonly Flag[]): string {
  const valued = flags.filter(({ form }) => form !== undefined);
  const known = valued.filter((flag) => choicesOf(flag).length > 0 || takesFile(flag));
  const free = valued.filter((flag) => !known.includes(flag)).map(({ name }) => name);
  const cases = known.map((flag) => {
    const words = `compgen -W "${choicesOf(flag).join(" ")}" -- "$cur"`;
    const files = takesFile(flag) ? '; compgen -f -- "$cur"' : "";
    const option = files ? "compopt -o filenames 2>/dev/null; " : "";
    return `        ${flag.name}) ${option}mapfile -t COMPREPLY < <(${words}${files}); return ;;`;
  });
  if (free.length > 0) cases.push(`        ${free.join(" | ")}) return ;;`);
  // A case without patterns is no case.
  return cases.length === 0 ? ":" : `case $prev in\n${cases.join("\n")}\n      esac`;
}

function zsh(whole: Interface): string {
  const { program, commands } = whole;
  const own = Object.entries(commands).map(([name, help]) => {
    const terms = wordsOf(help);
    const operands = commandsOf(help)
      ? ["'*: :_iawlb_ctl'"]
      : terms.length > 0
      ? [`'1:word:((${terms.map(zshTerm).join(" ")}))'`, "'*: : '"]
      : [`'1:${beginsWithFile(help) ? "file:_files" : "address: "}'`, "'*: : '"];
    return `    ${name})
      shift words
      ((CURRENT--))
      _arguments -s ${[...help.flags.flatMap(zshFlag), ...operands].join(" \\\n        ")}
      return
      ;;
`;
  });
  const names = Object.entries(commands).map(([name, { title }]) => {
    return zshTerm({ name, help: title });
  });
  const first = names.length === 0 ? "'1: : '" : `'1: :((${names.join(" ")}))'`;
  const listed = commanded(whole).map(({ known }) => `${zshCommands(known, zshQuote)}\n`);
  return `#compdef iawlb

${listed.join("")}_iawlb() {
  local curcontext=$curcontext program=$words[1]
  ((CURRENT > 2)) && case $words[2] in
${own.join("") || "    *) ;;\n"}  esac
  _arguments -s ${program.flags.flatMap(zshFlag).join(" \\\n    ")} \\
    ${first} '*: : '
}

# Loaded as a function by compinit it does its work; sourced it only registers it.
if [[ $funcstack[1] == _iawlb ]]; then
  _iawlb "$@"
else
  compdef _iawlb iawlb
fi
`;
}

/** A word and its meaning as a shell reads them, which is what the list is evaluated by. */
function zshTerm({ name, help }: { name: string; help: string }): string {
  return zshQuote(`${name}\\:${help.replace(/[^\w,./-]/g, "\\$&")}`);
}

/** The specifications of a flag; `=` stands for a value in the same or the next word. */
function zshFlag(flag: Flag): string[] {
  const { name, short, form } = flag;
  const text = zshQuote(brief(flag).replace(/[[\]\\]/g, "\\$&"));
  if (form === undefined) {
    return [short, name].filter((one) => one !== undefined).map((one) => `'${one}[${text}]'`);
  }
  const choices = choicesOf(flag).join(" ");
  let action = choices ? `(${choices})` : " ";
  if (takesFile(flag)) action = `{${choices && `compadd ${choices}; `}_files}`;
  return [`'*${name}=[${text}]:value:${action}'`];
}

function zshQuote(text: string): string {
  return text.replaceAll("'", `'\\''`);
}

function fish(whole: Interface): string {
  const { program, commands } = whole;
  const names = Object.keys(commands);
  const all = `__fish_seen_subcommand_from ${names.join(" ")}`;
  const without = names.length === 0 ? "" : ` -n 'not ${all}'`;
  const lines = ["# fish completion for iawlb", "complete -c iawlb -f"];
  for (const [name, { title }] of Object.entries(commands)) {
    lines.push(`complete -c iawlb -n __fish_use_subcommand -a ${name} -d ${fishQuote(title)}`);
  }
  lines.push(...program.flags.map((flag) => fishFlag(flag, without)));
  for (const [name, help] of Object.entries(commands)) {
    const within = ` -n '__fish_seen_subcommand_from ${name}'`;
    const terms = wordsOf(help);
    const there =
      ` -n '__fish_seen_subcommand_from ${name}; and test (count (commandline -poc)) -eq 2'`;
    if (beginsWithFile(help)) lines.push(`complete -c iawlb${there} -F`);
    lines.push(
      ...terms.map((one) => `complete -c iawlb${there} -a ${one.name} -d ${fishQuote(one.help)}`),
    );
    lines.push(...help.flags.map((flag) => fishFlag(flag, within)));
  }
  lines.push(
    ...commanded(whole).flatMap(({ name, known }) => fishCommands(name, known, fishQuote)),
  );
  return lines.join("\n") + "\n";
}

function fishFlag(flag: Flag, condition: string): string {
  const { name, short, form } = flag;
  const letter = short === undefined ? "" : ` -s ${short.slice(1)}`;
  const choices = choicesOf(flag).join(" ");
  let value = form === undefined ? "" : takesFile(flag) ? " -r -F" : " -x";
  if (choices) value += ` -a '${choices}'`;
  const text = brief(flag);
  const meaning = text && ` -d ${fishQuote(text)}`;
  return `complete -c iawlb${condition}${letter} -l ${name.slice(2)}${value}${meaning}`;
}

function fishQuote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

/** As much of the meaning as fits beside the flag. */
function brief({ help }: Flag): string {
  const [first = ""] = help.split(/[;:] |, which |, and further/);
  return first.length <= 75 ? first : `${first.slice(0, first.lastIndexOf(" ", 72))} ...`;
}
