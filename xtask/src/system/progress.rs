//! Shows the progress of a long step on standard error: a live line on a terminal; elsewhere a line when the step
//! turns out to take long, one every minute, and one at its end. A quick step shows nothing.

use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A step shorter than this is not mentioned.
const QUICK: Duration = Duration::from_millis(500);
/// How often a step without a terminal says that it still works.
const REMINDER: Duration = Duration::from_secs(60);

/// The live lines of all steps, which may run side by side.
static LINES: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Prints something while the live lines make way for it.
pub fn aside(print: impl FnOnce()) {
    LINES.suspend(print);
}

/// The display of one step.
#[derive(Debug)]
pub struct Progress {
    label: String,
    started: Instant,
    display: Display,
}

#[derive(Debug)]
enum Display {
    /// On a terminal: the line, once the step has begun to take long.
    Live(Option<ProgressBar>),
    /// Elsewhere: when it was last mentioned.
    Plain(Option<Instant>),
    #[cfg(test)]
    Hidden,
}

impl Progress {
    /// Begins a step whose work calls [`Progress::tick`]; the label is what it does, as "build lua.wasm".
    pub fn start(label: impl Into<String>) -> Self {
        let display = if std::io::stderr().is_terminal() { Display::Live(None) } else { Display::Plain(None) };
        Self { label: label.into(), started: Instant::now(), display }
    }

    /// Begins a step that does not come to call [`Progress::tick`], and mentions it at once.
    pub fn start_mentioned(label: impl Into<String>) -> Self {
        let mut progress = Self::start(label);
        progress.mention();
        progress
    }

    /// A step that shows nothing.
    #[cfg(test)]
    pub fn hidden(label: &str) -> Self {
        Self { label: label.to_owned(), started: Instant::now(), display: Display::Hidden }
    }

    /// What the step does.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Takes a line that the step's program printed.
    pub fn line(&mut self, line: &str) {
        self.tick();
        if let Display::Live(Some(bar)) = &self.display {
            bar.set_message(line.trim().to_owned());
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self) {
        let due = match &self.display {
            Display::Live(None) | Display::Plain(None) => self.started.elapsed() > QUICK,
            Display::Plain(Some(last)) => last.elapsed() > REMINDER,
            _ => false,
        };
        if due {
            self.mention();
        }
    }

    fn mention(&mut self) {
        match &mut self.display {
            Display::Live(bar) => *bar = Some(live(&self.label, self.started)),
            Display::Plain(last) => {
                match last {
                    None => eprintln!("{} ...", self.label),
                    Some(_) => eprintln!("{} ... {} s so far", self.label, self.started.elapsed().as_secs()),
                }
                *last = Some(Instant::now());
            }
            #[cfg(test)]
            Display::Hidden => {}
        }
    }

    /// Ends the step well.
    pub fn done(mut self) {
        if self.end() {
            eprintln!("{}: done in {:.1} s", self.label, self.started.elapsed().as_secs_f64());
        }
    }

    /// Removes the live line. Returns whether the step was mentioned.
    fn end(&mut self) -> bool {
        match &mut self.display {
            Display::Live(bar) => bar.take().map(|bar| bar.finish_and_clear()).is_some(),
            Display::Plain(last) => last.is_some(),
            #[cfg(test)]
            Display::Hidden => false,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn live(label: &str, started: Instant) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_elapsed(started.elapsed()).with_prefix(label.to_owned());
    let bar = LINES.add(bar);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg:.dim}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
