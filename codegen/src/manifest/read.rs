//! Turns the TOML of a manifest into its model, kind by kind, and checks what spans several entries.

use std::ops::Range;
use std::path::{Component, Path};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::closed;
use super::diagnostics::{Fault, Problem};
use super::entry::{Entry, Faults, Key};
use super::grammar;
use super::keys;
use super::layout;
use super::layouts::{Known, unknown};
use super::model::{
    Abi, Answer, Artifact, Condition, Constant, Example, Export, Field, Function, Import, Manifest, NamedType, Param,
    Refusal, Returns, Runtime, Service, State, Stored, StoredEntry, Struct, Topic,
};
use super::names::{Case, nearest};
use super::prose;
use super::source::{INCLUDE, Source};
use super::types::{Scalar, Type};

/// The memory that hosts rely on, in pages of 64 KiB.
const PAGES: i64 = 32;
const MEMORY_PAGES: &str = "MEMORY_PAGES";
const ANY_U32: (i64, i64) = (0, u32::MAX as i64);

/// Reads and checks the text of a manifest.
pub fn read(source: &Source) -> Result<Manifest, Vec<Fault>> {
    let padded = source.padded();
    let (mut root, mut faults) = (DeTable::new(), Faults::default());
    for text in &padded {
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let problem = Problem::Syntax { message: error.message().to_owned() };
            faults.add(problem, error.span().unwrap_or(0..0));
        }
        merge(&mut root, document.into_inner(), &mut faults);
    }
    if faults.0.iter().any(|fault| matches!(fault.problem, Problem::Syntax { .. })) {
        // What is left of a damaged document is not what its author meant, so nothing else is said about it.
        faults.0.retain(|fault| matches!(fault.problem, Problem::Syntax { .. }));
        return Err(faults.0);
    }
    let root = Spanned::new(0..0, DeValue::Table(root));
    let mut reader = Reader { faults, source: Some(source), ..Reader::default() };
    let manifest = reader.manifest(&root);
    if let Some(manifest) = &manifest {
        prose::names(&root, &source.text(), manifest, &mut reader.faults);
    }
    match manifest {
        Some(manifest) if reader.faults.0.is_empty() => Ok(manifest),
        _ => Err(reader.faults.0),
    }
}

/// Adds the entries of another file. Lists go on, and so do tables, as `[topics]`; nothing is declared twice.
fn merge<'t>(root: &mut DeTable<'t>, file: DeTable<'t>, faults: &mut Faults) {
    for (key, value) in file {
        let Some(known) = root.get_mut(&key) else {
            root.insert(key, value);
            continue;
        };
        let (first, second) = (known.span(), key.span());
        match (known.get_mut(), value.into_inner()) {
            (DeValue::Array(list), DeValue::Array(more)) if key.get_ref() != INCLUDE => {
                more.into_iter().for_each(|item| list.push(item));
            }
            (DeValue::Table(table), DeValue::Table(more)) => merge(table, more, faults),
            _ => {
                let problem = Problem::Duplicate { what: "key", name: key.get_ref().to_string() };
                faults.add_related(problem, second, first, FIRST);
            }
        }
    }
}

/// Where a type is used, which decides what it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Base,
    Constant,
    Field,
    Result,
    ExportParam,
    ImportParam,
    ServiceItem { last: bool },
}

#[derive(Default)]
struct Reader<'s> {
    faults: Faults,
    types: Vec<(String, Scalar)>,
    structs: Vec<String>,
    constants: Vec<String>,
    exports: Vec<String>,
    /// What layouts can name.
    known: Known,
    /// The exports that refusals name.
    refusing: Vec<String>,
    /// `None` where the table is missing, which is complained about once.
    groups: Option<Groups>,
    /// The files, for places that outlive the reading.
    source: Option<&'s Source>,
}

/// The headings that entries may be listed under.
#[derive(Default)]
struct Groups {
    constants: Vec<String>,
    enumerations: Vec<String>,
    closed: Vec<String>,
    exports: Vec<String>,
    imports: Vec<String>,
}

impl Reader<'_> {
    fn manifest(&mut self, root: &Spanned<DeValue<'_>>) -> Option<Manifest> {
        let root = Entry::new("the manifest", root, keys::ROOT, &mut self.faults)?;
        self.included(&root);
        let abi = self.abi(&root);
        self.groups = self.groups(&root);
        let types = self.each(&root, "type", keys::TYPES, Self::named_type);
        self.known = Known {
            types: self.types.clone(),
            constants: names(&root, "constant", keys::CONSTANT),
            layouts: names(&root, "layout", keys::LAYOUT),
            rules: names(&root, "rule", keys::RULE),
        };
        self.structs = names(&root, "struct", keys::STRUCT);
        self.constants = names(&root, "constant", keys::CONSTANT);
        self.exports = names(&root, "export", keys::EXPORT);
        let constants = self.each(&root, "constant", keys::CONSTANT, Self::constant);
        let refusals = self.each(&root, "refusal", keys::REFUSAL, Self::refusal);
        self.refusing = refusals.iter().flat_map(|refusal| refusal.exports.clone()).collect();
        self.memory_pages(&root, &constants);
        self.same_values(&root, &constants);
        let layouts =
            self.each(&root, "layout", keys::LAYOUT, |reader, entry| reader.known.layout(entry, &mut reader.faults));
        let rules = self.rules(&root);
        let imports = self.each(&root, "import", keys::IMPORT, Self::import);
        self.service_import(&root, &imports);
        let states = names(&root, "state", keys::STATE);
        let manifest = Manifest {
            types,
            closed: self.closed(&root),
            layouts,
            rules,
            stored: self.each(&root, "stored", keys::STORED, Self::stored),
            states: self.each(&root, "state", keys::STATE, |reader, entry| reader.state(entry, &refusals, &states)),
            runtimes: self.each(&root, "runtime", keys::RUNTIME, Self::runtime),
            refusals: refusals.clone(),
            structs: self.each(&root, "struct", keys::STRUCT, Self::structure),
            exports: self.each(&root, "export", keys::EXPORT, Self::export),
            imports,
            services: self.each(&root, "service", keys::SERVICE, Self::service),
            artifacts: self.artifacts(&root, abi.as_ref().map_or(&[], |abi| &abi.lines)),
            topics: self.topics(&root),
            examples: self.each(&root, "example", keys::USAGE, Self::example),
            constants,
            abi: abi?,
        };
        self.duplicates(&root);
        Some(manifest)
    }

    fn each<T>(
        &mut self,
        root: &Entry<'_>,
        kind: &str,
        keys: &'static [Key],
        mut read: impl FnMut(&mut Self, &Entry<'_>) -> Option<T>,
    ) -> Vec<T> {
        let entries = root.entries(kind, kind, keys, &mut self.faults);
        entries.iter().filter_map(|entry| read(self, entry)).collect()
    }

    /// The files that are included have been read with the first one, unless that is a text without a folder.
    fn included(&mut self, root: &Entry<'_>) {
        let names = root.texts(INCLUDE, &mut self.faults);
        if self.source.is_some_and(|source| source.files().count() == 1)
            && let Some(path) = names.into_iter().next()
        {
            let reason = "the manifest is a text, not a file".to_owned();
            self.faults.add(Problem::NotIncluded { path, reason }, root.span_of(INCLUDE));
        }
    }

    fn abi(&mut self, root: &Entry<'_>) -> Option<Abi> {
        let faults = &mut self.faults;
        let abi = root.entry("abi", "[abi]", keys::ABI, faults)?;
        let version = abi.integer("version", (1, ANY_U32.1), faults);
        let lua = abi.text("lua", faults);
        let mut lines = abi.texts("lines", faults);
        lines.retain(|line| lua.as_ref() != Some(line));
        lines.insert(0, lua.clone().unwrap_or_default());
        let import_module = abi.text("import_module", faults);
        let memory = abi.text("memory", faults);
        let section = abi.text("section", faults);
        let service_import = abi.text("service_import", faults);
        let service_table = abi.integer("service_table", ANY_U32, faults);
        Some(Abi {
            version: u32::try_from(version?).ok()?,
            lua: lua?,
            lines,
            import_module: import_module?,
            memory: memory?,
            section: section?,
            service_import: service_import?,
            service_table: u32::try_from(service_table?).ok()?,
            summary: abi.text("summary", faults)?,
        })
    }

    fn groups(&mut self, root: &Entry<'_>) -> Option<Groups> {
        let groups = root.entry("groups", "[groups]", keys::GROUPS, &mut self.faults)?;
        let mut list = |key| groups.texts(key, &mut self.faults);
        let (constants, enumerations) = (list("constants"), list("enumerations"));
        Some(Groups {
            constants: [constants, enumerations.clone()].concat(),
            enumerations,
            closed: list("closed"),
            exports: list("exports"),
            imports: list("imports"),
        })
    }

    /// The groups that are closed, which have to be enumerations.
    fn closed(&mut self, root: &Entry<'_>) -> Vec<String> {
        let Some(groups) = &self.groups else { return Vec::new() };
        for name in groups.closed.iter().filter(|name| !groups.enumerations.contains(name)) {
            let known = groups.enumerations.clone();
            let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            let problem = Problem::UnknownGroup { name: name.clone(), list: "enumerations", nearest, known };
            self.faults.add(problem, root.span_of("groups"));
        }
        groups.closed.clone()
    }

    /// The heading of an entry, which has to be one of `known`.
    fn group(&mut self, entry: &Entry<'_>, list: &'static str, known: fn(&Groups) -> &Vec<String>) -> Option<String> {
        let name = entry.text("group", &mut self.faults)?;
        if let Some(known) = self.groups.as_ref().map(known)
            && !known.contains(&name)
        {
            let nearest = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
            let problem = Problem::UnknownGroup { name: name.clone(), list, nearest, known: known.clone() };
            self.faults.add(problem, entry.span_of("group"));
        }
        Some(name)
    }

    /// Notes constants of one enumeration that have the same value.
    fn same_values(&mut self, root: &Entry<'_>, constants: &[Constant]) {
        let entries = root.entries("constant", "constant", keys::CONSTANT, &mut Faults::default());
        let place = |name: &str| {
            let named = |entry: &&Entry<'_>| entry.text("name", &mut Faults::default()).as_deref() == Some(name);
            entries.iter().find(named).map_or(0..0, |entry| entry.span_of("value"))
        };
        for (index, constant) in constants.iter().enumerate() {
            let group = || constants.iter().filter(|other| other.group == constant.group);
            let mut earlier = constants[..index].iter().filter(|other| other.group == constant.group);
            let Some(other) = earlier.find(|other| other.value == constant.value && other.name != constant.name) else {
                continue;
            };
            if self.groups.as_ref().is_some_and(|groups| groups.enumerations.contains(&constant.group)) {
                let problem = Problem::SameValue {
                    name: constant.name.clone(),
                    other: other.name.clone(),
                    value: constant.literal(),
                    free: group().map(|other| other.value).max().unwrap_or_default().saturating_add(1),
                };
                self.faults.add_related(problem, place(&constant.name), place(&other.name), FIRST);
            }
        }
    }

    fn topics(&mut self, root: &Entry<'_>) -> Vec<Topic> {
        let Some(topics) = root.entry("topics", "[topics]", keys::TOPICS, &mut self.faults) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for key in keys::TOPICS {
            if let Some(text) = topics.text(key.name, &mut self.faults) {
                found.push(Topic { name: key.name.to_owned(), text });
            }
        }
        found
    }

    fn named_type(&mut self, entry: &Entry<'_>) -> Option<NamedType> {
        let name = entry.name("name", "a type", Case::Snake, &mut self.faults);
        let base = self.resolve(entry, "base", Place::Base).and_then(|ty| ty.scalar());
        let doc = entry.text("doc", &mut self.faults);
        let name = name?;
        if builtin(&name).is_some() {
            let problem = Problem::Reserved { name: name.clone(), owner: "a built-in type" };
            self.faults.add(problem, entry.span());
        } else {
            // Known even if its base is wrong, so that its uses are not wrong too.
            self.types.push((name.clone(), base.unwrap_or(Scalar::U32)));
        }
        Some(NamedType { name, base: base?, doc: doc? })
    }

    fn constant(&mut self, entry: &Entry<'_>) -> Option<Constant> {
        let name = entry.name("name", "a constant", Case::Upper, &mut self.faults);
        let group = self.group(entry, "constants", |groups| &groups.constants);
        let ty = self.resolve(entry, "type", Place::Constant).and_then(|ty| ty.scalar());
        let bounds = ty.and_then(Scalar::range).unwrap_or((i64::MIN, i64::MAX));
        let value = entry.integer("value", bounds, &mut self.faults);
        let items = entry.value("items").map(|_| self.known.items(entry, &mut self.faults));
        let only = self.known.reference(entry, "only", &mut self.faults);
        let places = entry.words("where", "place", &mut self.faults);
        let doc = entry.text("doc", &mut self.faults);
        Some(Constant {
            name: name?,
            group: group?,
            ty: ty?,
            value: value?,
            hex: entry.is_hex("value"),
            items,
            places,
            only,
            doc: doc?,
        })
    }

    fn rules(&mut self, root: &Entry<'_>) -> Vec<grammar::Rule> {
        let entries = root.entries("rule", "rule", keys::RULE, &mut self.faults);
        let read =
            entries.iter().filter_map(|entry| Some((grammar::read(entry, &mut self.faults)?, entry.span_of("is"))));
        let (rules, spans): (Vec<_>, Vec<_>) = read.unzip();
        grammar::check(&rules, &self.known.rules, &spans, &mut self.faults);
        rules
    }

    fn state(&mut self, entry: &Entry<'_>, refusals: &[Refusal], states: &[String]) -> Option<State> {
        let name = entry.name("name", "a state", Case::Snake, &mut self.faults);
        let reasons = entry.texts("refusals", &mut self.faults);
        let known: Vec<_> = refusals.iter().map(|refusal| refusal.name.clone()).collect();
        for reason in &reasons {
            unknown("refusal", reason, &known, entry, "refusals", &mut self.faults);
        }
        let mut leads = Vec::new();
        for lead in entry.entries("leads", "lead", keys::LEAD, &mut self.faults) {
            let by = lead.text("by", &mut self.faults);
            let to = lead.text("to", &mut self.faults);
            if let Some(to) = &to {
                unknown("state", to, states, &lead, "to", &mut self.faults);
            }
            leads.extend(by.zip(to));
        }
        let doc = entry.text("doc", &mut self.faults);
        Some(State { name: name?, refusals: reasons, leads, doc: doc? })
    }

    fn runtime(&mut self, entry: &Entry<'_>) -> Option<Runtime> {
        let name = entry.text("name", &mut self.faults);
        let artifacts = entry.texts("artifacts", &mut self.faults);
        let tested = entry.flag("tested", &mut self.faults);
        let doc = entry.text("doc", &mut self.faults);
        Some(Runtime { name: name?, artifacts, tested, doc: doc? })
    }

    fn stored(&mut self, entry: &Entry<'_>) -> Option<Stored> {
        let name = entry.name("name", "a stored table", Case::Snake, &mut self.faults);
        let doc = entry.text("doc", &mut self.faults);
        let mut entries = Vec::new();
        for entry in entry.entries("entries", "entry", keys::STORED_ENTRY, &mut self.faults) {
            let key = entry.text("key", &mut self.faults);
            let rule = entry.text("rule", &mut self.faults);
            if key.is_some() == rule.is_some() {
                self.faults.add(Problem::NoKey, entry.span());
            }
            let layout = self.known.reference(&entry, "layout", &mut self.faults);
            let optional = entry.flag("optional", &mut self.faults);
            let doc = entry.text("doc", &mut self.faults);
            let (Some(layout), Some(doc)) = (layout, doc) else { continue };
            entries.push(StoredEntry { key: key.unwrap_or_default(), rule, layout, optional, doc });
        }
        Some(Stored { name: name?, doc: doc?, entries })
    }

    fn refusal(&mut self, entry: &Entry<'_>) -> Option<Refusal> {
        let name = entry.name("name", "a refusal", Case::Upper, &mut self.faults);
        let status = entry.text("status", &mut self.faults);
        if let Some(name) = &status {
            self.known_constant(entry, "status", name);
        }
        let message = entry.text("message", &mut self.faults);
        let case = entry.text("case", &mut self.faults);
        let exports = entry.texts("exports", &mut self.faults);
        for name in &exports {
            if !self.exports.contains(name) {
                let nearest = nearest(name, self.exports.iter().map(String::as_str)).map(str::to_owned);
                self.faults.add(Problem::UnknownExport { name: name.clone(), nearest }, entry.span_of("exports"));
            }
        }
        Some(Refusal { name: name?, status: status?, message: message?, case: case?, exports })
    }

    fn known_constant(&mut self, entry: &Entry<'_>, key: &str, name: &str) {
        if !self.constants.iter().any(|constant| constant == name) {
            let nearest = nearest(name, self.constants.iter().map(String::as_str)).map(str::to_owned);
            self.faults.add(Problem::UnknownConstant { name: name.to_owned(), nearest }, entry.span_of(key));
        }
    }

    fn memory_pages(&mut self, root: &Entry<'_>, constants: &[Constant]) {
        let entries = root.entries("constant", "constant", keys::CONSTANT, &mut Faults::default());
        let name = |entry: &Entry<'_>| entry.text("name", &mut Faults::default());
        let Some(entry) = entries.iter().find(|entry| name(entry).as_deref() == Some(MEMORY_PAGES)) else {
            let problem = Problem::MissingKey {
                key: MEMORY_PAGES,
                owner: "the manifest".to_owned(),
                remedy: "declare the constant MEMORY_PAGES with the value 32",
            };
            return self.faults.add(problem, root.span());
        };
        let read = constants.iter().find(|constant| constant.name == MEMORY_PAGES);
        if let Some(constant) = read.filter(|constant| constant.value != PAGES) {
            self.faults.add(Problem::WrongPages { pages: constant.value }, entry.span_of("value"));
        }
    }

    fn structure(&mut self, entry: &Entry<'_>) -> Option<Struct> {
        let name = entry.name("name", "a struct", Case::Pascal, &mut self.faults);
        let size = entry.integer("size", (1, 65536), &mut self.faults);
        let summary = entry.text("summary", &mut self.faults);
        let doc = entry.text("doc", &mut self.faults);
        let example = entry.text("example", &mut self.faults);
        let entries = entry.entries("fields", "field", keys::FIELD, &mut self.faults);
        let mut fields = Vec::new();
        let mut spans = Vec::new();
        for field in &entries {
            if let Some(read) = self.field(field) {
                fields.push(read);
                spans.push(field.span_of("offset"));
            }
        }
        self.unique(&entries, "name", "field");
        let align = if fields.len() == entries.len() {
            let named = name.as_deref().unwrap_or_default();
            layout::check(named, &fields, &spans, size, entry.span_of("size"), &mut self.faults)
        } else {
            1
        };
        Some(Struct {
            name: name?,
            size: u32::try_from(size?).ok()?,
            align,
            summary: summary?,
            doc: doc?,
            fields,
            example: example?,
        })
    }

    fn field(&mut self, entry: &Entry<'_>) -> Option<Field> {
        let name = entry.name("name", "a field", Case::Snake, &mut self.faults);
        let ty = self.resolve(entry, "type", Place::Field).and_then(|ty| ty.scalar());
        let offset = entry.integer("offset", (0, 65535), &mut self.faults);
        let doc = entry.text("doc", &mut self.faults);
        Some(Field { name: name?, ty: ty?, offset: u32::try_from(offset?).ok()?, doc: doc? })
    }

    fn function(&mut self, entry: &Entry<'_>, place: Place) -> Option<Function> {
        let name = entry.name("name", "a function", Case::Snake, &mut self.faults);
        let group = match place {
            Place::ImportParam => self.group(entry, "imports", |groups| &groups.imports),
            _ => self.group(entry, "exports", |groups| &groups.exports),
        };
        let summary = entry.text("summary", &mut self.faults);
        let doc = entry.text("doc", &mut self.faults);
        let params = self.params(entry, "params", |_| place);
        let returns = self.returns(entry);
        let errors = self.conditions(entry, "errors");
        let notes = entry.texts("notes", &mut self.faults);
        let example = entry.text("example", &mut self.faults);
        Some(Function {
            name: name?,
            place: self.source.map(|source| source.line(&entry.span())).unwrap_or_default(),
            group: group?,
            summary: summary?,
            doc: doc?,
            params,
            returns,
            errors,
            notes,
            example: example?,
        })
    }

    fn params(&mut self, entry: &Entry<'_>, key: &str, place: impl Fn(bool) -> Place) -> Vec<Param> {
        let entries = entry.entries(key, "parameter", keys::PARAM, &mut self.faults);
        let mut params = Vec::new();
        let mut expanded: Vec<(String, Range<usize>)> = Vec::new();
        for (index, param) in entries.iter().enumerate() {
            let name = param.name("name", "a parameter", Case::Snake, &mut self.faults);
            let ty = self.resolve(param, "type", place(index + 1 == entries.len()));
            let length = param.name("length", "a parameter", Case::Snake, &mut self.faults);
            let doc = param.text("doc", &mut self.faults);
            let bounds = ty.as_ref().and_then(Type::scalar).and_then(Scalar::range).unwrap_or((i64::MIN, i64::MAX));
            let default = param.integer("default", bounds, &mut self.faults);
            let layout = self.known.reference(param, "layout", &mut self.faults);
            let (Some(name), Some(ty), Some(doc)) = (name, ty, doc) else {
                continue;
            };
            let length = length.unwrap_or_else(|| format!("{name}_len"));
            let read = Param { name, ty, length, default, layout, doc };
            for (name, _) in read.expanded() {
                if let Some((_, first)) = expanded.iter().find(|(other, _)| *other == name) {
                    let problem = Problem::Duplicate { what: "parameter", name };
                    self.faults.add_related(problem, param.span(), first.clone(), FIRST);
                } else {
                    expanded.push((name, param.span()));
                }
            }
            params.push(read);
        }
        params
    }

    fn returns(&mut self, entry: &Entry<'_>) -> Option<Returns> {
        let returns = entry.entry("returns", "the result", keys::RETURNS, &mut self.faults)?;
        let ty = self.resolve(&returns, "type", Place::Result);
        let doc = returns.text("doc", &mut self.faults);
        let values = self.conditions(&returns, "values");
        let positive = self.known.reference(&returns, "positive", &mut self.faults);
        let negative = self.known.reference(&returns, "negative", &mut self.faults);
        Some(Returns { ty: ty?, doc: doc?, values, positive, negative })
    }

    fn conditions(&mut self, entry: &Entry<'_>, key: &str) -> Vec<Condition> {
        let entries = entry.entries(key, "case", keys::CONDITION, &mut self.faults);
        let read = |entry: &Entry<'_>| {
            let case = entry.text("case", &mut self.faults);
            Some(Condition { meaning: entry.text("meaning", &mut self.faults)?, case: case? })
        };
        entries.iter().filter_map(read).collect()
    }

    fn export(&mut self, entry: &Entry<'_>) -> Option<Export> {
        let function = self.function(entry, Place::ExportParam);
        let memory = entry.text("memory", &mut self.faults);
        let refused = self.refused(entry, function.as_ref()?);
        Some(Export { function: function?, refused, memory: memory? })
    }

    fn refused(&mut self, entry: &Entry<'_>, function: &Function) -> Option<Answer> {
        let export = function.name.clone();
        let refuses = self.refusing.contains(&export) || function.params.iter().any(|param| param.ty.is_pointer());
        let returns = entry.value("returns").is_some();
        let Some(value) = entry.value("refused") else {
            if refuses {
                self.faults.add(Problem::NoAnswer { export, returns }, entry.span());
            }
            return None;
        };
        if !refuses {
            // A parameter that could not be read may have been a pointer.
            let params = entry.entries("params", "parameter", keys::PARAM, &mut Faults::default());
            if params.len() == function.params.len() {
                self.faults.add(Problem::NeedlessAnswer { export }, value.span());
            }
            return None;
        }
        match value.get_ref() {
            DeValue::Integer(_) if returns => {
                let scalar = function.returns.as_ref().and_then(|returns| returns.ty.scalar());
                let bounds = scalar.and_then(Scalar::range).unwrap_or((i64::MIN, i64::MAX));
                Some(Answer::Value(entry.integer("refused", bounds, &mut self.faults)?))
            }
            DeValue::String(word) if returns && word == "message" => Some(Answer::Message),
            DeValue::String(word) if !returns && word == "ignored" => Some(Answer::Nothing),
            _ => {
                self.faults.add(Problem::AnswerForm { export, returns }, value.span());
                None
            }
        }
    }

    fn import(&mut self, entry: &Entry<'_>) -> Option<Import> {
        let function = self.function(entry, Place::ImportParam);
        let handler = entry.text("handler", &mut self.faults);
        if let Some(name) = &handler
            && !Case::Camel.fits(name)
        {
            let problem = Problem::Spelling { what: "a handler", name: name.clone(), case: Case::Camel };
            self.faults.add(problem, entry.span_of("handler"));
        }
        let scalar = function.as_ref().and_then(|f| f.returns.as_ref()).and_then(|returns| returns.ty.scalar());
        let bounds = scalar.and_then(Scalar::range).unwrap_or((i64::MIN, i64::MAX));
        let threw = entry.integer("threw", bounds, &mut self.faults);
        let import = Import { function: function?, handler: handler?, threw: threw? };
        // An import that could not be read whole has been complained about already.
        let params = entry.entries("params", "parameter", keys::PARAM, &mut Faults::default());
        if params.len() == import.function.params.len() {
            closed::check(&import, entry, &mut self.faults);
        }
        Some(import)
    }

    /// The import that carries requests takes a table, the request and room for the reply, and returns a length.
    fn service_import(&mut self, root: &Entry<'_>, imports: &[Import]) {
        let Some(abi) = root.entry("abi", "[abi]", keys::ABI, &mut Faults::default()) else {
            return;
        };
        let Some(name) = abi.text("service_import", &mut Faults::default()) else {
            return;
        };
        let carries = |import: &&Import| {
            let types: Vec<_> = import.function.params.iter().map(|param| &param.ty).collect();
            let result = import.function.returns.as_ref().and_then(|returns| returns.ty.scalar());
            matches!(types[..], [id, Type::Bytes, Type::BytesMut] if id.scalar() == Some(Scalar::U32))
                && result == Some(Scalar::I32)
        };
        let known: Vec<_> = imports.iter().filter(carries).map(|import| import.function.name.clone()).collect();
        // An import that could not be read has been complained about already, and might have been meant.
        let all_read = imports.len() == root.entries("import", "import", keys::IMPORT, &mut Faults::default()).len();
        if all_read && !known.contains(&name) {
            let nearest = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
            self.faults.add(Problem::NoCarrier { name, nearest, known }, abi.span_of("service_import"));
        }
    }

    fn service(&mut self, entry: &Entry<'_>) -> Option<Service> {
        let name = entry.name("name", "a service", Case::Snake, &mut self.faults);
        let number = entry.integer("number", (1, 31), &mut self.faults);
        let summary = entry.text("summary", &mut self.faults);
        let doc = entry.text("doc", &mut self.faults);
        let args = self.params(entry, "args", |last| Place::ServiceItem { last });
        let reply = self.params(entry, "reply", |last| Place::ServiceItem { last });
        let ranges = entry.flag("ranges", &mut self.faults);
        let example = entry.text("example", &mut self.faults);
        Some(Service {
            name: name?,
            number: u8::try_from(number?).ok()?,
            summary: summary?,
            doc: doc?,
            args,
            reply,
            ranges,
            example: example?,
        })
    }

    /// The declared artifacts, and then those of every line but the first.
    fn artifacts(&mut self, root: &Entry<'_>, lines: &[String]) -> Vec<Artifact> {
        let default = lines.first().map_or("", String::as_str);
        let declared = self.each(root, "artifact", keys::ARTIFACT, |reader, entry| reader.artifact(entry, default));
        let mut others = Vec::new();
        for line in lines.iter().skip(1) {
            others.extend(declared.iter().map(|artifact| artifact.of_line(line, &declared)));
        }
        [declared, others].concat()
    }

    fn artifact(&mut self, entry: &Entry<'_>, line: &str) -> Option<Artifact> {
        let name = entry.text("name", &mut self.faults);
        let path = entry.text("path", &mut self.faults);
        if let Some(path) = &path
            && !Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
        {
            self.faults.add(Problem::OutsidePath { path: path.clone() }, entry.span_of("path"));
        }
        let unwind = entry.word("unwind", "unwind mode", &mut self.faults);
        let mut features = entry.words("features", "feature", &mut self.faults);
        features.sort_unstable();
        let base = entry.text("base", &mut self.faults);
        let summary = entry.text("summary", &mut self.faults);
        let doc = entry.text("doc", &mut self.faults);
        Some(Artifact {
            line: line.to_owned(),
            name: name?,
            path: path?,
            unwind: unwind?,
            features,
            base,
            summary: summary?,
            doc: doc?,
        })
    }

    fn example(&mut self, entry: &Entry<'_>) -> Option<Example> {
        let title = entry.text("title", &mut self.faults);
        let doc = entry.text("doc", &mut self.faults);
        let code = entry.text("code", &mut self.faults);
        Some(Example { title: title?, doc: doc?, code: code? })
    }

    fn resolve(&mut self, entry: &Entry<'_>, key: &'static str, place: Place) -> Option<Type> {
        let name = entry.text(key, &mut self.faults)?;
        let span = entry.span_of(key);
        let named = self.types.iter().find(|(other, _)| *other == name);
        let ty = if let Some((name, scalar)) = named {
            Type::Named(name.clone(), *scalar)
        } else if let Some(ty) = builtin(&name) {
            ty
        } else if self.structs.contains(&name) {
            Type::Struct(name)
        } else {
            let known = self.known_types(place);
            let nearest = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
            self.faults.add(Problem::UnknownType { name, nearest, known }, span);
            return None;
        };
        if let Some((place, remedy)) = misplaced(&ty, place) {
            self.faults.add(Problem::MisplacedType { name: ty.name().to_owned(), place, remedy }, span);
            return None;
        }
        Some(ty)
    }

    fn known_types(&self, place: Place) -> Vec<String> {
        let scalars = Scalar::ALL.into_iter().map(Type::Scalar);
        let named = self.types.iter().map(|(name, scalar)| Type::Named(name.clone(), *scalar));
        let structs = self.structs.iter().cloned().map(Type::Struct);
        let all = scalars.chain([Type::Bytes, Type::BytesMut]).chain(named).chain(structs);
        all.filter(|ty| misplaced(ty, place).is_none()).map(|ty| ty.name().to_owned()).collect()
    }

    /// Notes entries that claim what an earlier one of their kind has claimed.
    fn duplicates(&mut self, root: &Entry<'_>) {
        const CLAIMS: &[(&str, &str, &str, &[Key])] = &[
            ("type", "name", "type", keys::TYPES),
            ("constant", "name", "constant", keys::CONSTANT),
            ("layout", "name", "layout", keys::LAYOUT),
            ("rule", "name", "rule", keys::RULE),
            ("stored", "name", "stored table", keys::STORED),
            ("state", "name", "state", keys::STATE),
            ("runtime", "name", "runtime", keys::RUNTIME),
            ("refusal", "name", "refusal", keys::REFUSAL),
            ("struct", "name", "struct", keys::STRUCT),
            ("export", "name", "export", keys::EXPORT),
            ("import", "name", "import", keys::IMPORT),
            ("import", "handler", "handler", keys::IMPORT),
            ("service", "name", "service", keys::SERVICE),
            ("service", "number", "service number", keys::SERVICE),
            ("artifact", "name", "artifact", keys::ARTIFACT),
            ("artifact", "path", "artifact path", keys::ARTIFACT),
            ("example", "title", "example", keys::USAGE),
        ];
        for &(kind, key, what, keys) in CLAIMS {
            let entries = root.entries(kind, kind, keys, &mut Faults::default());
            self.unique(&entries, key, what);
        }
    }

    fn unique(&mut self, entries: &[Entry<'_>], key: &str, what: &'static str) {
        let mut seen: Vec<(String, Range<usize>)> = Vec::new();
        for value in entries.iter().filter_map(|entry| entry.value(key)) {
            let name = match value.get_ref() {
                DeValue::String(name) => name.to_string(),
                DeValue::Integer(number) => number.to_string(),
                _ => continue,
            };
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
                self.faults.add_related(Problem::Duplicate { what, name }, value.span(), first.clone(), FIRST);
            } else {
                seen.push((name, value.span()));
            }
        }
    }
}

/// The names that entries of a kind have, also of those that are wrong: they are complained about where they are read.
fn names(root: &Entry<'_>, kind: &str, keys: &'static [Key]) -> Vec<String> {
    let entries = root.entries(kind, kind, keys, &mut Faults::default());
    entries.iter().filter_map(|entry| entry.text("name", &mut Faults::default())).collect()
}

const FIRST: &str = "first declared here";

fn builtin(name: &str) -> Option<Type> {
    match name {
        "bytes" => Some(Type::Bytes),
        "bytes_mut" => Some(Type::BytesMut),
        _ => Scalar::ALL.into_iter().find(|scalar| scalar.name() == name).map(Type::Scalar),
    }
}

/// Where a type cannot stand, and what could.
fn misplaced(ty: &Type, place: Place) -> Option<(&'static str, &'static str)> {
    let (is_scalar, byte) = (ty.scalar().is_some(), ty.scalar() == Some(Scalar::U8));
    match place {
        Place::Base if !matches!(ty, Type::Scalar(_)) => {
            Some(("the base of a type", "use one of the numbers, as `u32`"))
        }
        Place::Constant if ty.scalar().and_then(Scalar::range).is_none() => {
            Some(("a constant", "use one of the integers, as `u32`"))
        }
        Place::Field if !is_scalar => Some(("a field", "use a number; the fields of a struct have a fixed size")),
        Place::Result if !is_scalar || byte => {
            Some(("a result", "use a number of 32 or 64 bits; larger results go through memory"))
        }
        Place::ExportParam | Place::ImportParam if byte => {
            Some(("a parameter", "use `u32`; WebAssembly has no smaller parameters"))
        }
        Place::ImportParam if matches!(ty, Type::Struct(_)) => {
            Some(("a parameter of an import", "use `bytes` or `bytes_mut`"))
        }
        Place::ServiceItem { .. } if matches!(ty, Type::BytesMut | Type::Struct(_)) => {
            Some(("a service", "use numbers, and `bytes` for the last item"))
        }
        Place::ServiceItem { last: false } if *ty == Type::Bytes => {
            Some(("an item that is not the last", "put the bytes last: they reach to the end of the message"))
        }
        _ => None,
    }
}
