//! Writes values for the module. Without recursion, as [`decode`](super::decode) reads them.

use std::collections::HashMap;
use std::sync::Arc;

use super::function::{Held, HostFunction, Repr};
use super::{Function, Table, Value};
use crate::ValueError;
use crate::generated as abi;

/// Knows what only the machine knows.
pub(crate) trait Registry {
    /// The number of a host function, and its name.
    fn number_of(&mut self, call: &Arc<HostFunction>, name: Option<&Arc<str>>) -> (u32, Option<Arc<str>>);

    /// Whether a held value is one of this machine.
    fn owns(&self, held: &Held) -> bool;
}

/// Writes values, one after another.
pub(crate) struct Encoder<'o, R> {
    out: &'o mut Vec<u8>,
    registry: R,
    /// The numbers of the tables that were written.
    tables: HashMap<(usize, u32), u32>,
}

impl<'o, R: Registry> Encoder<'o, R> {
    pub(crate) fn new(out: &'o mut Vec<u8>, registry: R) -> Self {
        Self { out, registry, tables: HashMap::new() }
    }

    /// Writes values.
    pub(crate) fn values(&mut self, values: &[Value]) -> Result<(), ValueError> {
        values.iter().try_for_each(|value| self.value(value))
    }

    /// Writes a value.
    pub(crate) fn value(&mut self, value: &Value) -> Result<(), ValueError> {
        let mut open: Vec<(Table, usize)> = Vec::new();
        open.extend(self.begin(value)?);
        while let Some((table, at)) = open.last_mut() {
            let position = *at;
            *at += 1;
            let Some((value, is_key)) = table.part(position) else {
                open.pop();
                continue;
            };
            if is_key && (value.is_nil() || matches!(value, Value::Float(float) if float.is_nan())) {
                return Err(ValueError::new("nil or NaN cannot be the key of a table"));
            }
            let inner = self.begin(&value)?;
            open.extend(inner);
        }
        Ok(())
    }

    fn tag(&mut self, tag: u8) {
        self.out.push(tag);
    }

    fn text(&mut self, text: &[u8]) -> Result<(), ValueError> {
        let length = u32::try_from(text.len()).map_err(|_| ValueError::new("a string is too long"))?;
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(text);
        Ok(())
    }

    /// Writes a value, of a table what comes in front of its entries. Returns a table whose entries have to follow.
    fn begin(&mut self, value: &Value) -> Result<Option<(Table, usize)>, ValueError> {
        match value {
            Value::Table(table) => {
                let next = self.tables.len() as u32;
                if let Some(number) = self.tables.get(&table.identity()) {
                    self.out.push(abi::TAG_SAME_TABLE);
                    self.out.extend_from_slice(&number.to_le_bytes());
                    return Ok(None);
                }
                self.tables.insert(table.identity(), next);
                let (list, pairs) = table.sizes();
                self.tag(abi::TAG_TABLE);
                for size in [list, pairs] {
                    let size = u32::try_from(size).map_err(|_| ValueError::new("a table has too many entries"))?;
                    self.out.extend_from_slice(&size.to_le_bytes());
                }
                return Ok(Some((table.clone(), 0)));
            }
            Value::Function(Function(Repr::Host { call, name })) => {
                let (number, name) = self.registry.number_of(call, name.as_ref());
                self.tag(abi::TAG_HOST_FUNCTION);
                self.out.extend_from_slice(&number.to_le_bytes());
                self.text(name.as_deref().unwrap_or_default().as_bytes())?;
            }
            Value::Function(Function(Repr::Held(held))) | Value::Held(held) => {
                if !self.registry.owns(held) {
                    return Err(ValueError::new(format!("{} belongs to another machine", held.text())));
                }
                self.tag(abi::TAG_REFERENCE);
                self.tag(held.0.type_number);
                self.out.extend_from_slice(&held.0.number.to_le_bytes());
                self.text(&[])?;
            }
            other => self.plain(other)?,
        }
        Ok(None)
    }

    /// Writes a value that an entry of an external table can have, and nil.
    fn plain(&mut self, value: &Value) -> Result<(), ValueError> {
        match value {
            Value::Nil => self.tag(abi::TAG_NIL),
            Value::Boolean(boolean) => {
                self.tag(abi::TAG_BOOLEAN);
                self.tag((*boolean).into());
            }
            Value::Integer(integer) => {
                self.tag(abi::TAG_INTEGER);
                self.out.extend_from_slice(&integer.to_le_bytes());
            }
            Value::Float(float) => {
                self.tag(abi::TAG_FLOAT);
                self.out.extend_from_slice(&float.to_le_bytes());
            }
            Value::String(string) => {
                self.tag(abi::TAG_STRING);
                self.text(string)?;
            }
            Value::External(id) => {
                self.tag(abi::TAG_EXTERNAL_TABLE);
                self.out.extend_from_slice(&id.to_le_bytes());
            }
            Value::Library(name) => {
                self.tag(abi::TAG_LIBRARY);
                self.text(name)?;
            }
            Value::Function(Function(Repr::Library(name))) => {
                self.tag(abi::TAG_LIBRARY_FUNCTION);
                self.text(name)?;
            }
            Value::Function(Function(Repr::Stored(id))) => {
                self.tag(abi::TAG_FUNCTION);
                self.out.extend_from_slice(&4u32.to_le_bytes());
                self.out.extend_from_slice(&id.to_le_bytes());
            }
            Value::Function(Function(Repr::Gone(name))) => {
                return Err(ValueError::new(format!("the function '{name}' is not there any more")));
            }
            Value::Opaque { text, .. } => return Err(ValueError::new(format!("{text} was only sent as text"))),
            Value::Table(_) | Value::Function(_) | Value::Held(_) => {
                return Err(ValueError::new(format!("a {} cannot stand here", value.type_name())));
            }
        }
        Ok(())
    }
}

/// Encodes a value as an entry of an external table; `None` if the module has to store it.
pub(crate) fn entry(value: &Value) -> Option<Vec<u8>> {
    struct Nobody;
    impl Registry for Nobody {
        fn number_of(&mut self, _: &Arc<HostFunction>, _: Option<&Arc<str>>) -> (u32, Option<Arc<str>>) {
            (0, None)
        }
        fn owns(&self, _: &Held) -> bool {
            false
        }
    }
    let mut out = Vec::new();
    Encoder::new(&mut out, Nobody).plain(value).ok()?;
    Some(out)
}
