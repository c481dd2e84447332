//! Writes Rust: what the guest's side of the boundary and the host's have in common.

use super::text::prefixed;
use crate::manifest::Constant;

/// Columns of generated Rust.
const WIDTH: usize = 100;

/// Writes a text as documentation.
pub fn doc(out: &mut String, indent: &str, text: &str) {
    out.push_str(&prefixed(text, &format!("{indent}/// "), WIDTH));
}

/// The value of a constant.
pub fn literal(constant: &Constant) -> String {
    integer_literal(constant.value, constant.hex)
}

/// An integer, in groups of digits if it is long.
pub fn integer_literal(value: i64, hex: bool) -> String {
    match (value, hex) {
        (value, true) => format!("0x{value:02X}"),
        (value, false) if value == i64::from(i32::MIN) => "i32::MIN".to_owned(),
        (value, false) if value.unsigned_abs() >= 10_000 => grouped(value),
        (value, false) => value.to_string(),
    }
}

fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::from(if value < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

/// `head(items)tail`, one item a line if it is long.
pub fn spread(head: &str, items: &[String], tail: &str) -> String {
    let line = format!("{head}({}){tail}", items.join(", "));
    if line.chars().count() <= WIDTH {
        return line;
    }
    let indent = &head[..head.len() - head.trim_start().len()];
    let lines: String = items.iter().map(|item| format!("{indent}    {item},\n")).collect();
    format!("{head}(\n{lines}{indent}){tail}")
}
