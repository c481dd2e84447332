//! Caches what programs say about themselves, by the time of their files: asking a clang for its targets takes longer
//! than a whole build that is up to date.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::system::files;

/// Answers by question and program, kept in one small file.
#[derive(Debug)]
pub struct Cache {
    file: PathBuf,
    answers: BTreeMap<String, String>,
}

impl Cache {
    /// Reads what is remembered; a missing or unreadable file is an empty memory.
    pub fn open(file: PathBuf) -> Self {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let answers = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(key, answer)| (key.to_owned(), answer.to_owned()))
            .collect();
        Self { file, answers }
    }

    /// The answer to `question` about a program, asked anew only when the program's file has changed.
    pub fn ask(&mut self, question: &str, program: &Path, ask: impl FnOnce() -> String) -> String {
        let Some(key) = key(question, program) else {
            return ask();
        };
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let answer = ask().replace(['\n', '\t'], " ");
        self.answers.insert(key, answer.clone());
        let text: String = self.answers.iter().map(|(key, answer)| format!("{key}\t{answer}\n")).collect();
        // A memory that cannot be written is asked again next time; nothing is lost.
        let _ = files::replace(&self.file, text.as_bytes());
        answer
    }
}

fn key(question: &str, program: &Path) -> Option<String> {
    let facts = fs::metadata(program).ok()?;
    let changed = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    Some(format!("{question} {} {changed} {}", program.display(), facts.len()))
}
