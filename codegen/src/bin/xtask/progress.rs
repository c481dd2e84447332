//! Progress of a step that may take long, on standard error: a live line on a terminal; elsewhere a
//! line when it begins to take long, one a minute, and one at its end. A quick step shows nothing.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A step shorter than this is not mentioned.
const QUICK: Duration = Duration::from_millis(700);
/// How often a step without a terminal says that it still works.
const REMINDER: Duration = Duration::from_secs(60);

/// The display of one step.
#[derive(Debug)]
pub struct Progress {
    label: String,
    started: Instant,
    display: Display,
}

#[derive(Debug)]
enum Display {
    Live(ProgressBar),
    Plain { mentioned: Option<Instant> },
    #[cfg(test)]
    Hidden,
}

impl Progress {
    /// Begins a step; the label is what it does, as "build lua.wasm".
    pub fn start(label: impl Into<String>) -> Self {
        let label = label.into();
        let display = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg:.dim}") {
                bar.set_style(style);
            }
            bar.set_prefix(label.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            Display::Live(bar)
        } else {
            Display::Plain { mentioned: None }
        };
        Self { label, started: Instant::now(), display }
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
        if let Display::Live(bar) = &self.display {
            bar.set_message(line.trim().to_owned());
        }
        self.tick();
    }

    /// Lets time pass.
    pub fn tick(&mut self) {
        let Display::Plain { mentioned } = &mut self.display else {
            return;
        };
        match mentioned {
            None if self.started.elapsed() > QUICK => eprintln!("{} ...", self.label),
            Some(last) if last.elapsed() > REMINDER => {
                eprintln!("{} ... {} s so far", self.label, self.started.elapsed().as_secs());
            }
            _ => return,
        }
        *mentioned = Some(Instant::now());
    }

    /// Ends the step well.
    pub fn done(self) {
        let elapsed = self.started.elapsed();
        let mention = match &self.display {
            Display::Live(bar) => {
                bar.finish_and_clear();
                elapsed > QUICK
            }
            Display::Plain { mentioned } => mentioned.is_some(),
            #[cfg(test)]
            Display::Hidden => false,
        };
        if mention {
            eprintln!("{}: done in {:.1} s", self.label, elapsed.as_secs_f64());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Display::Live(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}
