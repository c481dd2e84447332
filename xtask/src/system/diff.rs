//! Shows a short difference between two texts: the lines between their common beginning and common end.

/// Most lines shown of either side.
const SHOWN: usize = 6;

/// Shows where `old` and `new` differ, at most [`SHOWN`] lines of each, as `diff -u` marks them.
pub fn short(old: &str, new: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = format!("  line {}:\n", start + 1);
    for (mark, lines) in [('-', &old[start..old.len() - end]), ('+', &new[start..new.len() - end])] {
        for line in lines.iter().take(SHOWN) {
            text += &format!("  {mark} {line}\n");
        }
        if lines.len() > SHOWN {
            text += &format!("  {mark} ... {} lines more\n", lines.len() - SHOWN);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown_and_where() {
        assert_eq!(short("a\nb\nc\n", "a\nx\ny\nc\n"), "  line 2:\n  - b\n  + x\n  + y\n");
    }

    #[test]
    fn a_missing_file_is_all_new() {
        assert_eq!(short("", "a\n"), "  line 1:\n  + a\n");
    }

    #[test]
    fn long_differences_are_cut_with_a_count() {
        let new: String = (0..10).map(|n| format!("{n}\n")).collect();
        assert!(short("", &new).ends_with("  + 5\n  + ... 4 lines more\n"));
    }
}
