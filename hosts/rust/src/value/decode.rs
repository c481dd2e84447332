//! Reads encoded values. Without recursion, so that tables may be as deep as Lua can nest them.

use std::sync::Arc;

use super::table::Node;
use super::{LuaString, Table, Value};
use crate::ValueError;
use crate::generated as abi;

/// Finds what only the machine knows.
pub(crate) trait Resolver {
    /// A value that stays in Lua.
    fn held(&mut self, type_number: u8, number: u32, text: &[u8]) -> Value;

    /// A function of the host.
    fn host_function(&mut self, number: u32, name: &[u8]) -> Value;
}

/// Reads the values in some bytes.
pub(crate) struct Decoder<'b, R> {
    bytes: &'b [u8],
    at: usize,
    resolver: R,
    nodes: Vec<Node>,
}

/// A table that is being read.
struct Open {
    index: u32,
    list: u32,
    pairs: u32,
    key: Option<Value>,
}

/// A value that is whole, or the beginning of a table.
enum Read {
    Whole(Value),
    Table { list: u32, pairs: u32 },
}

impl<'b, R: Resolver> Decoder<'b, R> {
    pub(crate) fn new(bytes: &'b [u8], resolver: R) -> Self {
        Self { bytes, at: 0, resolver, nodes: Vec::new() }
    }

    /// All values, one after another.
    pub(crate) fn values(mut self) -> Result<Vec<Value>, ValueError> {
        let mut values = Vec::new();
        while self.at < self.bytes.len() {
            values.push(self.value()?);
        }
        Ok(self.finish(values))
    }

    /// The values of a result: the last one comes first, and the others behind it.
    pub(crate) fn results(mut self) -> Result<Vec<Value>, ValueError> {
        let last = self.value()?;
        if self.at == self.bytes.len() {
            let values = self.finish(vec![last]);
            return Ok(values);
        }
        if self.byte()? != abi::TAG_MORE_RESULTS {
            return self.fail("more than a result");
        }
        let count = self.u32()?;
        let mut values = Vec::new();
        for _ in 1..count {
            values.push(self.value()?);
        }
        values.push(last);
        if self.at != self.bytes.len() {
            return self.fail("more than the results");
        }
        Ok(self.finish(values))
    }

    /// The only value, which an entry of an external table can have.
    pub(crate) fn entry(mut self) -> Result<Value, ValueError> {
        let tag = self.bytes.first().copied();
        let may_stand = abi::TAGS.iter().any(|known| Some(known.tag) == tag && known.entry);
        if !may_stand {
            return self.fail("no value of an entry");
        }
        let value = self.value()?;
        if self.at != self.bytes.len() {
            return self.fail("more than a value");
        }
        Ok(value)
    }

    fn finish(self, values: Vec<Value>) -> Vec<Value> {
        if self.nodes.is_empty() {
            return values;
        }
        let nodes = Arc::new(self.nodes);
        values.into_iter().map(|value| Table::of(value, &nodes)).collect()
    }

    fn fail<T>(&self, problem: &str) -> Result<T, ValueError> {
        Err(ValueError::new(format!("malformed value at byte {}: {problem}", self.at)))
    }

    fn bytes(&mut self, length: usize) -> Result<&'b [u8], ValueError> {
        match self.bytes.get(self.at..self.at + length) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None => self.fail("it ends too early"),
        }
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], ValueError> {
        let bytes = self.bytes(N)?;
        bytes.try_into().or_else(|_| self.fail("it ends too early"))
    }

    fn byte(&mut self) -> Result<u8, ValueError> {
        Ok(self.chunk::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, ValueError> {
        Ok(u32::from_le_bytes(self.chunk()?))
    }

    fn text(&mut self) -> Result<&'b [u8], ValueError> {
        let length = self.u32()?;
        self.bytes(length as usize)
    }

    fn table_id(&mut self) -> Result<u32, ValueError> {
        match self.u32()? {
            0 | u32::MAX => self.fail("this is the id of no table"),
            id => Ok(id),
        }
    }

    fn read(&mut self) -> Result<Read, ValueError> {
        let value = match self.byte()? {
            abi::TAG_NIL => Value::Nil,
            abi::TAG_BOOLEAN => match self.byte()? {
                0 => Value::Boolean(false),
                1 => Value::Boolean(true),
                _ => return self.fail("no boolean"),
            },
            abi::TAG_INTEGER => Value::Integer(i64::from_le_bytes(self.chunk()?)),
            abi::TAG_FLOAT => Value::Float(f64::from_le_bytes(self.chunk()?)),
            abi::TAG_STRING => Value::String(self.text()?.into()),
            abi::TAG_FUNCTION => {
                if self.u32()? != 4 {
                    return self.fail("no stored function");
                }
                Value::Function(super::Function(super::Repr::Stored(self.table_id()?)))
            }
            abi::TAG_LIBRARY_FUNCTION => Value::Function(super::Function(super::Repr::Library(self.utf8()?))),
            abi::TAG_EXTERNAL_TABLE => Value::External(self.table_id()?),
            abi::TAG_TABLE => {
                let (list, pairs) = (self.u32()?, self.u32()?);
                // Each value has at least one byte.
                let least = u64::from(list) + 2 * u64::from(pairs);
                if least > (self.bytes.len() - self.at) as u64 {
                    return self.fail("a table is longer than what follows");
                }
                return Ok(Read::Table { list, pairs });
            }
            abi::TAG_SAME_TABLE => match self.u32()? {
                number if (number as usize) < self.nodes.len() => Value::Table(Table::among(number)),
                _ => return self.fail("a table that has not appeared"),
            },
            abi::TAG_OPAQUE => {
                let kind = super::type_of_number(self.byte()?);
                Value::Opaque { kind, text: self.text()?.into() }
            }
            abi::TAG_LIBRARY => Value::Library(self.utf8()?),
            abi::TAG_REFERENCE => {
                let (type_number, number, text) = (self.byte()?, self.u32()?, self.text()?);
                self.resolver.held(type_number, number, text)
            }
            abi::TAG_HOST_FUNCTION => {
                let (number, name) = (self.u32()?, self.text()?);
                self.resolver.host_function(number, name)
            }
            tag => return self.fail(&format!("no value begins with 0x{tag:02x}")),
        };
        Ok(Read::Whole(value))
    }

    fn utf8(&mut self) -> Result<LuaString, ValueError> {
        let text = self.text()?;
        if text.is_empty() || std::str::from_utf8(text).is_err() {
            return self.fail("no name");
        }
        Ok(text.into())
    }

    fn value(&mut self) -> Result<Value, ValueError> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let mut value = match self.read()? {
                Read::Whole(value) => value,
                Read::Table { list, pairs } => {
                    let index = self.nodes.len() as u32;
                    self.nodes.push(Node::default());
                    if list > 0 || pairs > 0 {
                        open.push(Open { index, list, pairs, key: None });
                        continue;
                    }
                    Value::Table(Table::among(index))
                }
            };
            // The value belongs into the innermost table, which may be complete then.
            loop {
                let Some(table) = open.last_mut() else { return Ok(value) };
                let node = &mut self.nodes[table.index as usize];
                if table.list > 0 {
                    node.list.push(value);
                    table.list -= 1;
                } else if let Some(key) = table.key.take() {
                    node.pairs.push((key, value));
                    table.pairs -= 1;
                } else {
                    table.key = Some(value);
                    break;
                }
                if table.list > 0 || table.pairs > 0 {
                    break;
                }
                value = Value::Table(Table::among(table.index));
                open.pop();
            }
        }
    }
}
