//! Numbers of Lua releases, and ranges of them. A *line* of Lua is the first two numbers of a release, as `5.4`.

use std::fmt;
use std::str::FromStr;

/// The number of a release, as `5.4.9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Release {
    /// The line that the release belongs to, as `5.4`.
    pub fn line(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// The line and the number within it without a point, as `545`: how versions of the package that carries the release
    /// begin.
    pub fn digits(self) -> String {
        format!("{}{}{}", self.major, self.minor, self.patch)
    }

    /// How far two releases are apart, to compare with other distances: first by line, then within it.
    pub fn distance(self, other: Self) -> (u32, u32, u32) {
        let Self { major, minor, patch } = self;
        (major.abs_diff(other.major), minor.abs_diff(other.minor), patch.abs_diff(other.patch))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match numbers(text)?[..] {
            [major, minor, patch] => Ok(Self { major, minor, patch }),
            _ => Err(format!("`{text}` is no release of Lua: those have three numbers, as 5.4.9")),
        }
    }
}

fn numbers(text: &str) -> Result<Vec<u32>, String> {
    let number = |part: &str| part.parse().map_err(|_| format!("`{text}` is no number of a Lua release"));
    text.split('.').map(number).collect()
}

/// The releases that something is for, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Releases {
    first: Release,
    last: Release,
}

const LOWEST: Release = Release { major: 0, minor: 0, patch: 0 };
const HIGHEST: Release = Release { major: u32::MAX, minor: u32::MAX, patch: u32::MAX };

impl Releases {
    /// Every release.
    pub const ALL: Self = Self { first: LOWEST, last: HIGHEST };

    /// Whether a release is one of these.
    pub fn contains(self, release: Release) -> bool {
        (self.first..=self.last).contains(&release)
    }

    /// Whether some release is in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (LOWEST, HIGHEST) => f.write_str("every release"),
            (first, last) if first == last => first.fmt(f),
            (Release { patch: 0, .. }, last) if self.first.line() == last.line() && last.patch == u32::MAX => {
                f.write_str(&last.line())
            }
            (LOWEST, last) if last.patch == u32::MAX => write!(f, ".. {}", last.line()),
            (first, HIGHEST) => write!(f, "{first} .."),
            (LOWEST, last) => write!(f, ".. {last}"),
            (first, last) => write!(f, "{first} .. {last}"),
        }
    }
}

impl FromStr for Releases {
    type Err = String;

    /// Reads `5.5` (a line), `5.4.6`, `5.4.4 .. 5.4.6`, `5.4.7 ..` or `.. 5.4`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let (first, last) = (first.trim(), last.trim());
        if first.is_empty() && last.is_empty() {
            return Err(format!("`{text}` names no release of Lua"));
        }
        let range = Self {
            first: if first.is_empty() { LOWEST } else { end(first, 0)? },
            last: if last.is_empty() { HIGHEST } else { end(last, u32::MAX)? },
        };
        match range.first <= range.last {
            true => Ok(range),
            false => Err(format!("`{text}` is a range that ends before it begins")),
        }
    }
}

/// One end of a range: a release, or the first or last one of a line, whose `patch` is given.
fn end(text: &str, patch: u32) -> Result<Release, String> {
    match numbers(text)?[..] {
        [major, minor] => Ok(Release { major, minor, patch }),
        [major, minor, patch] => Ok(Release { major, minor, patch }),
        _ => Err(format!("`{text}` is neither a line of Lua, as 5.5, nor a release, as 5.4.9")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases(range: &str) -> Vec<&str> {
        let range: Releases = range.parse().unwrap();
        let all = ["5.3.6", "5.4.4", "5.4.6", "5.4.10", "5.5.0", "5.5.1"];
        all.into_iter().filter(|release| range.contains(release.parse().unwrap())).collect()
    }

    #[test]
    fn a_range_has_both_of_its_ends() {
        assert_eq!(releases("5.5"), ["5.5.0", "5.5.1"]);
        assert_eq!(releases("5.4.6"), ["5.4.6"]);
        assert_eq!(releases("5.4.4 .. 5.4.6"), ["5.4.4", "5.4.6"]);
        assert_eq!(releases("5.4.6 .. 5.4"), ["5.4.6", "5.4.10"]);
        assert_eq!(releases("5.4.10 .."), ["5.4.10", "5.5.0", "5.5.1"]);
        assert_eq!(releases(".. 5.4"), ["5.3.6", "5.4.4", "5.4.6", "5.4.10"]);
    }

    #[test]
    fn a_range_is_shown_as_it_is_written() {
        for text in ["5.5", "5.4.6", "5.4.4 .. 5.4.6", "5.4.10 ..", ".. 5.4"] {
            assert_eq!(text.parse::<Releases>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "..", "five", "5", "5.4.9.1", "5.5 .. 5.4", ">=5.4"] {
            assert!(text.parse::<Releases>().is_err(), "{text}");
        }
    }
}
