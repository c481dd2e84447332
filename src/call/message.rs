//! Writes messages without taking memory.

const DIGITS: &str = "0123456789";

/// A text made without memory, with a zero byte behind it. What is longer than it holds is cut.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Message {
    text: [u8; Self::LENGTH + 1],
    length: usize,
}

impl Message {
    const LENGTH: usize = 160;

    /// An empty text.
    pub const fn new() -> Self {
        Self { text: [0; Self::LENGTH + 1], length: 0 }
    }

    /// Appends a text.
    pub fn push(&mut self, text: &str) {
        let n = text.len().min(Self::LENGTH - self.length);
        self.text[self.length..self.length + n].copy_from_slice(&text.as_bytes()[..n]);
        self.length += n;
    }

    /// Appends a number in decimal. What Rust's `core` formats with is larger than all messages together.
    pub fn push_number(&mut self, number: usize) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(DIGITS.get(number % 10..).and_then(|digits| digits.get(..1)).unwrap_or_default());
    }

    /// The text.
    pub fn bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}
