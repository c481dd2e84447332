//! External tables as Rust sees them.

use crate::lua::Context;
use crate::value::{Decoder, FromValue, Value, entry, key_form, key_of_form};
use crate::{Error, Function, Result, ValueError};

/// An external table: entries that the store has, and Lua code uses like those of any table.
///
/// ```
/// use lua_persistent::Lua;
///
/// let mut lua = Lua::new()?;
/// lua.home().set("name", "Ada")?;
/// lua.compute("_home.list = { 10, 20 }")?;
/// assert_eq!(lua.home().table("list")?.get::<i64>(2)?, 20);
/// assert_eq!(lua.home().keys()?.len(), 2);
/// # Ok::<(), lua_persistent::Error>(())
/// ```
pub struct ExternalTable<'a> {
    context: Context<'a>,
    id: u32,
}

impl<'a> ExternalTable<'a> {
    pub(crate) fn new(context: Context<'a>, id: u32) -> Self {
        Self { context, id }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The value of a key; nil if it is absent. A table in it is external, too, and comes as its id.
    ///
    /// # Errors
    ///
    /// If the value is of another type, the key cannot be one, or the store fails.
    pub fn get<T: FromValue>(&mut self, key: impl Into<Value>) -> Result<T> {
        let form = key_form(&key.into())?;
        Ok(T::from_value(self.value_of_form(&form)?)?)
    }

    /// The external table that is the value of a key.
    ///
    /// # Errors
    ///
    /// If it is none, the key cannot be one, or the store fails.
    pub fn table(&mut self, key: impl Into<Value>) -> Result<ExternalTable<'_>> {
        match self.get(key)? {
            Value::External(id) => Ok(self.context.table(id)),
            other => Err(ValueError::expected("an external table", &other).into()),
        }
    }

    fn value_of_form(&mut self, form: &str) -> Result<Value> {
        let id = self.id;
        let state = self.context.state();
        let Some(bytes) = state.tables.value(id, form).map_err(Error::Store)? else { return Ok(Value::Nil) };
        let value = Decoder::new(&bytes, state.living()).entry();
        value.map_err(|error| {
            ValueError::new(format!("external table {id} has a damaged entry '{form}': {error}")).into()
        })
    }

    /// Sets an entry; nil deletes it. A table by value becomes an external one, as if Lua code had assigned it.
    ///
    /// # Errors
    ///
    /// If the value cannot be stored, the key cannot be one, or the store fails; nothing is changed then.
    pub fn set(&mut self, key: impl Into<Value>, value: impl Into<Value>) -> Result<()> {
        let (key, value, id) = (key.into(), value.into(), self.id);
        let form = key_form(&key)?;
        if value.is_nil() {
            return self.context.transaction(|context| context.state().tables.delete(id, &form).map_err(Error::Store));
        }
        if let Some(bytes) = entry(&value) {
            return self
                .context
                .transaction(|context| context.state().tables.set(id, &form, &bytes).map_err(Error::Store));
        }
        let store = Function(crate::value::Repr::Library("rawset".into()));
        self.context.call(&store, (Value::External(id), key, value))
    }

    /// Deletes an entry, if it is there.
    ///
    /// # Errors
    ///
    /// If the key cannot be one, or the store fails.
    pub fn delete(&mut self, key: impl Into<Value>) -> Result<()> {
        self.set(key, Value::Nil)
    }

    /// How many entries it has.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn len(&mut self) -> Result<u64> {
        let id = self.id;
        let tables = &mut self.context.state().tables;
        let size = tables.size(id).map_err(Error::Store)?;
        let mut hidden = 0;
        tables.get(id, METATABLE, &mut |_| hidden = 1).map_err(Error::Store)?;
        Ok(size - hidden)
    }

    /// Whether it has no entries.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn is_empty(&mut self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Its keys, in the order in which they were first set.
    ///
    /// # Errors
    ///
    /// If the store fails, or has a text that is the form of no key.
    pub fn keys(&mut self) -> Result<Vec<Value>> {
        let forms = self.context.state().tables.all_keys(self.id).map_err(Error::Store)?;
        let keys = forms.iter().filter(|form| *form != METATABLE);
        keys.map(|form| key_of_form(form).map_err(Error::Value)).collect()
    }

    /// Its entries, in the order of the keys.
    ///
    /// # Errors
    ///
    /// As [`ExternalTable::keys`] and [`ExternalTable::get`].
    pub fn entries(&mut self) -> Result<Vec<(Value, Value)>> {
        self.keys()?.into_iter().map(|key| Ok((key.clone(), self.get(key)?))).collect()
    }
}

/// The text under which a table has its metatable.
const METATABLE: &str = "[meta]";

/// An external table is taken as its id.
impl From<&ExternalTable<'_>> for Value {
    fn from(table: &ExternalTable<'_>) -> Self {
        Self::External(table.id)
    }
}
