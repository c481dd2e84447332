//! What the tests of the guest share: a machine of one's own, running chunks on it, and random numbers
//! from a seed.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::MutexGuard;

use lua_persistent::call::buffer;
use lua_persistent::ext::ids;
use lua_persistent::ranges::{Bytes, BytesMut};
use lua_persistent::run::compile::Mode;
use lua_persistent::run::{chunk, result};
use lua_persistent::{abi, machine, memory, native_host};

/// The one machine, for one test at a time. It is new, and the host's tables are empty.
pub struct Machine {
    _guard: MutexGuard<'static, ()>,
}

impl Machine {
    pub fn new() -> Self {
        let guard = native_host::exclusive();
        machine::stop();
        assert!(machine::start(), "the machine starts");
        Self { _guard: guard }
    }

    /// Closes the machine and makes a new one, which knows only what the host's tables hold.
    pub fn restart(&self) {
        machine::stop();
        assert!(machine::start(), "the machine starts again");
    }

    /// Empties the host's tables and makes a new machine.
    pub fn reset(&self) {
        machine::stop();
        native_host::restore(Default::default());
        assert!(machine::start(), "the machine starts again");
    }

    /// Runs a chunk as `compute` does: its first result as text, or its whole error message.
    pub fn run(&self, code: &str) -> Result<String, String> {
        self.run_as(code, Mode::Chunk)
    }

    /// Runs a chunk as `eval` does.
    pub fn eval(&self, code: &str) -> Result<String, String> {
        self.run_as(code, Mode::Console)
    }

    fn run_as(&self, code: &str, mode: Mode) -> Result<String, String> {
        let written = chunk::run(Bytes::of(code.as_bytes()), None, mode, false);
        if written < 0 { Err(self.message()) } else { Ok(show(&self.value(written))) }
    }

    /// Runs a chunk that has to succeed.
    #[track_caller]
    pub fn ok(&self, code: &str) -> String {
        match self.run(code) {
            Ok(value) => value,
            Err(message) => panic!("{message}\n--- in\n{code}"),
        }
    }

    /// Runs a chunk that has to fail, and gives its message.
    #[track_caller]
    pub fn error(&self, code: &str) -> String {
        match self.run(code) {
            Ok(value) => panic!("no error, but {value}\n--- in\n{code}"),
            Err(message) => message,
        }
    }

    /// The encoded results of the last call, of which `written` bytes are in the buffer.
    pub fn value(&self, written: i32) -> Vec<u8> {
        // SAFETY: nothing else uses the buffer between two calls.
        let buffer = unsafe { buffer::bytes() };
        let length = u32::from_le_bytes(buffer[..4].try_into().expect("four bytes")) as usize;
        buffer[4 + length..written as usize].to_vec()
    }

    /// The whole message of the last call.
    pub fn message(&self) -> String {
        String::from_utf8_lossy(&self.part(abi::PART_MESSAGE)).into_owned()
    }

    /// A part of the last result.
    pub fn part(&self, part: u32) -> Vec<u8> {
        let size = result::size(part);
        if size < 0 {
            return Vec::new();
        }
        let mut bytes = vec![0; size as usize];
        assert_eq!(result::read_into(part, 0, BytesMut::of(&mut bytes)), size);
        bytes
    }

    /// Bytes of the heap in use.
    pub fn used(&self) -> usize {
        // SAFETY: no other reference to the heap is alive between two calls.
        unsafe { memory::heap().used() }
    }

    /// Verifies the heap.
    #[track_caller]
    pub fn check_heap(&self) {
        // SAFETY: as for `used`.
        unsafe { memory::heap() }.check().expect("the heap is whole");
    }

    /// The id of `_home`.
    pub fn home(&self) -> u32 {
        ids::home()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        memory::starve::end();
        native_host::intercept(None);
        machine::stop();
    }
}

/// The first of encoded results, if it is a plain one, as Lua's `tostring` has it; strings as they are.
fn show(bytes: &[u8]) -> String {
    match (bytes[0], &bytes[1..]) {
        (abi::TAG_NIL, _) => "nil".into(),
        (abi::TAG_BOOLEAN, rest) => (rest[0] != 0).to_string(),
        (abi::TAG_INTEGER, rest) => i64::from_le_bytes(rest[..8].try_into().expect("8 bytes")).to_string(),
        (abi::TAG_FLOAT, rest) => format!("{:?}", f64::from_le_bytes(rest[..8].try_into().expect("8 bytes"))),
        (abi::TAG_STRING, rest) => {
            let length = u32::from_le_bytes(rest[..4].try_into().expect("4 bytes")) as usize;
            String::from_utf8_lossy(&rest[4..4 + length]).into_owned()
        }
        (tag, _) => format!("<tag {tag}>"),
    }
}

/// Random numbers: SplitMix64, the same for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
