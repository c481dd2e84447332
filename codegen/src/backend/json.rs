//! Writes JSON whose members keep their order.

use std::fmt::Write;

/// A JSON value.
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object, in order.
    Object(Vec<(&'static str, Json)>),
}

/// Characters of an object that is written in one line, about.
const SHORT: usize = 120;

impl Json {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// An array of whatever the items become.
    pub fn list<T>(items: impl IntoIterator<Item = T>, each: impl Fn(T) -> Self) -> Self {
        Self::List(items.into_iter().map(each).collect())
    }

    /// `null` for `None`.
    pub fn maybe<T>(item: Option<T>, each: impl Fn(T) -> Self) -> Self {
        item.map_or(Self::Null, each)
    }

    /// The text of the value, indented by two spaces, with a line feed at its end.
    pub fn render(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Flag(flag) => {
                let _ = write!(out, "{flag}");
            }
            Self::Number(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Text(text) => quote(out, text),
            Self::List(items) if items.iter().all(Self::is_plain) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    item.write(out, depth);
                }
                out.push(']');
            }
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    new_line(out, index, depth + 1);
                    item.write(out, depth + 1);
                }
                new_line(out, 0, depth);
                out.push(']');
            }
            Self::Object(members) if self.is_short() => {
                out.push_str("{ ");
                for (index, (name, value)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    quote(out, name);
                    out.push_str(": ");
                    value.write(out, depth);
                }
                out.push_str(" }");
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    new_line(out, index, depth + 1);
                    quote(out, name);
                    out.push_str(": ");
                    value.write(out, depth + 1);
                }
                new_line(out, 0, depth);
                out.push('}');
            }
        }
    }

    /// Whether an object is short enough for one line.
    fn is_short(&self) -> bool {
        let Self::Object(members) = self else { return false };
        let length = |value: &Self| match value {
            Self::Text(text) => Some(text.len()),
            Self::Object(_) if value.is_short() => Some(SHORT / 2),
            Self::Object(_) => None,
            Self::List(items) => items.iter().all(Self::is_plain).then_some(20 * items.len()),
            Self::Null | Self::Flag(_) | Self::Number(_) => Some(5),
        };
        let lengths: Option<Vec<_>> =
            members.iter().map(|(name, value)| Some(name.len() + length(value)? + 6)).collect();
        lengths.is_some_and(|lengths| lengths.iter().sum::<usize>() < SHORT)
    }

    fn is_plain(&self) -> bool {
        match self {
            Self::Null | Self::Flag(_) | Self::Number(_) => true,
            Self::Text(text) => text.len() < 24,
            Self::List(_) | Self::Object(_) => false,
        }
    }
}

fn new_line(out: &mut String, index: usize, depth: usize) {
    out.push_str(if index == 0 { "\n" } else { ",\n" });
    out.push_str(&"  ".repeat(depth));
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
