//! A small shell process that owns the server and the folder, and outlives us.
//!
//! It reads commands from a pipe that we hold. When we end in whatever way (return, panic, Ctrl-C,
//! `kill -9`) the pipe closes, and it stops the server and removes the folder. A signal handler in
//! our process could do that only for some of these ends.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};

use super::owner::Owner;

/// What the server is started by, such as valgrind with its options, separated by blanks.
const STARTER: &str = "ADVISOR_SERVER_STARTER";

/// Arguments: folder, server program, what it is started by. The server is stopped by SIGQUIT, which skips the final
/// checkpoint: the data are thrown away. A restart stops it properly.
/// Removing is tried again because an interrupted initdb may still be removing files itself.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
root=$1 program=$2 starter=$3 server=
stop() {
    if [ -n "$server" ]; then kill "-$1" "$server" 2>/dev/null; wait "$server"; server=; fi
}
while read -r command; do
    case $command in
        start) $starter "$program" -D "$root/data" >>"$root/log" 2>&1 </dev/null &
            server=$!
            echo "$server" ;;
        stop) stop INT; echo stopped ;;
    esac
done
stop QUIT
cd / && { rm -rf -- "$root" || { sleep 1; rm -rf -- "$root"; }; } 2>/dev/null
"#;

/// The process, and both ends of our talk with it.
#[derive(Debug)]
pub(super) struct Watchdog {
    process: Child,
    /// Closing it is the order to clean up.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Watchdog {
    pub(super) fn spawn(root: &Path, server: &Path, owner: &Owner) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SCRIPT, "mcp-advisor-watchdog"])
            .args([root, server])
            .arg(std::env::var_os(STARTER).unwrap_or_default())
            // Of a session that wants backtraces of the tests. In a backend each level of a statement
            // too deep for the stack would take one of all levels below, which takes minutes.
            .env_remove("RUST_BACKTRACE")
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal goes to the whole process group; this one must survive it.
            .process_group(0);
        let mut process = owner.run_as(&mut command).spawn().context("start the watchdog")?;
        let commands = process.stdin.take();
        let answers = process.stdout.take().context("the watchdog has no output")?;
        Ok(Self { process, commands, answers: BufReader::new(answers) })
    }

    /// Starts the server; its process id.
    pub(super) fn start_server(&mut self) -> Result<u32> {
        Ok(self.ask("start")?.parse()?)
    }

    /// Stops the server and waits for its end.
    pub(super) fn stop_server(&mut self) -> Result<()> {
        self.ask("stop").map(drop)
    }

    fn ask(&mut self, command: &str) -> Result<String> {
        let pipe = self.commands.as_mut().context("the watchdog is gone")?;
        writeln!(pipe, "{command}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.commands.take());
        // Nothing is left to do if it fails: the process was killed by somebody.
        drop(self.process.wait());
    }
}

/// Whether a process exists and is no zombie.
pub(super) fn is_running(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The second field is the name in parentheses, which may itself hold any character.
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
