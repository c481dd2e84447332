//! The text that a store sees of a key of an external table.

use super::table::integer_of;
use super::{LuaString, Value};
use crate::ValueError;
use crate::generated::KEY_LIMIT;

/// The form of a key: `name`, `[5]`, `[1.5]`, `[true]`, `["\xFF"]`.
///
/// ```
/// use lua_persistent::{Value, key_form};
///
/// assert_eq!(key_form(&"name".into())?, "name");
/// assert_eq!(key_form(&Value::Integer(5))?, "[5]");
/// assert_eq!(key_form(&Value::Float(5.0))?, "[5]");
/// # Ok::<(), lua_persistent::ValueError>(())
/// ```
///
/// # Errors
///
/// If the value cannot be a key of an external table.
pub fn key_form(key: &Value) -> Result<String, ValueError> {
    match key {
        Value::Boolean(boolean) => Ok(format!("[{boolean}]")),
        Value::Integer(integer) => Ok(format!("[{integer}]")),
        Value::Float(float) if float.is_nan() => Err(ValueError::new("NaN cannot be a key")),
        Value::Float(float) => Ok(float_form(*float)),
        Value::String(string) if string.len() > KEY_LIMIT as usize => {
            Err(ValueError::new(format!("a key has at most {KEY_LIMIT} bytes, this one has {}", string.len())))
        }
        Value::String(string) => Ok(match string.to_str() {
            Ok(text) if is_ordinary(text) => text.to_owned(),
            _ => quote(string),
        }),
        other => Err(ValueError::new(format!("a {} cannot be a key of an external table", other.type_name()))),
    }
}

/// The key that has a form.
///
/// # Errors
///
/// If no key has it. `[meta]`, under which a table's metatable is stored, is the form of no key, either.
pub fn key_of_form(form: &str) -> Result<Value, ValueError> {
    let key = read(form).filter(|key| key_form(key).as_deref() == Ok(form));
    key.ok_or_else(|| ValueError::new(format!("{form:?} is the form of no key")))
}

fn is_ordinary(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(['[', '\u{feff}']) && !text.contains(['\n', '\r', '\0'])
}

fn quote(bytes: &[u8]) -> String {
    let mut form = String::from("[\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => form.push_str("\\\\"),
                '\n' | '\r' | '\0' => form.push_str(&format!("\\x{:02X}", character as u32)),
                other => form.push(other),
            }
        }
        for byte in chunk.invalid() {
            form.push_str(&format!("\\x{byte:02X}"));
        }
    }
    form + "\"]"
}

fn float_form(float: f64) -> String {
    if let Some(integer) = integer_of(float) {
        return format!("[{integer}]");
    }
    let sign = if float < 0.0 { "-" } else { "" };
    let magnitude = float.abs();
    if magnitude.is_infinite() {
        return format!("[{sign}inf]");
    }
    // Fifteen digits always survive, and seventeen always suffice.
    let form = (15..17).map(|count| digits_form(magnitude, count)).find(|form| form.parse() == Ok(magnitude));
    format!("[{sign}{}]", form.unwrap_or_else(|| digits_form(magnitude, 17)))
}

/// A number with so many significant digits, plain where it is neither large nor small.
fn digits_form(magnitude: f64, count: usize) -> String {
    let (digits, power) = rounded(magnitude, count);
    let digits = digits.trim_end_matches('0');
    match power {
        -5..0 => format!("0.{}{digits}", "0".repeat((-power - 1) as usize)),
        0..=15 => {
            let whole = power as usize + 1;
            let (front, behind) = digits.split_at(digits.len().min(whole));
            format!("{front:0<whole$}.{}", if behind.is_empty() { "0" } else { behind })
        }
        _ => {
            let (first, behind) = digits.split_at(1);
            let point = if behind.is_empty() { "" } else { "." };
            format!("{first}{point}{behind}e{power}")
        }
    }
}

/// The first digits of a number, the last of them rounded half to even, and the power of ten of the first.
fn rounded(magnitude: f64, count: usize) -> (String, i32) {
    // So many digits that what lies exactly between two roundings is seen.
    let exact = format!("{magnitude:.60e}");
    let (mantissa, power) = exact.split_once('e').unwrap_or((&exact, "0"));
    let mut power: i32 = power.parse().unwrap_or_default();
    let all: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    let (kept, rest) = all.split_at(count);
    let half = rest[0].cmp(&b'5').then_with(|| {
        if rest[1..].iter().all(|&digit| digit == b'0') {
            std::cmp::Ordering::Equal
        } else {
            std::cmp::Ordering::Greater
        }
    });
    let up = match half {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => kept[count - 1] % 2 == 1,
    };
    let mut digits = kept.to_vec();
    if up {
        let nines = digits.iter().rev().take_while(|&&digit| digit == b'9').count();
        digits.truncate(count - nines);
        match digits.last_mut() {
            Some(last) => *last += 1,
            None => {
                digits.push(b'1');
                power += 1;
            }
        }
    }
    (String::from_utf8_lossy(&digits).into_owned(), power)
}

fn read(form: &str) -> Option<Value> {
    let Some(inner) = form.strip_prefix('[') else { return Some(Value::String(form.into())) };
    let inner = inner.strip_suffix(']')?;
    match inner {
        "true" => return Some(Value::Boolean(true)),
        "false" => return Some(Value::Boolean(false)),
        "inf" => return Some(Value::Float(f64::INFINITY)),
        "-inf" => return Some(Value::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    if let Some(quoted) = inner.strip_prefix('"') {
        return unquote(quoted.strip_suffix('"')?).map(|bytes| Value::String(LuaString::from(bytes)));
    }
    inner.parse().map(Value::Integer).or_else(|_| inner.parse().map(Value::Float)).ok()
}

fn unquote(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((front, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(front.as_bytes());
        if let Some(behind) = escape.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = behind;
        } else {
            let digits = escape.strip_prefix('x')?.get(..2)?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &escape[3..];
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}
