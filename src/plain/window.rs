//! Writes bytes through a window, which keeps those of one range and counts the rest: a value larger than any buffer is
//! measured first and then read piece by piece, without ever being held whole.

/// A range of an unbounded stream of bytes.
#[derive(Debug)]
pub struct Window<'a> {
    out: &'a mut [u8],
    start: usize,
    position: usize,
}

impl<'a> Window<'a> {
    /// The window that keeps as many bytes as `out` holds, from byte `start` of the stream on.
    pub fn new(out: &'a mut [u8], start: usize) -> Self {
        Self { out, start, position: 0 }
    }

    /// Returns the number of bytes written so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns the number of bytes of the window that are filled.
    pub fn kept(&self) -> usize {
        self.position.saturating_sub(self.start).min(self.out.len())
    }

    /// Returns whether the window has room for all that was written.
    pub fn is_whole(&self) -> bool {
        self.position <= self.start + self.out.len()
    }

    /// Writes bytes.
    pub fn put(&mut self, bytes: &[u8]) {
        let (position, start) = (self.position, self.start);
        self.position += bytes.len();
        let skipped = start.saturating_sub(position);
        let Some(bytes) = bytes.get(skipped..) else { return };
        let at = position.max(start) - start;
        let Some(room) = self.out.get_mut(at..) else { return };
        let n = room.len().min(bytes.len());
        room[..n].copy_from_slice(&bytes[..n]);
    }

    /// Writes a tag.
    pub fn tag(&mut self, tag: u8) {
        self.put(&[tag]);
    }

    /// Writes a number of 32 bits.
    pub fn number(&mut self, number: u32) {
        self.put(&number.to_le_bytes());
    }

    /// Writes a tag, the length of bytes, and the bytes.
    pub fn text(&mut self, tag: u8, text: &[u8]) {
        self.tag(tag);
        self.number(text.len() as u32);
        self.put(text);
    }
}
