//! Collects the changes between two ABIs, and shows them.

use std::fmt;

/// Whether callers can go on as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They can.
    Compatible,
    /// Some cannot: the version has to grow.
    Breaking,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it belongs, as `Exports`.
    pub section: &'static str,
    /// What has changed, as `compute`.
    pub subject: String,
    /// What it was and what it is.
    pub what: String,
    /// Whether callers can go on as before.
    pub verdict: Verdict,
    /// Why they can or cannot.
    pub why: String,
}

/// Everything that differs between two ABIs.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The changes, by sections.
    pub changes: Vec<Change>,
    /// What could not be compared, and other remarks.
    pub remarks: Vec<String>,
    /// The versions, if both say theirs.
    pub versions: Option<(u64, u64)>,
}

impl Report {
    /// The changes that break callers.
    pub fn breaking(&self) -> usize {
        self.changes.iter().filter(|change| change.verdict == Verdict::Breaking).count()
    }

    /// Whether the new ABI may be released: nothing breaks, or the version says that something does.
    pub fn is_accepted(&self) -> bool {
        match self.versions {
            Some((old, new)) if old > new => false,
            Some((old, new)) if old < new => true,
            _ => self.breaking() == 0,
        }
    }

    /// Adds a change.
    pub(super) fn add(
        &mut self,
        section: &'static str,
        subject: &str,
        what: impl Into<String>,
        verdict: Verdict,
        why: &str,
    ) {
        let (subject, what, why) = (subject.to_owned(), what.into(), why.to_owned());
        self.changes.push(Change { section, subject, what, verdict, why });
    }

    /// Adds a change that breaks callers.
    pub(super) fn breaks(&mut self, section: &'static str, subject: &str, what: impl Into<String>, why: &str) {
        self.add(section, subject, what, Verdict::Breaking, why);
    }

    /// Adds a change that breaks no caller.
    pub(super) fn allows(&mut self, section: &'static str, subject: &str, what: impl Into<String>, why: &str) {
        self.add(section, subject, what, Verdict::Compatible, why);
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Compatible => "compatible",
            Self::Breaking => "BREAKING",
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for change in &self.changes {
            if change.section != section {
                section = change.section;
                writeln!(f, "{section}")?;
            }
            writeln!(f, "  {:<10}  {}: {}", change.verdict, change.subject, change.what)?;
            writeln!(f, "              {}", change.why)?;
        }
        if !self.changes.is_empty() {
            writeln!(f)?;
        }
        for remark in &self.remarks {
            writeln!(f, "{remark}")?;
        }
        let breaking = self.breaking();
        let compatible = self.changes.len() - breaking;
        match (breaking, compatible) {
            (0, 0) => writeln!(f, "no change"),
            (0, _) => writeln!(f, "{compatible} compatible, none breaking"),
            _ => writeln!(f, "{compatible} compatible, {breaking} breaking"),
        }
    }
}
