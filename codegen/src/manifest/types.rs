//! Defines the types of parameters, results and fields, and maps them to WebAssembly's.

use std::fmt;

/// A number of fixed size, little-endian in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// One byte.
    U8,
    /// Two bytes, unsigned.
    U16,
    /// Signed 32 bits.
    I32,
    /// Unsigned 32 bits.
    U32,
    /// Signed 64 bits.
    I64,
    /// Unsigned 64 bits.
    U64,
    /// IEEE 754 double.
    F64,
}

/// A type of WebAssembly 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
}

/// The type of a parameter, a result or an argument of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A number.
    Scalar(Scalar),
    /// A number with a meaning: a `[[type]]` of the manifest and what it is made of.
    Named(String, Scalar),
    /// Bytes that the callee reads: an address and a length.
    Bytes,
    /// Bytes that the callee writes: an address and a capacity.
    BytesMut,
    /// The address of a structure that the callee fills in.
    Struct(String),
}

impl Scalar {
    /// Every scalar, in order of size.
    pub const ALL: [Self; 7] = [Self::U8, Self::U16, Self::I32, Self::U32, Self::I64, Self::U64, Self::F64];

    /// Name in the manifest, and in Rust.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F64 => "f64",
        }
    }

    /// Bytes it takes, which is also its alignment.
    pub fn size(self) -> u32 {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::I32 | Self::U32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// How it crosses the boundary as a parameter or result.
    pub fn val_type(self) -> ValType {
        match self {
            Self::U8 | Self::U16 | Self::I32 | Self::U32 => ValType::I32,
            Self::I64 | Self::U64 => ValType::I64,
            Self::F64 => ValType::F64,
        }
    }

    /// The integers it holds; `None` for a float. 64-bit types are bounded by what a manifest can write.
    pub fn range(self) -> Option<(i64, i64)> {
        match self {
            Self::U8 => Some((0, i64::from(u8::MAX))),
            Self::U16 => Some((0, i64::from(u16::MAX))),
            Self::I32 => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
            Self::U32 => Some((0, i64::from(u32::MAX))),
            Self::I64 => Some((i64::MIN, i64::MAX)),
            Self::U64 => Some((0, i64::MAX)),
            Self::F64 => None,
        }
    }
}

impl Type {
    /// The number that it is, unless it is an address of something.
    pub fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Scalar(scalar) | Self::Named(_, scalar) => Some(*scalar),
            Self::Bytes | Self::BytesMut | Self::Struct(_) => None,
        }
    }

    /// Whether it takes an address whose range has to be checked.
    pub fn is_pointer(&self) -> bool {
        self.scalar().is_none()
    }

    /// Name in the manifest.
    pub fn name(&self) -> &str {
        match self {
            Self::Scalar(scalar) => scalar.name(),
            Self::Named(name, _) | Self::Struct(name) => name,
            Self::Bytes => "bytes",
            Self::BytesMut => "bytes_mut",
        }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}
