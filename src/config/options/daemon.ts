import { afterRestart, file, flag, table } from "../option.ts";
import { group, user } from "../values/account.ts";
import { fileMode } from "../values/file_mode.ts";

/** Who the program is to the system, and how it goes into the background. */
export const DAEMON_ROWS = table({ scope: "program", group: "Process" }, {
  daemon: afterRestart(flag({
    help: "serves in the background: in a session of its own, in the folder /, with the standard " +
      "descriptors on /dev/null and, unless told otherwise, both logs in syslog; the command ends " +
      "with status 0 as soon as it serves, or says why it does not and ends as it did; relative " +
      "paths are those of where it was started",
  })),
  pidFile: afterRestart(file({
    words: ["none"],
    default: "",
    form: "none|FILE",
    help:
      "a file with the number of the process, which is locked as long as it runs and removed at " +
      "its end; one that a dead process has left is taken over, one that is locked, a symbolic link " +
      "or somebody else's is refused",
  })),
  replace: afterRestart(flag({
    help:
      "takes the place of the process whose number is in --pid-file: serves beside it, at the " +
      "same addresses, and only then tells it to drain; if it cannot, the other one goes on; where " +
      "there is none it starts as it always does; on Linux, for processes of the same user",
  })),
  user: afterRestart(user({
    help:
      "whom the program runs as, by name or number, which it becomes before anything is opened or " +
      "bound; needs root, and a binary or sources that the user can read; it has no " +
      "supplementary groups then, and may bind ports below 1024 where setpriv(1) is installed; none " +
      "= whoever starts it",
  })),
  group: afterRestart(group({
    help: "the group that the program runs as, with --user or alone; none = that of --user",
  })),
  umask: afterRestart(fileMode({
    word: "inherit",
    example: "0027",
    help: "which permissions files and sockets that the program makes do not have; inherit = as " +
      "whoever starts it has it",
  })),
});
