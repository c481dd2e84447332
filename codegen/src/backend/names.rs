//! Converts names to the spelling of each language.

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

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}
