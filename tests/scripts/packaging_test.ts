import {
  destinationOptionForm,
  destinationOptionNames,
} from "../../src/config/options/destination.ts";
import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { completions } from "../../scripts/packaging/completions.ts";
import {
  choicesOf,
  type Interface,
  parseHelp,
  readInterface,
} from "../../scripts/packaging/interface.ts";
import { manual } from "../../scripts/packaging/manual.ts";
import { helpText } from "../../src/cli/help.ts";
import { inetdHelp } from "../../src/cli/inetd.ts";
import { flagOf, optionNames, OPTIONS } from "../../src/config/options.ts";
import { unless } from "../support/unless.ts";

const CTL_HELP = `iawlb ctl: asks a running iawlb, or tells it what to do

Usage: iawlb ctl ADDR COMMAND [--json] [--token-file FILE]

ADDR is what --admin says.

OPTION is workers=N|auto, backup[=N], send-proxy=off|v1 or name=NAME, as on the
command line; after set also backup=false, which takes it away.

Commands:
  status
      what it is doing: listeners, destinations, counters
  add ADDRESS[,workers=N][,backup] [--listener NAME]
      a new destination, as on the command line
  drain DEST ... [--wait]
      DEST finishes its sessions and takes no new ones, it's "drained" \\ (100 %)
  config [LISTENER] [--given]
      what is in force
  end SESSION ...
      ends the session with that ID at once
  names [destinations|listeners|sessions]
      what there is
  set DEST ... OPTION [OPTION ...]
      changes options
  watch SESSION ... | [--listener NAME] [--destination DEST] [--client ADDRESS] [--hex]
      what sessions carry

Options:
  --json              prints the answer of the admin API
                      as it is
  --token-file FILE   the file with the token, if one is wanted

Exit status: 0 done; 1 failed; 2 bad usage.`;

const PROGRAM: Interface = {
  program: parseHelp(helpText()),
  commands: {
    inetd: parseHelp(inetdHelp()),
    ctl: parseHelp(CTL_HELP),
    top: parseHelp(CTL_HELP.replaceAll("ctl", "top").replace(/Commands:[^]*?\n\n/, "")),
  },
};

Deno.test("every option is read out of the help text, with its form and default", () => {
  const { flags, usage, exitStatus, signals } = PROGRAM.program;
  const names = flags.map(({ name }) => name);
  for (const name of optionNames()) assert(names.includes(flagOf(name)), name);
  const expected = [...helpText().matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) =>
    name!
  );
  assertEquals(names, expected);
  const level = flags.find(({ name }) => name === "--log-level")!;
  assertEquals(level.default, "info");
  assertEquals(choicesOf(level), ["debug", "info", "warning", "error"]);
  for (const { name, help, group } of flags) {
    const option = optionNames().find((one) => flagOf(one) === name);
    if (option) assertEquals([help, group], [OPTIONS[option].help, OPTIONS[option].group]);
  }
  assertEquals(flags.find(({ name }) => name === "--help")!.short, "-h");
  assertEquals(usage[0], "iawlb [OPTIONS] LISTEN DESTINATION [DESTINATION ...]");
  assertMatch(signals!, /^SIGTERM and SIGINT drain/);
  assertMatch(exitStatus!, /^0 finished/);
});

Deno.test("commands and flags in two columns are read out of a command's help text", () => {
  const { ctl } = PROGRAM.commands;
  const commands = ctl!.description.find(({ text }) => text === "Commands:")!.terms;
  assertEquals(commands.map(({ name }) => name), [
    ...["status", "add", "drain", "config", "end", "names", "set", "watch"],
  ]);
  assertEquals(
    commands.at(-1)!.form,
    "SESSION ... | [--listener NAME] [--destination DEST] [--client ADDRESS] [--hex]",
  );
  assertEquals(commands.at(-1)!.help, "what sessions carry");
  assertEquals(commands[1]!.form, "ADDRESS[,workers=N][,backup] [--listener NAME]");
  assertEquals(ctl!.flags, [
    {
      name: "--json",
      short: undefined,
      form: undefined,
      default: undefined,
      help: "prints the answer of the admin API as it is",
    },
    {
      name: "--token-file",
      short: undefined,
      form: "FILE",
      default: undefined,
      help: "the file with the token, if one is wanted",
    },
  ]);
});

Deno.test("a command without a help text of its own is left out", async () => {
  const { commands } = await readInterface((args) => {
    return Promise.resolve(args[0] === "ctl" ? CTL_HELP : helpText());
  });
  assertEquals(Object.keys(commands), ["ctl"]);
});

Deno.test("the manual has all sections, options, commands and end reasons, as plain roff", async (t) => {
  const page = manual(PROGRAM, { version: "1.2.3", date: new Date(0) });
  const sections = [...page.matchAll(/^\.SH (.*)$/gm)].map(([, name]) => name);
  assertEquals(sections, [
    ...["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", '"IAWLB INETD"'],
    ...[
      '"IAWLB CTL"',
      '"IAWLB TOP"',
      "SIGNALS",
      "EXIT STATUS",
      "END REASONS",
      "FILES",
      "EXAMPLES",
      "SEE ALSO",
    ],
  ]);
  for (const name of optionNames()) {
    assertStringIncludes(page, `\\fB${flagOf(name).replaceAll("-", "\\-")}\\fR`);
  }
  for (const form of destinationOptionNames().map(destinationOptionForm)) {
    assertStringIncludes(page, `.TP\n\\fB${form.replaceAll("-", "\\-")}\\fR\n`);
  }
  assertStringIncludes(page, ".SS Order of the queue\n.TP\n\\fB\\-\\-queue");
  assertStringIncludes(page, "\\fBdone\\fR\nboth sides finished sending");
  assertStringIncludes(page, '"drained" \\e (100 %)');
  assertStringIncludes(page, ".TP\n\\fB0\\fR\nfinished");
  assertStringIncludes(page, ".TP\n\\fBSIGTERM and SIGINT\\fR\ndrain");
  const path = await Deno.makeTempFile({ suffix: ".1" });
  await Deno.writeTextFile(path, page);
  for (const line of [["mandoc", "-Tlint", path], ["man", "--warnings", "-l", path]]) {
    await t.step({
      ...unless(`${line[0]} finds nothing wrong in it`, await missing(line[0]!)),
      fn: async () => {
        const { code, stdout, stderr } = await run(line, { LC_ALL: "C.UTF-8" });
        assertEquals({ code, stderr }, { code: 0, stderr: "" });
        if (line[0] === "mandoc") assertEquals(stdout, "");
      },
    });
  }
  await Deno.remove(path);
});

/** What a shell offers for a command line that ends where the cursor is. */
type Complete = (line: string) => Promise<string[]>;

const SHELLS: { name: "bash" | "fish" | "zsh"; complete: (file: string) => Complete }[] = [
  { name: "bash", complete: bashCompletes },
  { name: "fish", complete: fishCompletes },
  { name: "zsh", complete: zshCompletes },
];

for (const { name, complete } of SHELLS) {
  Deno.test({
    ...unless(`${name} completes flags, values, files and commands`, await missing(name)),
    fn: async () => {
      const directory = await Deno.makeTempDir();
      const file = `${directory}/_iawlb`;
      await Deno.writeTextFile(file, completions(PROGRAM)[name]);
      await Deno.writeTextFile(`${directory}/access.log`, "");
      const words = complete(file);
      assertEquals(await words("iawlb --log-f"), ["--log-format"]);
      assertEquals(await words("iawlb --log-level "), ["debug", "error", "info", "warning"]);
      assertEquals(await words("iawlb --overflow w"), ["wait"]);
      assertEquals(await words(`iawlb --access-log ${directory}/a`), [`${directory}/access.log`]);
      assertEquals(await words("iawlb --access-log of"), ["off"]);
      assertEquals(await words("iawlb --workers 4 8080 9001 --drain-t"), ["--drain-timeout"]);
      assertEquals(await words("iawlb c"), ["ctl"]);
      const commands = ["add", "config", "drain", "end", "names", "set", "status", "watch"];
      assertEquals(await words("iawlb ctl 9090 "), commands);
      assertEquals(await words("iawlb ctl "), commands);
      assertEquals(await words("iawlb ctl 9090 dr"), ["drain"]);
      assertEquals(await words("iawlb ctl --j"), ["--json"]);
      assertEquals(await words("iawlb --queue "), []);
      assertEquals(await words(`iawlb inetd ${directory}/a`), [`${directory}/access.log`]);
      assertEquals(await words("iawlb inetd --print"), ["--print-config"]);
      await Deno.remove(directory, { recursive: true });
    },
  });
}

/** What the fake program below has, by what it is asked for. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  destinations: ["db", "front/web-1", "10.0.0.1:9001", "10.0.0.1:9002"],
  listeners: ["back", "front"],
  sessions: ["1.7", "1.8"],
};

for (const { name, complete } of SHELLS) {
  Deno.test({
    ...unless(`${name} offers what the running program has`, await missing(name)),
    fn: async () => {
      const directory = await Deno.makeTempDir();
      const file = `${directory}/_iawlb`;
      await Deno.writeTextFile(file, completions(PROGRAM)[name]);
      const kinds = Object.entries(NAMES).map(([kind, names]) => {
        return `*"names ${kind}") printf '%s\\n' ${names.join(" ")} ;;`;
      });
      const log = `echo "$*" >>${directory}/asked`;
      const script = `#!/bin/sh\n${log}\ncase "$*" in\n${kinds.join("\n")}\nesac\n`;
      await Deno.writeTextFile(`${directory}/iawlb`, script, { mode: 0o755 });
      const words = complete(file);
      const asked = async () => {
        const lines = (await Deno.readTextFile(`${directory}/asked`)).trimEnd().split("\n");
        return lines.at(-1);
      };
      assertEquals(await words("iawlb ctl drain "), [...NAMES.destinations!, "all"].toSorted());
      assertEquals(await asked(), "ctl names destinations");
      assertEquals(await words("iawlb ctl 127.0.0.1:9090 drain d"), ["db"]);
      assertEquals(await asked(), "ctl 127.0.0.1:9090 names destinations");
      assertEquals(await words("iawlb ctl unix:/run/x.sock drain --wait db front/"), [
        "front/web-1",
      ]);
      assertEquals(await asked(), "ctl unix:/run/x.sock names destinations");
      const behindColon = await words("iawlb ctl drain 10.0.0.1:9");
      // Bash has what stands before the colon already.
      const whole = behindColon.map((one) => one.replace(/^9/, "10.0.0.1:9"));
      assertEquals(whole, ["10.0.0.1:9001", "10.0.0.1:9002"]);
      assertEquals(await words("iawlb ctl --token-file /t end "), NAMES.sessions);
      assertEquals(await asked(), "ctl --token-file /t names sessions");
      assertEquals(await words("iawlb ctl config "), NAMES.listeners);
      assertEquals(await words("iawlb ctl config front "), []);
      assertEquals(await words("iawlb ctl 9090 status "), []);
      assertEquals(await words("iawlb ctl names s"), ["sessions"]);
      assertEquals(await words("iawlb ctl set a"), ["all"]);
      assertEquals(await words("iawlb ctl set wor"), []);
      assertEquals(await words("iawlb ctl set db w"), ["workers="]);
      assertEquals(await words("iawlb ctl set db workers=4 b"), ["backup"]);
      const values = (await words("iawlb ctl set db send-proxy=")).map((one) => {
        return one.replace(/^(?!send)/, "send-proxy=");
      });
      assertEquals(values, ["send-proxy=off", "send-proxy=v1"]);
      assertEquals(await words("iawlb ctl watch --destination d"), ["db"]);
      assertEquals(await words("iawlb ctl watch --destination a"), []);
      assertEquals(await words("iawlb ctl 9090 watch --he"), ["--hex"]);
      assertEquals(await words("iawlb ctl drain --wai"), ["--wait"]);
      assertEquals(await words("iawlb ctl watch --client 10.0.0.7 1."), NAMES.sessions);
      await Deno.remove(directory, { recursive: true });
    },
  });
}

Deno.test({
  ...unless("bash completes a value behind an equals sign", await missing("bash")),
  fn: async () => {
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, completions(PROGRAM).bash);
    assertEquals(await bashCompletes(file)("iawlb --log-format=js"), ["json"]);
    assertEquals(await bashCompletes(file)("iawlb --log-format="), ["json", "text"]);
    await Deno.remove(file);
  },
});

const UNIT = new URL("../../packaging/iawlb.service", import.meta.url).pathname;
const SOCKET = UNIT.replace(".service", ".socket");

Deno.test({
  ...unless("systemd finds nothing wrong in the units", await missing("systemd-analyze")),
  fn: async () => {
    // The programs and the manual that they name are not installed here.
    const directory = await Deno.makeTempDir();
    const programs = /\/usr\/(bin\/iawlb|lib\/iawlb\/iawlb-reload)\b/g;
    const units = await Promise.all([UNIT, SOCKET].map(async (path) => {
      const unit = `${directory}/${path.replace(/.*\//, "")}`;
      const text = (await Deno.readTextFile(path)).replaceAll(programs, "/bin/true")
        .replace(/^Documentation=.*\n/m, "");
      await Deno.writeTextFile(unit, text);
      return unit;
    }));
    const { code, stdout, stderr } = await run(["systemd-analyze", "verify", ...units]);
    assertEquals({ code, output: stdout + stderr }, { code: 0, output: "" });
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test({
  ...unless(
    "the service is exposed by less than 2, says systemd",
    await missing("systemd-analyze"),
  ),
  fn: async () => {
    const line = ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT];
    const { stdout } = await run(line);
    const [, exposure] = /Overall exposure level for iawlb.service: ([\d.]+)/.exec(stdout) ?? [];
    assertLess(Number(exposure), 2);
  },
});

async function run(
  [command, ...args]: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(command!, { args, env }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function missing(command: string): Promise<Record<string, boolean>> {
  return { [`there is no ${command}`]: !await exists(command) };
}

async function exists(command: string): Promise<boolean> {
  return (await run(["sh", "-c", `command -v ${command}`])).code === 0;
}

/** Where programs are found: first beside the completions. */
function pathOf(file: string): Record<string, string> {
  return { PATH: `${file.replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}` };
}

function bashCompletes(file: string): Complete {
  // Bash splits at the equals sign before it asks.
  return async (line) => {
    const words = line.replace(/[=:]/g, " $& ").split(/ +/);
    if (/[=:]$/.test(line)) words.pop();
    const script =
      `source "$1"; COMP_LINE=$2; COMP_POINT=\${#2}; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _iawlb
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    return lines(
      await run(["bash", "--norc", "-c", script, "bash", file, line, ...words], pathOf(file)),
    );
  };
}

function fishCompletes(file: string): Complete {
  return async (line) => {
    const script = "source $argv[1]; complete -C $argv[2]";
    const env = { HOME: file.replace(/[^/]*$/, ""), ...pathOf(file) };
    const result = await run(["fish", "--no-config", "-c", script, file, line], env);
    return lines(result).map((one) => one.split("\t")[0]!).toSorted();
  };
}

/** Types a line into an interactive zsh and has it list what it would insert. */
function zshCompletes(file: string): Complete {
  return async (line) => {
    const script = `
      zmodload zsh/zpty
      zpty z zsh -f -i
      ask() { zpty -w z "$1"; }
      ask 'PS1=; unsetopt zle_bracketed_paste 2>/dev/null; fpath=('\${1:h}' $fpath); autoload -Uz compinit; compinit -u -D'
      # Everything that is offered goes through compadd: -O gives it without inserting it.
      ask 'compadd() { local -a all; if [[ " $* " == *" -O "* || " $* " == *" -A "* || " $* " == *" -D "* ]]; then builtin compadd "$@"; return; fi; builtin compadd -O all "$@"; local prefix; (( \${@[(I)-p]} )) && prefix=\${@[\${@[(I)-p]} + 1]}; print -rl -- "OFFER:$prefix"\${^all}":END"; builtin compadd "$@"; }'
      ask 'zle -C list list-choices _offer; _offer() { _main_complete; compstate[insert]=; print DONE; }; bindkey "^I" list; print READY'
      local text all=
      while zpty -r z text; do [[ $text == READY* ]] && break; done
      zpty -n -w z "$2"$'\\t'
      while zpty -r z text; do all+=$text; [[ $text == *DONE* ]] && break; done
      print -r -- "$all"
      zpty -d z`;
    const { stdout } = await run(["zsh", "-f", "-c", script, "zsh", file, line], pathOf(file));
    const offers = [...stdout.matchAll(/OFFER:(.*?):END/g)].map(([, word]) => word!);
    return [...new Set(offers)].toSorted();
  };
}

function lines({ stdout }: { stdout: string }): string[] {
  return stdout.split("\n").filter((line) => line !== "").toSorted();
}
