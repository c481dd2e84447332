//! Lua's values in Rust.

mod convert;
mod decode;
mod encode;
mod function;
mod key;
mod string;
mod table;

pub use convert::{FromValue, FromValues, IntoValues};
pub use function::{Function, Held};
pub use key::{key_form, key_of_form};
pub use string::LuaString;
pub use table::Table;

pub(crate) use decode::{Decoder, Resolver};
pub(crate) use encode::{Encoder, Registry, entry};
pub(crate) use function::{HeldNumber, HostFunction, Repr};

/// A value of Lua.
///
/// Tables come by value, as [`Table`]; external tables by their id. What has no form outside Lua stays there, and a
/// [`Held`] stands for it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `nil`.
    #[default]
    Nil,
    /// A boolean.
    Boolean(bool),
    /// An integer of 64 bits.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string of any bytes.
    String(LuaString),
    /// A table by value.
    Table(Table),
    /// An external table, by its id.
    External(u32),
    /// A function, wherever it is defined.
    Function(Function),
    /// A table of the standard libraries, by its name: `_G`, `string` and so on.
    Library(LuaString),
    /// A coroutine or userdata, which stays in Lua.
    Held(Held),
    /// A value that the module could only show as text.
    Opaque {
        /// Its type: `thread`, `userdata` or `function`.
        kind: &'static str,
        /// What `tostring` makes of it.
        text: LuaString,
    },
}

impl Value {
    /// The name that Lua gives to the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) | Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::Table(_) | Self::External(_) | Self::Library(_) => "table",
            Self::Function(_) => "function",
            Self::Held(held) => held.kind(),
            Self::Opaque { kind, .. } => kind,
        }
    }

    /// Whether it is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The text, if it is a string of UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(string) => string.to_str().ok(),
            _ => None,
        }
    }

    /// The table, if it is one by value.
    pub fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Takes the value as a Rust type, as `value.to::<String>()`.
    ///
    /// # Errors
    ///
    /// If it is of another type, or out of the type's range.
    pub fn to<T: FromValue>(self) -> Result<T, crate::ValueError> {
        T::from_value(self)
    }
}

/// What Lua's C API calls the types, by its numbers.
pub(crate) fn type_of_number(number: u8) -> &'static str {
    match number {
        2 | 7 => "userdata",
        6 => "function",
        8 => "thread",
        5 => "table",
        _ => "nil",
    }
}
