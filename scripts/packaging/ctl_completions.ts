import { choicesOf, type Help, type Term } from "./interface.ts";

/** What the running program is asked for, by the word that stands for it in a usage. */
const KINDS = { DEST: "destinations", SESSION: "sessions", LISTENER: "listeners" } as const;

/** Stands for all of a kind, where a command takes several. */
const ALL: Readonly<Record<string, string>> = { destinations: "all" };

/** Flags whose values are of such a kind. */
const VALUE_KINDS = { "--listener": "listeners", "--destination": "destinations" } as const;

/** What completion knows of a command such as those of `ctl`. */
interface Known {
  readonly name: string;
  readonly help: string;
  /** What its operands are: a kind of which the running program is asked, or words. */
  readonly kind: string | undefined;
  readonly choices: readonly string[];
  /** Whether it takes several of them. */
  readonly many: boolean;
  /** Whether options of a destination follow. */
  readonly optioned: boolean;
  readonly flags: readonly string[];
}

/** What a help text says of commands that come after an address, which may be left out. */
export interface Commands {
  readonly all: readonly Known[];
  /** Flags whose next word is their value. */
  readonly valued: readonly string[];
  /** Options of a destination as they are typed; those that want a value end in an equals sign. */
  readonly options: readonly string[];
}

/** The commands of a help text; none if it lists none. */
export function commandsOf(help: Help): Commands | undefined {
  const terms = help.description.filter(({ text }) => text.startsWith("Commands:"))
    .flatMap(({ terms }) => terms);
  if (terms.length === 0) return undefined;
  const own = terms.flatMap(({ form }) => [...form.matchAll(/(--[\w-]+) [A-Z]/g)]);
  const general = help.flags.filter(({ form }) => form !== undefined).map(({ name }) => name);
  return {
    all: terms.map(knownOf),
    valued: [...new Set([...general, ...own.map(([, flag]) => flag!)])],
    options: help.description.flatMap(({ text }) => optionsOf(text)),
  };
}

/** The options in a paragraph such as `OPTION is workers=N|auto, tls[=true|false] or name=NAME, as …`. */
function optionsOf(text: string): string[] {
  const [, list = ""] = /\bOPTION is (.*?), as on\b/.exec(text) ?? [];
  return list.split(/, | or /).filter(Boolean).flatMap((form) => {
    const [, name = "", mark, values = ""] = /^([\w-]+)(\[?)=?([^\]]*)/.exec(form)!;
    const choices = values.split("|");
    const words = choices.every((word) => /^[a-z0-9]+$/.test(word)) ? choices : [""];
    return mark ? [name] : words.map((word) => `${name}=${word}`);
  });
}

function knownOf({ name, form, help }: Term): Known {
  // What stands for the value of a flag is no operand.
  const operands = form.replace(/--[\w-]+ \S+/g, "");
  const [, word] = /\b(DEST|SESSION|LISTENER)\b/.exec(operands) ?? [];
  const [, choice = ""] = /^\[([a-z|]+)\]$/.exec(operands.trim()) ?? [];
  return {
    ...{ name, help, kind: word && KINDS[word as keyof typeof KINDS] },
    choices: choice.includes("|") ? choicesOf({ name, help, form: choice }) : [],
    many: form.includes("..."),
    optioned: /(^| )OPTION\b/.test(form),
    flags: [...form.matchAll(/--[\w-]+/g)].map(([flag]) => flag),
  };
}

interface Offer extends Pick<Known, "many" | "optioned"> {
  /** Of the commands. */
  readonly names: string[];
  readonly kind: string;
  /** What stands for all of the kind. */
  readonly every: string | undefined;
}

/** Commands by what is offered behind them. */
function byOffer({ all }: Commands): Offer[] {
  const groups = new Map<string, Offer>();
  for (const { name, kind, many, optioned } of all) {
    if (kind === undefined) continue;
    const key = `${kind} ${many} ${optioned}`;
    const every = many ? ALL[kind] : undefined;
    if (!groups.has(key)) groups.set(key, { names: [], kind, many, optioned, every });
    groups.get(key)!.names.push(name);
  }
  return [...groups.values()];
}

function choices({ all }: Commands): Known[] {
  return all.filter(({ choices }) => choices.length > 0);
}

/** Functions for bash. */
export function bashCommands(commands: Commands): string {
  const names = commands.all.map(({ name }) => name);
  const flags = commands.all.filter(({ flags }) => flags.length > 0)
    .map(({ name, flags }) => `    ${name}) words+=" ${flags.join(" ")}" ;;`);
  const offers = byOffer(commands).map(({ names, kind, many, optioned, every }) => {
    const first = many ? "" : "((${#operands[@]} == 1)) && ";
    const ask = `_iawlb_names ${[kind, ...every ? [every] : []].join(" ")}`;
    const options = `
      ((\${#operands[@]} > 1)) && options=(${commands.options.join(" ")})
      ${ask} "\${options[@]}"
      ;;`;
    return `    ${names.join(" | ")}) ${optioned ? options : `${first}${ask} ;;`}`;
  });
  const words = choices(commands).map(({ name, choices }) => {
    return `    ${name}) ((\${#operands[@]} == 1)) && words="${choices.join(" ")}" ;;`;
  });
  const values = Object.entries(VALUE_KINDS).filter(([flag]) => commands.valued.includes(flag))
    .map(([flag, kind]) => `    ${flag}) _iawlb_names ${kind}; return ;;\n`);
  return `# The words of the line as they were typed, without what bash splits them at.
_iawlb_typed() {
  local line=\${COMP_LINE:0:COMP_POINT}
  read -ra typed <<<"$line"
  [[ $line == *[[:space:]] ]] && typed+=("")
}

# Offers what the running program has: destinations, listeners or sessions; and further words.
_iawlb_names() {
  local name cut= breaks=\${COMP_WORDBREAKS//[^:=@]/}
  # What stands before the last colon is there already, for bash.
  [[ -n $breaks ]] && cut=\${current%"\${current##*[$breaks]}"}
  while IFS= read -r name; do
    [[ -n $name && $name == "$current"* ]] && COMPREPLY+=("\${name#"$cut"}")
  done < <(
    "\${typed[0]}" ctl "\${address[@]}" "\${token[@]}" names "$1" 2>/dev/null
    printf '%s\\n' "\${@:2}"
  )
  # The value follows.
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}

_iawlb_ctl() {
  local -a typed=() operands=() address=() token=() options=()
  local current before i
  _iawlb_typed
  current=\${typed[-1]} before=\${typed[-2]}
  for ((i = 2; i < \${#typed[@]} - 1; i++)); do
    case \${typed[i]} in
    --token-file) token=("\${typed[i]}" "\${typed[++i]}") ;;
    ${commands.valued.filter((flag) => flag !== "--token-file").join(" | ") || "--"}) ((i++)) ;;
    -*) ;;
    *) operands+=("\${typed[i]}") ;;
    esac
  done
  # The address may be left out.
  case " ${names.join(" ")} " in
  *" \${operands[0]:-x} "*) ;;
  *) ((\${#operands[@]} > 0)) && address=("\${operands[0]}") operands=("\${operands[@]:1}") ;;
  esac
  case $before in
${values.join("")}    *) ;;
  esac
  if [[ $current == -* ]]; then
    case \${operands[0]:-} in
${flags.join("\n")}
    *) ;;
    esac
  elif ((\${#operands[@]} == 0)); then
    words="${names.join(" ")}"
  else
    words=
    case \${operands[0]} in
${[...offers, ...words].join("\n")}
    *) ;;
    esac
  fi
}
`;
}

/** Functions for zsh; the words begin with the name of the command. */
export function zshCommands(commands: Commands, quote: (text: string) => string): string {
  const names = commands.all.map(({ name }) => name);
  const offers = byOffer(commands).map(({ names, kind, many, optioned, every }) => {
    const first = many ? "" : "(( $#operands == 1 )) && ";
    const ask = `_iawlb_names ${[kind, ...every ? [every] : []].join(" ")}`;
    const options = `
      (( $#operands > 1 )) && options=(${commands.options.join(" ")})
      ${ask} $options
      ;;`;
    return `    ${names.join("|")}) ${optioned ? options : `${first}${ask} ;;`}`;
  });
  const words = choices(commands).map(({ name, choices }) => {
    return `    ${name}) (( $#operands == 1 )) && compadd -- ${choices.join(" ")} ;;`;
  });
  const flags = commands.all.filter(({ flags }) => flags.length > 0)
    .map(({ name, flags }) => `    ${name}) compadd -- ${flags.join(" ")} ;;`);
  const values = Object.entries(VALUE_KINDS).filter(([flag]) => commands.valued.includes(flag))
    .map(([flag, kind]) => `  ${flag}) _iawlb_names ${kind}; return ;;\n`);
  return `# Offers what the running program has: destinations, listeners or sessions; and further words.
_iawlb_names() {
  local kind=$1
  shift
  compadd -- \${(f)"$(_call_program names $program ctl \${(q)address} \${(q)token} names $kind 2>/dev/null)"}
  (( $# )) && compadd -- \${@:#*=}
  # The value follows.
  (( $# )) && compadd -S '' -- \${(M)@:#*=}
}

_iawlb_ctl() {
  local -a operands address token options
  local i
  for (( i = 2; i < CURRENT; i++ )); do
    case $words[i] in
    --token-file) token=($words[i] $words[i+1]); (( i++ )) ;;
    ${commands.valued.filter((flag) => flag !== "--token-file").join("|") || "--"}) (( i++ )) ;;
    -*) ;;
    *) operands+=($words[i]) ;;
    esac
  done
  # The address may be left out.
  if (( $#operands )) && [[ " ${names.join(" ")} " != *" $operands[1] "* ]]; then
    address=($operands[1])
    shift operands
  fi
  if (( $#operands == 0 )); then
    local -a terms=(${
    commands.all.map(({ name, help }) => `'${quote(`${name}:${help}`)}'`).join(" ")
  })
    _describe command terms
    return
  fi
  case $words[CURRENT-1] in
${values.join("")}  *) ;;
  esac
  if [[ $words[CURRENT] == -* ]]; then
    case $operands[1] in
${flags.join("\n")}
    *) ;;
    esac
    return
  fi
  case $operands[1] in
${[...offers, ...words].join("\n")}
  *) ;;
  esac
}
`;
}

/** Lines for fish. */
export function fishCommands(
  name: string,
  commands: Commands,
  quote: (text: string) => string,
): string[] {
  const names = commands.all.map((one) => one.name);
  const there = `__fish_seen_subcommand_from ${name}; and`;
  const offer = (condition: string, words: string, help = "") => {
    const meaning = help && ` -d ${quote(help)}`;
    return `complete -c iawlb -n '${there} ${condition}' -a ${words}${meaning}`;
  };
  return [
    `# The operands of ${name} before the cursor, without the address, which may be left out.
function __iawlb_operands
    set -l typed (commandline -opc)
    set -l operands
    set -l i 3
    while test $i -le (count $typed)
        switch $typed[$i]
            case ${commands.valued.join(" ")}
                set i (math $i + 1)
            case '-*'
            case '*'
                set -a operands $typed[$i]
        end
        set i (math $i + 1)
    end
    if set -q operands[1]; and not contains -- $operands[1] ${names.join(" ")}
        test (count $argv) -gt 0; and echo $operands[1]; and return
        set -e operands[1]
    end
    test (count $argv) -gt 0; and return
    string join \\n -- $operands
end

# Offers what the running program has: destinations, listeners or sessions.
function __iawlb_names
    set -l typed (commandline -opc)
    set -l token
    if set -l at (contains -i -- --token-file $typed)
        set token --token-file $typed[(math $at + 1)]
    end
    $typed[1] ${name} (__iawlb_operands address) $token names $argv[1] 2>/dev/null
end

# Whether the command is one of these, and this its first operand if there may be one only.
function __iawlb_at
    set -l operands (__iawlb_operands)
    set -q operands[1]; or return 1
    contains -- $operands[1] $argv[2..]; or return 1
    test $argv[1] = many; or test (count $operands) -eq 1
end`,
    ...commands.all.map((one) => {
      return offer("test (count (__iawlb_operands)) -eq 0", one.name, one.help);
    }),
    ...byOffer(commands).flatMap(({ names, kind, many, optioned, every }) => {
      const at = `__iawlb_at ${many ? "many" : "one"} ${names.join(" ")}`;
      const further = `${at}; and test (count (__iawlb_operands)) -gt 1`;
      return [
        offer(at, `'(__iawlb_names ${kind})'`),
        ...every ? [offer(at, every, `all ${kind}`)] : [],
        ...optioned ? [offer(further, `'${commands.options.join(" ")}'`)] : [],
      ];
    }),
    ...choices(commands).map(({ name, choices }) => {
      return offer(`__iawlb_at one ${name}`, `'${choices.join(" ")}'`);
    }),
    ...commands.all.flatMap(({ name, flags }) => {
      return flags.filter((flag) => !Object.hasOwn(VALUE_KINDS, flag)).map((flag) => {
        const value = commands.valued.includes(flag) ? " -r" : "";
        return `complete -c iawlb -n '${there} __iawlb_at many ${name}' -l ${
          flag.slice(2)
        }${value}`;
      });
    }),
    ...Object.entries(VALUE_KINDS).filter(([flag]) => commands.valued.includes(flag))
      .map(([flag, kind]) => {
        return `complete -c iawlb -n '__fish_seen_subcommand_from ${name}' -l ${
          flag.slice(2)
        } -x -a '(__iawlb_names ${kind})'`;
      }),
  ];
}
