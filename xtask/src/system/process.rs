//! Runs other programs: shows progress while they work, and keeps their whole output for when they fail.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::system::progress::Progress;

/// How a program ended.
#[derive(Debug)]
pub struct Finished {
    /// Whether its exit code was 0.
    pub success: bool,
    /// What it printed, standard output and standard error as they came.
    pub output: String,
}

impl Finished {
    /// Removes the lines in which cargo reports its progress.
    pub fn without_progress(mut self) -> Self {
        let lines = self.output.lines().filter(|line| !is_cargo_progress(line));
        self.output = lines.map(|line| format!("{line}\n")).collect();
        self
    }

    /// Turns failure into an error that shows the output.
    pub fn expect_success(self, step: &str) -> Result<Self, Error> {
        if self.success { Ok(self) } else { Err(Error::Failed { step: step.to_owned(), output: self.output }) }
    }
}

/// Whether a line is one of cargo's own, as `   Compiling walrus v0.28.0`: a verb, right-aligned.
fn is_cargo_progress(line: &str) -> bool {
    let verb = line.trim_start();
    let indent = line.len() - verb.len();
    let verb = verb.split(' ').next().unwrap_or_default();
    // What runs is the heading of what it prints.
    verb != "Running" && (verb.ends_with("ing") || verb.ends_with("ed")) && indent > 0 && indent + verb.len() == 12
}

/// Runs a program to its end, without standard input, each line that it prints going to `progress`.
pub fn run(command: &mut Command, progress: &mut Progress) -> Result<Finished, Error> {
    run_within(command, progress, None)
}

/// As [`run`], but ends a program that works for longer than `limit`.
pub fn run_within(command: &mut Command, progress: &mut Progress, limit: Option<Duration>) -> Result<Finished, Error> {
    let program = command_program(command);
    let start = |source| Error::Start { program: program.clone(), source };
    let streams = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().map_err(start)?;
    let (sender, lines) = mpsc::channel();
    let readers = [
        child.stdout.take().map(|pipe| read_lines(pipe, sender.clone())),
        child.stderr.take().map(|pipe| read_lines(pipe, sender)),
    ];
    let (started, mut output) = (Instant::now(), String::new());
    loop {
        match lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => {
                progress.line(&line);
                output += &line;
                output.push('\n');
            }
            Err(RecvTimeoutError::Timeout) => progress.tick(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if let Some(limit) = limit.filter(|limit| started.elapsed() > *limit) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::TimedOut { step: progress.label().to_owned(), limit });
        }
    }
    for reader in readers.into_iter().flatten() {
        let _ = reader.join();
    }
    let status = child.wait().map_err(start)?;
    Ok(Finished { success: status.success(), output })
}

/// The program that a command starts, for messages.
fn command_program(command: &Command) -> PathBuf {
    Path::new(command.get_program()).to_owned()
}

/// Hands this process over to a program, whose streams, signals and exit code are then its own. Returns only if the
/// program cannot be started.
#[cfg(unix)]
pub fn become_program(command: &mut Command) -> Result<(), Error> {
    use std::os::unix::process::CommandExt;
    let source = command.exec();
    Err(Error::Start { program: command_program(command), source })
}

/// Runs a program in place of this one, and ends as it ends.
#[cfg(not(unix))]
pub fn become_program(command: &mut Command) -> Result<(), Error> {
    let status = command.status().map_err(|source| Error::Start { program: command_program(command), source })?;
    std::process::exit(status.code().unwrap_or(1))
}

fn read_lines(pipe: impl Read + Send + 'static, sender: mpsc::Sender<String>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if sender.send(line.trim_end_matches('\r').to_owned()).is_err() {
                break;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failed_build_only_what_was_found_is_shown() {
        let output = "  Downloaded libc v0.2.1\n   Compiling a v0.1.0\nerror: no such thing\n  --> src/a.rs:1:1\n    Finished x\n";
        let finished = Finished { success: false, output: output.to_owned() }.without_progress();
        assert_eq!(finished.output, "error: no such thing\n  --> src/a.rs:1:1\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_does_not_end_in_time_is_ended() {
        let mut progress = Progress::hidden("waiting");
        let error = run_within(Command::new("sleep").arg("60"), &mut progress, Some(Duration::from_millis(50)));
        assert!(matches!(error, Err(Error::TimedOut { .. })), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn both_streams_of_a_failing_program_are_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let finished = run(&mut command, &mut Progress::hidden("failing")).unwrap();
        assert!(!finished.success);
        assert!(finished.output.contains("out\n") && finished.output.contains("err\n"), "{finished:?}");
    }
}
