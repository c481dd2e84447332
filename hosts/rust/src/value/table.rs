//! Tables of Lua by value.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{FromValue, LuaString, Value};
use crate::ValueError;

/// A table of Lua by value: the values of the keys 1 to n, and other keys with theirs. It has no metatable.
///
/// One table of Lua becomes one `Table`, however often it occurs, also in cycles. Tables do not change; copies share what is
/// in them.
///
/// ```
/// use lua_persistent::{Lua, Table};
///
/// let mut lua = Lua::new()?;
/// let point: Table = lua.eval("{ x = 1, y = 2, 'first' }")?.get()?;
/// assert_eq!(point.get::<i64>("x")?, 1);
/// assert_eq!(point.get::<String>(1)?, "first");
///
/// lua.set("config", Table::from_iter([("name", "demo"), ("mode", "fast")]))?;
/// assert_eq!(lua.get::<String>("config.mode")?, "fast");
/// # Ok::<(), lua_persistent::Error>(())
/// ```
#[derive(Clone)]
pub struct Table {
    /// The tables that came with it. `None` in a table that is among the nodes: those of the table around it.
    nodes: Option<Arc<Vec<Node>>>,
    index: u32,
}

/// A table among those that came together.
#[derive(Default)]
pub(crate) struct Node {
    pub(crate) list: Vec<Value>,
    pub(crate) pairs: Vec<(Value, Value)>,
    /// Where the pairs are, by key.
    index: OnceLock<HashMap<Key, usize>>,
}

/// A key that can be looked up: not a table or function.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Boolean(bool),
    Integer(i64),
    Float(u64),
    String(LuaString),
    External(u32),
}

impl Key {
    fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Boolean(boolean) => Self::Boolean(*boolean),
            Value::Integer(integer) => Self::Integer(*integer),
            Value::Float(float) => match integer_of(*float) {
                Some(integer) => Self::Integer(integer),
                None => Self::Float(float.to_bits()),
            },
            Value::String(string) => Self::String(string.clone()),
            Value::External(id) => Self::External(*id),
            _ => return None,
        })
    }
}

/// The integer that a float has the value of.
pub(super) fn integer_of(float: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float)).then_some(float as i64)
}

impl Table {
    /// A table with the values of the keys 1 to n, and other keys with theirs. Keys whose value is nil are left out.
    pub fn new(list: Vec<Value>, pairs: Vec<(Value, Value)>) -> Self {
        let mut node = Node { list, ..Node::default() };
        node.pairs = pairs.into_iter().filter(|(_, value)| !value.is_nil()).collect();
        Self { nodes: Some(Arc::new(vec![node])), index: 0 }
    }

    /// The table of a number, among those that are being decoded.
    pub(super) fn among(index: u32) -> Self {
        Self { nodes: None, index }
    }

    /// The same table, of those that were decoded.
    pub(super) fn of(value: Value, nodes: &Arc<Vec<Node>>) -> Value {
        match value {
            Value::Table(Self { nodes: None, index }) => Value::Table(Self { nodes: Some(nodes.clone()), index }),
            other => other,
        }
    }

    /// What tells it from all others that are alive.
    pub(super) fn identity(&self) -> (usize, u32) {
        (self.nodes.as_ref().map_or(0, |nodes| Arc::as_ptr(nodes) as usize), self.index)
    }

    fn parts(&self) -> Option<(&Arc<Vec<Node>>, &Node)> {
        let nodes = self.nodes.as_ref()?;
        Some((nodes, nodes.get(self.index as usize)?))
    }

    /// How many keys from 1 on, and how many others.
    pub(super) fn sizes(&self) -> (usize, usize) {
        self.parts().map_or((0, 0), |(_, node)| (node.list.len(), node.pairs.len()))
    }

    /// A part in the order in which tables are encoded: the list, then each key and its value; and whether it is a key.
    pub(super) fn part(&self, position: usize) -> Option<(Value, bool)> {
        let (nodes, node) = self.parts()?;
        if let Some(value) = node.list.get(position) {
            return Some((Self::of(value.clone(), nodes), false));
        }
        let position = position - node.list.len();
        let (key, value) = node.pairs.get(position / 2)?;
        let is_key = position.is_multiple_of(2);
        Some((Self::of(if is_key { key } else { value }.clone(), nodes), is_key))
    }

    /// The value of a key, as a Rust type.
    ///
    /// # Errors
    ///
    /// If the value is of another type. An absent key has the value nil.
    pub fn get<T: FromValue>(&self, key: impl Into<Value>) -> Result<T, ValueError> {
        T::from_value(self.value(key))
    }

    /// The value of a key; nil if it is absent. Keys that are tables or functions are only found by [`Table::iter`].
    pub fn value(&self, key: impl Into<Value>) -> Value {
        let Some((nodes, node)) = self.parts() else { return Value::Nil };
        let Some(key) = Key::of(&key.into()) else { return Value::Nil };
        if let Key::Integer(integer) = key
            && let Some(value) = usize::try_from(integer).ok().and_then(|at| node.list.get(at.checked_sub(1)?))
        {
            return Self::of(value.clone(), nodes);
        }
        let index = node.index.get_or_init(|| {
            let keys = node.pairs.iter().enumerate();
            keys.filter_map(|(at, (key, _))| Some((Key::of(key)?, at))).collect()
        });
        index.get(&key).map_or(Value::Nil, |&at| Self::of(node.pairs[at].1.clone(), nodes))
    }

    /// How many keys from 1 on there are in its list.
    pub fn len(&self) -> usize {
        self.parts().map_or(0, |(_, node)| node.list.len())
    }

    /// Whether it has no entries at all.
    pub fn is_empty(&self) -> bool {
        self.parts().is_none_or(|(_, node)| node.list.is_empty() && node.pairs.is_empty())
    }

    /// The values of the keys 1 to n.
    pub fn list(&self) -> impl Iterator<Item = Value> + '_ {
        let parts = self.parts();
        parts.into_iter().flat_map(|(nodes, node)| node.list.iter().map(|value| Self::of(value.clone(), nodes)))
    }

    /// Every other key with its value.
    pub fn pairs(&self) -> impl Iterator<Item = (Value, Value)> + '_ {
        let parts = self.parts();
        parts.into_iter().flat_map(|(nodes, node)| {
            let fixed = |value: &Value| Self::of(value.clone(), nodes);
            node.pairs.iter().map(move |(key, value)| (fixed(key), fixed(value)))
        })
    }

    /// All keys with their values: 1 to n first.
    pub fn iter(&self) -> impl Iterator<Item = (Value, Value)> + '_ {
        (1..).map(Value::Integer).zip(self.list()).chain(self.pairs())
    }
}

/// Tables are equal if they are the same table.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((_, node)) = self.parts() else { return write!(f, "Table({})", self.index) };
        let mut map = f.debug_map();
        // Tables in it are shown by their number, as they may go round in circles.
        for (at, value) in node.list.iter().enumerate() {
            map.entry(&(at + 1), value);
        }
        map.entries(node.pairs.iter().map(|(key, value)| (key, value))).finish()
    }
}

impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Table {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self::new(Vec::new(), pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl<V: Into<Value>> From<Vec<V>> for Table {
    fn from(list: Vec<V>) -> Self {
        Self::new(list.into_iter().map(Into::into).collect(), Vec::new())
    }
}
