//! The same name in the spelling of each language.

/// `get_buffer_ptr` as `getBufferPtr`.
pub fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |joined, word| joined + &capitalised(word))
}

/// `utc_offset` as `UtcOffset`.
pub fn pascal(name: &str) -> String {
    name.split('_').map(capitalised).collect()
}

/// `utc_offset` as `UTC_OFFSET`.
pub fn upper(name: &str) -> String {
    name.to_ascii_uppercase()
}

/// `utcOffset` as `utc_offset`.
pub fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}
