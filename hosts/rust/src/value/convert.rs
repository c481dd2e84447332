//! Converts between values of Lua and types of Rust.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::{Function, LuaString, Table, Value};
use crate::ValueError;

/// A type that a value of Lua can be taken as.
pub trait FromValue: Sized {
    /// Takes a value.
    ///
    /// # Errors
    ///
    /// If it is of another type, or out of the type's range.
    fn from_value(value: Value) -> Result<Self, ValueError>;
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        Ok(value)
    }
}

/// `TryFrom` and [`FromValue`] of types that some variants hold.
macro_rules! take {
    ($($type:ty, $expected:literal: $($pattern:pat => $taken:expr),+;)*) => {$(
        impl TryFrom<Value> for $type {
            type Error = ValueError;

            fn try_from(value: Value) -> Result<Self, ValueError> {
                match value {
                    $($pattern => Ok($taken),)+
                    other => Err(ValueError::expected($expected, &other)),
                }
            }
        }

        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self, ValueError> {
                value.try_into()
            }
        }
    )*};
}

take! {
    bool, "a boolean": Value::Boolean(boolean) => boolean;
    LuaString, "a string": Value::String(string) => string;
    String, "a string": Value::String(string) => match String::from_utf8(string.to_vec()) {
        Ok(text) => text,
        Err(_) => return Err(ValueError::new("expected a string of UTF-8, got other bytes")),
    };
    Table, "a table by value": Value::Table(table) => table;
    Function, "a function": Value::Function(function) => function;
    f64, "a number": Value::Float(float) => float, Value::Integer(integer) => integer as f64;
    i64, "an integer": Value::Integer(integer) => integer,
        Value::Float(float) => match super::table::integer_of(float) {
            Some(integer) => integer,
            None => return Err(ValueError::new(format!("expected an integer, got {float}"))),
        };
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl TryFrom<Value> for $type {
            type Error = ValueError;

            fn try_from(value: Value) -> Result<Self, ValueError> {
                let integer = i64::from_value(value)?;
                <$type>::try_from(integer)
                    .map_err(|_| ValueError::new(format!("{integer} is out of the range of {}", stringify!($type))))
            }
        }

        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self, ValueError> {
                value.try_into()
            }
        }
    )*};
}

integers!(i8, u8, i16, u16, i32, u32, u64, usize, isize);

impl FromValue for f32 {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        f64::from_value(value).map(|float| float as f32)
    }
}

/// Anything is taken as nothing.
impl FromValue for () {
    fn from_value(_: Value) -> Result<Self, ValueError> {
        Ok(())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        if value.is_nil() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

/// The values of the keys 1 to n.
impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        Table::from_value(value)?.list().map(T::from_value).collect()
    }
}

impl<K: FromValue + Eq + Hash, V: FromValue> FromValue for HashMap<K, V> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        Table::from_value(value)?.iter().map(|(key, value)| Ok((K::from_value(key)?, V::from_value(value)?))).collect()
    }
}

impl<K: FromValue + Ord, V: FromValue> FromValue for BTreeMap<K, V> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        Table::from_value(value)?.iter().map(|(key, value)| Ok((K::from_value(key)?, V::from_value(value)?))).collect()
    }
}

macro_rules! from {
    ($($type:ty, $value:ident => $made:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        }

        impl IntoValues for $type {
            fn into_values(self) -> Vec<Value> {
                vec![self.into()]
            }
        }
    )*};
}

from! {
    bool, value => Self::Boolean(value);
    i8, value => Self::Integer(value.into());
    u8, value => Self::Integer(value.into());
    i16, value => Self::Integer(value.into());
    u16, value => Self::Integer(value.into());
    i32, value => Self::Integer(value.into());
    u32, value => Self::Integer(value.into());
    i64, value => Self::Integer(value);
    f32, value => Self::Float(value.into());
    f64, value => Self::Float(value);
    LuaString, value => Self::String(value);
    &LuaString, value => Self::String(value.clone());
    &str, value => Self::String(value.into());
    String, value => Self::String(value.into());
    &String, value => Self::String(value.as_str().into());
    Table, value => Self::Table(value);
    &Table, value => Self::Table(value.clone());
    Function, value => Self::Function(value);
    &Function, value => Self::Function(value.clone());
    &Value, value => value.clone();
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(list: Vec<T>) -> Self {
        Self::Table(list.into())
    }
}

impl<K: Into<Value>, V: Into<Value>, S> From<HashMap<K, V, S>> for Value {
    fn from(map: HashMap<K, V, S>) -> Self {
        Self::Table(map.into_iter().collect())
    }
}

impl<K: Into<Value>, V: Into<Value>> From<BTreeMap<K, V>> for Value {
    fn from(map: BTreeMap<K, V>) -> Self {
        Self::Table(map.into_iter().collect())
    }
}

/// What can be given to Lua as several values: a tuple of arguments or results, one value, or a `Vec` of them.
pub trait IntoValues {
    /// Gives the values.
    fn into_values(self) -> Vec<Value>;
}

impl IntoValues for Value {
    fn into_values(self) -> Vec<Value> {
        vec![self]
    }
}

impl IntoValues for Vec<Value> {
    fn into_values(self) -> Vec<Value> {
        self
    }
}

impl IntoValues for () {
    fn into_values(self) -> Vec<Value> {
        Vec::new()
    }
}

impl<T: Into<Value>> IntoValues for Option<T> {
    fn into_values(self) -> Vec<Value> {
        vec![self.into()]
    }
}

/// What several values of Lua can be taken as: a tuple of types, one type, or a `Vec` of all. What is not there is nil.
pub trait FromValues: Sized {
    /// Takes the values.
    ///
    /// # Errors
    ///
    /// If one is of another type; the error says which.
    fn from_values(values: Vec<Value>) -> Result<Self, ValueError>;
}

impl FromValues for Vec<Value> {
    fn from_values(values: Vec<Value>) -> Result<Self, ValueError> {
        Ok(values)
    }
}

impl FromValues for () {
    fn from_values(_: Vec<Value>) -> Result<Self, ValueError> {
        Ok(())
    }
}

macro_rules! tuples {
    ($(($($type:ident $name:ident $number:literal),+);)*) => {$(
        impl<$($type: Into<Value>),+> IntoValues for ($($type,)+) {
            fn into_values(self) -> Vec<Value> {
                let ($($name,)+) = self;
                vec![$($name.into()),+]
            }
        }

        impl<$($type: FromValue),+> FromValues for ($($type,)+) {
            fn from_values(values: Vec<Value>) -> Result<Self, ValueError> {
                let mut values = values.into_iter();
                Ok(($({
                    let taken = $type::from_value(values.next().unwrap_or_default());
                    taken.map_err(|error| ValueError::new(format!("value {}: {error}", $number)))?
                },)+))
            }
        }
    )*};
}

tuples! {
    (A a 1);
    (A a 1, B b 2);
    (A a 1, B b 2, C c 3);
    (A a 1, B b 2, C c 3, D d 4);
    (A a 1, B b 2, C c 3, D d 4, E e 5);
    (A a 1, B b 2, C c 3, D d 4, E e 5, F f 6);
    (A a 1, B b 2, C c 3, D d 4, E e 5, F f 6, G g 7);
    (A a 1, B b 2, C c 3, D d 4, E e 5, F f 6, G g 7, H h 8);
}

/// One value: the first, nil if there is none.
macro_rules! one {
    ($($type:ty),*) => {$(
        impl FromValues for $type {
            fn from_values(values: Vec<Value>) -> Result<Self, ValueError> {
                <$type>::from_value(values.into_iter().next().unwrap_or_default())
            }
        }
    )*};
}

one!(Value, bool, i8, u8, i16, u16, i32, u32, i64, u64, usize, f32, f64, String, LuaString, Table, Function);

impl<T: FromValue> FromValues for Option<T> {
    fn from_values(values: Vec<Value>) -> Result<Self, ValueError> {
        Self::from_value(values.into_iter().next().unwrap_or_default())
    }
}
