//! Compares two releases of a source file: which lines are the same, what changed at a place, and where a text has
//! gone to.

use std::ops::Range;

/// Lines shown around what changed.
const CONTEXT: usize = 3;
/// Most lines that a difference shows.
const SHOWN: usize = 40;
/// How much more alike a text has to be than one that is at the expected place, or begins with the same line.
const BONUS: f64 = 0.1;

/// Which lines of an old text are which of a new one: the pairs of their longest common part, in ascending order.
/// Lines of a word or a brace count little, so that they do not tie unrelated places.
#[derive(Debug)]
pub struct Alignment {
    pairs: Vec<(usize, usize)>,
    lines: (usize, usize),
}

impl Alignment {
    /// Aligns two texts, given as lines.
    pub fn new(old: &[&str], new: &[&str]) -> Self {
        let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(|(a, b)| a == b).count();
        let (rows, columns) = (old.len() - start - end, new.len() - start - end);
        let (changed, other) = (&old[start..start + rows], &new[start..start + columns]);

        // best[i][j]: the weight of the common part of what is behind line i of one and j of the other.
        let width = columns + 1;
        let mut best = vec![0u32; (rows + 1) * width];
        for i in (0..rows).rev() {
            for j in (0..columns).rev() {
                let without = best[(i + 1) * width + j].max(best[i * width + j + 1]);
                let with = if changed[i] == other[j] { best[(i + 1) * width + j + 1] + weight(changed[i]) } else { 0 };
                best[i * width + j] = without.max(with);
            }
        }
        let mut pairs: Vec<_> = (0..start).map(|n| (n, n)).collect();
        let (mut i, mut j) = (0, 0);
        while i < rows && j < columns {
            let here = best[i * width + j];
            if changed[i] == other[j] && here == best[(i + 1) * width + j + 1] + weight(changed[i]) {
                pairs.push((start + i, start + j));
                (i, j) = (i + 1, j + 1);
            } else if here == best[(i + 1) * width + j] {
                i += 1;
            } else {
                j += 1;
            }
        }
        pairs.extend((0..end).map(|n| (start + rows + n, start + columns + n)));
        Self { pairs, lines: (old.len(), new.len()) }
    }

    /// The lines of the new text that stand where a range of lines of the old one stood.
    pub fn place(&self, old: &Range<usize>) -> Range<usize> {
        let before = self.pairs.iter().rev().find(|(line, _)| *line < old.start);
        let behind = self.pairs.iter().find(|(line, _)| *line >= old.end);
        before.map_or(0, |(_, line)| line + 1)..behind.map_or(self.lines.1, |(_, line)| *line)
    }

    /// Shows what changed at some lines of the old text and around them, as `diff -u` marks it. Returns the first line
    /// of both texts, from 1, and the marked lines.
    pub fn difference(&self, old: &[&str], new: &[&str], at: &Range<usize>) -> (usize, usize, Vec<String>) {
        let around = at.start.saturating_sub(CONTEXT)..(at.end + CONTEXT).min(old.len());
        let there = self.place(&around);
        let (mut i, mut j, mut lines) = (around.start, there.start, Vec::new());
        let inside = |(a, b): &&(usize, usize)| around.contains(a) && there.contains(b);
        let last = (around.end, there.end);
        for &(a, b) in self.pairs.iter().filter(inside).chain([&last]) {
            lines.extend(old[i..a].iter().map(|line| format!("- {line}")));
            lines.extend(new[j..b].iter().map(|line| format!("+ {line}")));
            if (a, b) != last {
                lines.push(format!("  {}", old[a]));
            }
            (i, j) = (a + 1, b + 1);
        }
        if lines.len() > SHOWN {
            let more = lines.len() - SHOWN;
            lines.truncate(SHOWN);
            lines.push(format!("... {more} lines more"));
        }
        (around.start + 1, there.start + 1, lines)
    }
}

/// What a common line says about two texts having a common place.
fn weight(line: &str) -> u32 {
    match line.trim().len() {
        0..=5 => 1,
        _ => 8,
    }
}

/// Where a text is most alike another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// The lines, from 0.
    pub lines: Range<usize>,
    /// From 0 (nothing in common) to 1 (the same but for white space).
    pub alike: f64,
}

/// Finds the lines that are most alike a text, preferring those of `expected`.
pub fn nearest(wanted: &str, lines: &[&str], expected: &Range<usize>) -> Option<Nearest> {
    let mut need = vec![0i32; 1 << 16];
    let wanted_pairs = letter_pairs(wanted);
    for &pair in &wanted_pairs {
        need[usize::from(pair)] += 1;
    }
    let pairs: Vec<_> = lines.iter().map(|line| letter_pairs(line)).collect();
    let height = wanted.lines().count().max(1);
    let first = wanted.lines().next().unwrap_or_default().trim();
    let mut best: Option<(f64, Nearest)> = None;
    for height in [height, height + 1, height.saturating_sub(1)].into_iter().filter(|&height| height > 0) {
        for start in 0..=lines.len().saturating_sub(height) {
            let window = pairs[start..(start + height).min(lines.len())].iter().flatten();
            let (mut common, mut total) = (0, 0);
            for &pair in window.clone() {
                let left = &mut need[usize::from(pair)];
                common += usize::from(*left > 0);
                *left -= 1;
                total += 1;
            }
            window.for_each(|&pair| need[usize::from(pair)] += 1);
            let alike = 2.0 * common as f64 / (total + wanted_pairs.len()).max(1) as f64;
            let near = start < expected.end + CONTEXT && start + height + CONTEXT > expected.start;
            let begins = lines.get(start).is_some_and(|line| !first.is_empty() && line.trim() == first);
            let score = alike + if near { BONUS } else { 0.0 } + if begins { BONUS } else { 0.0 };
            if best.as_ref().is_none_or(|(other, _)| score > *other) {
                best = Some((score, Nearest { lines: start..(start + height).min(lines.len()), alike }));
            }
        }
    }
    best.map(|(_, nearest)| nearest)
}

/// The pairs of neighbouring letters in a text, without white space.
fn letter_pairs(text: &str) -> Vec<u16> {
    let letters: Vec<_> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    letters.windows(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "int first (void) {\n  return 1;\n}\n\nint second (int n) {\n  n++;\n  return n;\n}\n";
    const NEW: &str = "int zeroth (void) {\n  return 0;\n}\n\nint first (void) {\n  return 1;\n}\n\nint second (long n) {\n  n++;\n  check(n);\n  return n;\n}\n";

    fn lines(text: &str) -> Vec<&str> {
        text.lines().collect()
    }

    #[test]
    fn a_place_is_found_behind_what_was_added_before_it() {
        let alignment = Alignment::new(&lines(OLD), &lines(NEW));
        assert_eq!(alignment.place(&(1..2)), 5..6);
        assert_eq!(alignment.place(&(4..5)), 8..9);
    }

    #[test]
    fn a_difference_shows_what_changed_at_a_place_and_around_it() {
        let (old, new) = (lines(OLD), lines(NEW));
        let (from, to, shown) = Alignment::new(&old, &new).difference(&old, &new, &(4..5));
        assert_eq!((from, to), (2, 6));
        let expected = ["    return 1;", "  }", "  ", "- int second (int n) {", "+ int second (long n) {"];
        assert_eq!(shown[..5], expected);
        assert!(shown.contains(&"+   check(n);".to_owned()), "{shown:?}");
    }

    #[test]
    fn the_nearest_text_is_the_one_with_most_in_common() {
        let new = lines(NEW);
        let found = nearest("int second (int n) {\n", &new, &(0..0)).unwrap();
        assert_eq!(found.lines, 8..9);
        assert!(found.alike > 0.6 && found.alike < 1.0, "{found:?}");
        assert_eq!(nearest("  return 0 ;\n", &new, &(0..0)).unwrap(), Nearest { lines: 1..2, alike: 1.0 });
    }

    #[test]
    fn of_equal_texts_the_one_at_the_expected_place_is_taken() {
        let text = ["  i++;", "a", "b", "c", "d", "e", "f", "g", "  i++;"];
        assert_eq!(nearest("i++;", &text, &(8..9)).unwrap().lines, 8..9);
        assert_eq!(nearest("i++;", &text, &(0..1)).unwrap().lines, 0..1);
    }
}
