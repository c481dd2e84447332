//! Reads an ABI file, which has the form of `web/abi.json`.

use std::fmt;

use serde_json::Value;

/// What a file says of the boundary. `None` stands for what it does not say.
#[derive(Clone, Debug)]
pub struct Contract {
    /// What messages call the file.
    pub name: String,
    /// The version of the ABI.
    pub version: Option<u64>,
    /// The manifest's hash.
    pub hash: Option<String>,
    /// What hosts find the parts of the module by: pairs of a name and a value.
    pub(super) identity: Vec<(&'static str, String)>,
    /// Functions of the module.
    pub(super) exports: Vec<Function>,
    /// Functions of the host.
    pub(super) imports: Vec<Function>,
    /// Whether errors unwind by two more imports, which belong to an artifact and not to the ABI.
    pub(super) unwinds_by_host: Option<bool>,
    /// What a module needs of an engine.
    pub(super) features: Option<Vec<String>>,
    /// What only an ABI file says.
    pub(super) declared: Option<Declared>,
}

/// A function as WebAssembly sees it, and as the manifest declares it.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// With the module's name in front for an import.
    pub name: String,
    /// `(i32, i32) -> i32`
    pub wasm: String,
    pub declared: Option<Signature>,
}

/// What the manifest says of a function.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub params: Vec<Field>,
    /// The type of the result, or nothing.
    pub returns: String,
    /// Layouts of what lies in the I/O buffer.
    pub leaves: [Option<String>; 2],
    /// What a refused call answers.
    pub refused: Option<String>,
    /// For an import: the method of a JavaScript host, and what stands for an exception.
    pub handler: Option<(String, i64)>,
}

/// A parameter, an argument, a field of a reply, of a structure or of a layout.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub name: String,
    /// What it is made of: for a named type, its base.
    pub ty: String,
    pub default: Option<i64>,
    /// Everything else that bytes depend on, as pairs of a key and a text.
    pub facts: Vec<(&'static str, String)>,
    /// Limits that may become wider where only the module reads.
    pub bounds: Bounds,
}

/// What an item of a layout is limited to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub min: Option<i64>,
    pub max: Option<i64>,
    /// Empty: anything.
    pub tags: Vec<String>,
    pub except: Vec<String>,
    /// Names that a version has.
    pub known: Vec<String>,
}

/// What an ABI file says, beside functions.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub lines: Vec<String>,
    pub types: Vec<(String, String)>,
    pub constants: Vec<Constant>,
    /// Groups of constants of which hosts know all members.
    pub closed: Vec<String>,
    pub structs: Vec<Struct>,
    pub refusals: Vec<Refusal>,
    pub services: Vec<Service>,
    pub artifacts: Vec<Artifact>,
    /// `None` in files that were written before layouts were data.
    pub layouts: Option<Layouts>,
}

#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub name: String,
    pub group: String,
    pub ty: String,
    pub value: i64,
    pub places: Vec<String>,
    pub only: Option<String>,
    pub items: Option<Vec<Field>>,
}

#[derive(Clone, Debug)]
pub(super) struct Struct {
    pub name: String,
    pub size: i64,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub name: String,
    pub status: String,
    pub exports: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Service {
    pub name: String,
    pub number: i64,
    pub args: Vec<Field>,
    pub reply: Vec<Field>,
}

#[derive(Clone, Debug)]
pub(super) struct Artifact {
    pub name: String,
    pub path: String,
    pub line: String,
    pub unwind: String,
    pub features: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Layouts {
    pub layouts: Vec<Layout>,
    /// Rules of the grammar of keys.
    pub rules: Vec<(String, Value)>,
    /// The rules that layouts and stored tables name.
    pub roots: Vec<String>,
    /// Stored tables, by name, with their entries as text.
    pub stored: Vec<(String, Vec<String>)>,
}

#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub name: String,
    pub from: String,
    pub open: bool,
    pub items: Vec<Field>,
}

/// A file that is no ABI: what is wrong, and where.
#[derive(Debug)]
pub struct Malformed {
    file: String,
    problem: String,
}

impl Malformed {
    pub(super) fn new(file: &str, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), problem: problem.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.problem)
    }
}

impl std::error::Error for Malformed {}

impl Contract {
    /// Reads an ABI file; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// A text that is no JSON, or lacks what an ABI file has.
    pub fn of_json(name: &str, text: &str) -> Result<Self, Malformed> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| Malformed::new(name, format!("is neither a module nor JSON: {error}")))?;
        if value.get("abi_version").is_none() {
            let problem = "is JSON, but no ABI file: it has no `abi_version`; web/abi.json is one";
            return Err(Malformed::new(name, problem));
        }
        contract(name, &At { value: &value, path: String::new() }).map_err(|problem| Malformed::new(name, problem))
    }
}

impl Contract {
    /// The same for a module that was built from this ABI, with what only the module says.
    pub fn of_module(self, module: &Self, name: String) -> Self {
        // A module tells which functions it has; the file says more of them.
        let said = |functions: &[Function], said: Vec<Function>| {
            let known = |function: &Function| {
                let same = |other: &&Function| other.name == function.name && other.wasm == function.wasm;
                said.iter().find(same).cloned().unwrap_or_else(|| function.clone())
            };
            functions.iter().map(known).collect()
        };
        Self {
            name,
            unwinds_by_host: module.unwinds_by_host,
            features: module.features.clone(),
            exports: said(&module.exports, self.exports),
            imports: said(&module.imports, self.imports),
            ..self
        }
    }
}

/// A value with its place in the file, for messages.
struct At<'v> {
    value: &'v Value,
    path: String,
}

type Read<T> = Result<T, String>;

impl<'v> At<'v> {
    fn wrong(&self, expected: &str) -> String {
        let path = if self.path.is_empty() { "the file" } else { &self.path };
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        format!("{path} should be {expected}, not {found}")
    }

    fn inside(&self, key: &str, value: &'v Value) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        At { value, path: format!("{}{dot}{key}", self.path) }
    }

    fn maybe(&self, key: &str) -> Read<Option<Self>> {
        let object = self.value.as_object().ok_or_else(|| self.wrong("an object"))?;
        Ok(object.get(key).filter(|value| !value.is_null()).map(|value| self.inside(key, value)))
    }

    fn get(&self, key: &str) -> Read<Self> {
        let path = if self.path.is_empty() { "the file" } else { &self.path };
        self.maybe(key)?.ok_or_else(|| format!("{path} has no `{key}`"))
    }

    fn text(&self) -> Read<String> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| self.wrong("a text"))
    }

    fn number(&self) -> Read<i64> {
        self.value.as_i64().ok_or_else(|| self.wrong("a whole number"))
    }

    fn each<T>(&self, read: impl Fn(&Self) -> Read<T>) -> Read<Vec<T>> {
        let list = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        let at = |(index, value)| At { value, path: format!("{}[{index}]", self.path) };
        list.iter().enumerate().map(|item| read(&at(item))).collect()
    }

    fn text_of(&self, key: &str) -> Read<String> {
        self.get(key)?.text()
    }

    fn number_of(&self, key: &str) -> Read<i64> {
        self.get(key)?.number()
    }

    fn maybe_text(&self, key: &str) -> Read<Option<String>> {
        self.maybe(key)?.map(|at| at.text()).transpose()
    }

    fn maybe_number(&self, key: &str) -> Read<Option<i64>> {
        self.maybe(key)?.map(|at| at.number()).transpose()
    }

    fn flag(&self, key: &str) -> Read<bool> {
        let flag = |at: Self| at.value.as_bool().ok_or_else(|| at.wrong("true or false"));
        Ok(self.maybe(key)?.map(flag).transpose()?.unwrap_or_default())
    }

    fn texts(&self, key: &str) -> Read<Vec<String>> {
        Ok(self.maybe(key)?.map(|at| at.each(At::text)).transpose()?.unwrap_or_default())
    }

    /// The items of a list under a key, of which no two have one name.
    fn list<T>(&self, key: &str, read: impl Fn(&At<'v>) -> Read<T>) -> Read<Vec<T>> {
        let list = self.get(key)?;
        let names =
            list.each(|at| if at.value.get("name").is_some() { at.text_of("name") } else { Ok(String::new()) })?;
        for (index, name) in names.iter().enumerate() {
            if !name.is_empty() && names[..index].contains(name) {
                return Err(format!("{} names `{name}` twice", list.path));
            }
        }
        list.each(read)
    }
}

fn contract(name: &str, at: &At<'_>) -> Read<Contract> {
    let types = at.list("types", |at| Ok((at.text_of("name")?, at.text_of("base")?)))?;
    let base = |ty: String| types.iter().find(|(name, _)| *name == ty).map_or(ty, |(_, base)| base.clone());
    let param = |at: &At<'_>| field(at, &base);
    let (memory, services) = (at.get("memory")?, at.get("services")?);
    let version = at.number_of("abi_version")?;
    let pages = |key: &str| Ok::<_, String>(memory.number_of(key)?.to_string());
    Ok(Contract {
        name: name.to_owned(),
        version: Some(u64::try_from(version).map_err(|_| format!("`abi_version` is {version}"))?),
        hash: at.maybe_text("manifest_hash")?,
        identity: vec![
            ("the exported memory", memory.text_of("export")?),
            ("pages of the memory, minimum", pages("minimum_pages")?),
            ("pages of the memory, maximum", pages("maximum_pages")?),
            ("the custom section", at.text_of("section")?),
            ("the import of services", services.text_of("import")?),
            ("the table of services", services.number_of("table_id")?.to_string()),
        ],
        exports: at.list("exports", |at| function(at, &param))?,
        imports: at.list("imports", |at| function(at, &param))?,
        unwinds_by_host: None,
        features: None,
        declared: Some(Declared {
            lines: match at.texts("lines")? {
                lines if lines.is_empty() => vec![at.text_of("lua")?],
                lines => lines,
            },
            constants: at.list("constants", |at| constant(at, &param))?,
            closed: at.texts("closed")?,
            structs: at.list("structs", |at| structure(at, &param))?,
            refusals: at.list("refusals", refusal)?,
            services: services.list("requests", |at| service(at, &param))?,
            artifacts: at.list("artifacts", artifact)?,
            layouts: at.maybe("layouts")?.is_some().then(|| layouts(at, &param)).transpose()?,
            types: types.clone(),
        }),
    })
}

fn field(at: &At<'_>, base: &dyn Fn(String) -> String) -> Read<Field> {
    let mut facts = Vec::new();
    for key in ["layout", "count", "place", "index_of", "holds", "joined", "rule"] {
        facts.extend(at.maybe_text(key)?.map(|text| (key, text)));
    }
    for key in ["offset", "less"] {
        facts.extend(at.maybe_number(key)?.map(|number| (key, number.to_string())));
    }
    if at.flag("optional")? {
        facts.push(("optional", "yes".to_owned()));
    }
    Ok(Field {
        name: at.text_of("name")?,
        ty: base(at.text_of("type")?),
        default: at.maybe_number("default")?,
        facts,
        bounds: Bounds {
            min: at.maybe_number("min")?,
            max: at.maybe_number("max")?,
            tags: at.texts("tags")?,
            except: at.texts("except")?,
            known: at.texts("known")?,
        },
    })
}

fn function(at: &At<'_>, param: &dyn Fn(&At<'_>) -> Read<Field>) -> Read<Function> {
    let wasm = at.get("wasm")?;
    let (params, results) = (wasm.texts("params")?, wasm.texts("results")?);
    let name = at.text_of("name")?;
    let returns = at.maybe("returns")?;
    let left = |key: &str| Ok::<_, String>(returns.as_ref().map(|at| at.maybe_text(key)).transpose()?.flatten());
    let refused = at.maybe("refused")?.map(|at| at.text().or_else(|_| at.number().map(|number| number.to_string())));
    let handler = at.maybe_text("handler")?.map(|handler| Ok::<_, String>((handler, at.number_of("threw")?)));
    Ok(Function {
        name: at.maybe_text("module")?.map_or_else(|| name.clone(), |module| format!("{module}.{name}")),
        wasm: signature(&params, &results),
        declared: Some(Signature {
            params: at.list("params", param)?,
            returns: returns.as_ref().map(|at| at.text_of("type")).transpose()?.unwrap_or_else(|| "nothing".to_owned()),
            leaves: [left("positive")?, left("negative")?],
            refused: refused.transpose()?,
            handler: handler.transpose()?,
        }),
    })
}

/// A signature of WebAssembly as text.
pub(super) fn signature(params: &[String], results: &[String]) -> String {
    let result = if results.is_empty() { "nothing".to_owned() } else { results.join(", ") };
    format!("({}) -> {result}", params.join(", "))
}

fn constant(at: &At<'_>, item: &dyn Fn(&At<'_>) -> Read<Field>) -> Read<Constant> {
    Ok(Constant {
        name: at.text_of("name")?,
        group: at.text_of("group")?,
        ty: at.text_of("type")?,
        value: at.number_of("value")?,
        places: at.texts("where")?,
        only: at.maybe_text("only")?,
        items: at.maybe("items")?.is_some().then(|| at.list("items", item)).transpose()?,
    })
}

fn structure(at: &At<'_>, field: &dyn Fn(&At<'_>) -> Read<Field>) -> Read<Struct> {
    Ok(Struct { name: at.text_of("name")?, size: at.number_of("size")?, fields: at.list("fields", field)? })
}

fn refusal(at: &At<'_>) -> Read<Refusal> {
    Ok(Refusal { name: at.text_of("name")?, status: at.text_of("status")?, exports: at.texts("exports")? })
}

fn service(at: &At<'_>, field: &dyn Fn(&At<'_>) -> Read<Field>) -> Read<Service> {
    Ok(Service {
        name: at.text_of("name")?,
        number: at.number_of("number")?,
        args: at.list("args", field)?,
        reply: at.list("reply", field)?,
    })
}

fn artifact(at: &At<'_>) -> Read<Artifact> {
    Ok(Artifact {
        name: at.text_of("name")?,
        path: at.text_of("path")?,
        line: at.maybe_text("lua")?.unwrap_or_default(),
        unwind: at.text_of("unwind")?,
        features: at.texts("features")?,
    })
}

fn layouts(at: &At<'_>, item: &dyn Fn(&At<'_>) -> Read<Field>) -> Read<Layouts> {
    let layout = |at: &At<'_>| {
        Ok(Layout {
            name: at.text_of("name")?,
            from: at.text_of("from")?,
            open: at.flag("open")?,
            items: at.list("items", item)?,
        })
    };
    let entry = |at: &At<'_>| {
        let key = match at.maybe_text("key")? {
            Some(key) => format!("`{key}`"),
            None => format!("any `{}`", at.text_of("rule")?),
        };
        let optional = if at.flag("optional")? { ", which may be absent" } else { "" };
        Ok(format!("{key} with the layout `{}`{optional}", at.text_of("layout")?))
    };
    let layouts = at.list("layouts", layout)?;
    let items = layouts.iter().flat_map(|layout: &Layout| &layout.items).flat_map(|item| &item.facts);
    let mut roots: Vec<_> = items.filter(|(key, _)| *key == "rule").map(|(_, rule)| rule.clone()).collect();
    for rules in at.list("stored", |at| at.get("entries")?.each(|at| at.maybe_text("rule")))? {
        roots.extend(rules.into_iter().flatten());
    }
    Ok(Layouts {
        layouts,
        roots,
        rules: at.list("keys", |at| Ok((at.text_of("name")?, at.get("is")?.value.clone())))?,
        stored: at.list("stored", |at| Ok((at.text_of("name")?, at.get("entries")?.each(entry)?)))?,
    })
}
