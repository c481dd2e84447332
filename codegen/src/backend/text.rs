//! Lays out paragraphs, comments and tables for all backends.

/// Wraps a text at a width, paragraph by paragraph. Lists, tables and code keep their lines.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut in_code = false;
    let mut paragraph = String::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        let verbatim = in_code || fence || line.is_empty() || line.starts_with([' ', '|', '-', '#']) || numbered(line);
        if verbatim {
            flush(&mut paragraph, width, &mut lines);
            lines.push(line.trim_end().to_owned());
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line.trim());
        }
        in_code ^= fence;
    }
    flush(&mut paragraph, width, &mut lines);
    lines
}

fn numbered(line: &str) -> bool {
    line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok())
}

fn flush(paragraph: &mut String, width: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    for word in paragraph.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    paragraph.clear();
}

/// A text as lines that all start with a prefix, as those of a comment do.
pub fn prefixed(text: &str, prefix: &str, width: usize) -> String {
    let lines = wrap(text, width.saturating_sub(prefix.chars().count()));
    lines.iter().map(|line| format!("{prefix}{line}").trim_end().to_owned() + "\n").collect()
}

/// Replaces links into the reference by their words.
pub fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("](#") {
        let Some((label_at, (_, after))) = before.rfind('[').zip(link.split_once(')')) else {
            break;
        };
        plain += &before[..label_at];
        plain += &before[label_at + 1..];
        rest = after;
    }
    plain + rest
}

/// A Markdown table.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    let mut table = line(head.map(str::to_owned));
    table += &format!("|{}\n", " --- |".repeat(N));
    table.extend(rows.into_iter().map(line));
    table
}
