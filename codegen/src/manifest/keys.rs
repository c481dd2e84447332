//! Lists the keys that each kind of entry may have, and how to add a required one.

use super::entry::{Key, optional, required};

const NAME: Key = required("name", "add `name = \"...\"`");
const SUMMARY: Key = required("summary", "add `summary = \"...\"`, one sentence that says what it is for");
const DOC: Key = required("doc", "add `doc = \"...\"`, what a caller needs to know");
const TYPE: Key = required("type", "add `type = \"...\"`, as `u32`");
const EXAMPLE: Key = required("example", "add `example = '''...'''`, JavaScript that uses it");

pub const ROOT: &[Key] = &[
    required("abi", "add an [abi] table"),
    optional("include"),
    required("groups", "add a [groups] table with the headings that entries are listed under"),
    optional("topics"),
    optional("type"),
    optional("constant"),
    optional("layout"),
    optional("rule"),
    optional("stored"),
    optional("state"),
    optional("runtime"),
    optional("refusal"),
    optional("struct"),
    optional("export"),
    optional("import"),
    optional("service"),
    optional("artifact"),
    optional("example"),
];

pub const ABI: &[Key] = &[
    required("version", "add `version = N`, the version of the boundary"),
    required("lua", "add `lua = \"5.4\"`, the series of Lua releases"),
    optional("lines"),
    required("import_module", "add `import_module = \"env\"`, the module name of every import"),
    required("memory", "add `memory = \"memory\"`, the name of the exported memory"),
    required("section", "add `section = \"...\"`, the custom section that identifies an artifact"),
    required("service_import", "add `service_import = \"...\"`, the import that carries requests to the host"),
    required("service_table", "add `service_table = N`, the table id that marks such a request"),
    SUMMARY,
];

/// Lists of headings; the values of constants in `enumerations` differ.
pub const GROUPS: &[Key] =
    &[optional("constants"), optional("enumerations"), optional("closed"), optional("exports"), optional("imports")];

pub const TOPICS: &[Key] = &[
    optional("overview"),
    optional("result"),
    optional("constants"),
    optional("states"),
    optional("output"),
    optional("runtimes"),
    optional("refusals"),
    optional("values"),
    optional("keys"),
    optional("stored_functions"),
    optional("layouts"),
    optional("bridge"),
    optional("services"),
    optional("build"),
];

pub const TYPES: &[Key] = &[NAME, required("base", "add `base = \"...\"`, the number it is made of, as `u32`"), DOC];

pub const CONSTANT: &[Key] = &[
    NAME,
    required("group", "add `group = \"...\"`, shared by constants that belong together"),
    TYPE,
    required("value", "add `value = N`"),
    optional("items"),
    optional("where"),
    optional("only"),
    DOC,
];

pub const LAYOUT: &[Key] = &[
    NAME,
    required("from", "add `from = \"module\"`, \"host\" or \"both\", whoever writes the bytes"),
    optional("open"),
    required("items", "add `items = [...]`, what the bytes are"),
    DOC,
];

pub const ITEM: &[Key] = &[
    NAME,
    required("type", "add `type = \"...\"`, as `u32`, `bytes`, `value` or the name of a [[layout]]"),
    optional("count"),
    optional("optional"),
    optional("place"),
    optional("tags"),
    optional("except"),
    optional("min"),
    optional("max"),
    optional("known"),
    optional("index_of"),
    optional("holds"),
    optional("joined"),
    optional("rule"),
    optional("doc"),
];

pub const RULE: &[Key] = &[NAME, required("is", "add `is = '...'`, what it matches, in EBNF"), optional("doc")];

pub const STORED: &[Key] =
    &[NAME, DOC, required("entries", "add `entries = [...]`, what the module stores in such a table")];

pub const STORED_ENTRY: &[Key] = &[
    optional("key"),
    optional("rule"),
    required("layout", "add `layout = \"...\"`, the [[layout]] of the value"),
    optional("optional"),
    DOC,
];

pub const STATE: &[Key] = &[
    NAME,
    required("refusals", "add `refusals = [...]`, the [[refusal]]s whose reason it is"),
    required("leads", "add `leads = [{ by = \"...\", to = \"...\" }]`, what leads to another state"),
    DOC,
];

pub const LEAD: &[Key] = &[
    required("by", "add `by = \"...\"`, what happens"),
    required("to", "add `to = \"...\"`, the state that it leads to"),
];

pub const RUNTIME: &[Key] = &[
    NAME,
    required("artifacts", "add `artifacts = [...]`, the names of those that it takes"),
    required("tested", "add `tested = true` if this project's tests run an artifact there, else false"),
    DOC,
];

pub const REFUSAL: &[Key] = &[
    NAME,
    required("status", "add `status = \"STATUS_...\"`, the constant that `get_status` gives"),
    required("message", "add `message = \"...\"`, what was wrong and what would be right"),
    required("case", "add `case = \"...\"`, when a call is refused so"),
    required("exports", "add `exports = [...]`, the exports that refuse a call so"),
];

pub const STRUCT: &[Key] = &[
    NAME,
    required("size", "add `size = N`, in bytes"),
    SUMMARY,
    DOC,
    required("fields", "add `fields = [...]`"),
    EXAMPLE,
];

pub const FIELD: &[Key] = &[NAME, TYPE, required("offset", "add `offset = N`, in bytes from the start"), DOC];

pub const EXPORT: &[Key] = &[
    NAME,
    required("group", "add `group = \"...\"`, the heading it is listed under"),
    SUMMARY,
    DOC,
    optional("params"),
    optional("returns"),
    optional("refused"),
    optional("errors"),
    required("memory", "add `memory = \"...\"`, how memory is read, written and owned"),
    optional("notes"),
    EXAMPLE,
];

pub const IMPORT: &[Key] = &[
    NAME,
    required("group", "add `group = \"...\"`, the heading it is listed under"),
    required("handler", "add `handler = \"...\"`, the method of a JavaScript host that answers it"),
    SUMMARY,
    DOC,
    optional("params"),
    optional("returns"),
    required("threw", "add `threw = N`, what the module sees if the host function threw"),
    optional("errors"),
    optional("notes"),
    EXAMPLE,
];

pub const PARAM: &[Key] = &[NAME, TYPE, optional("length"), optional("default"), optional("layout"), DOC];

pub const RETURNS: &[Key] = &[TYPE, DOC, optional("values"), optional("positive"), optional("negative")];

pub const CONDITION: &[Key] =
    &[required("case", "add `case = \"...\"`"), required("meaning", "add `meaning = \"...\"`")];

pub const SERVICE: &[Key] = &[
    NAME,
    required("number", "add `number = N`, from 1 to 31 and not used by another service"),
    SUMMARY,
    DOC,
    optional("args"),
    optional("reply"),
    optional("ranges"),
    EXAMPLE,
];

pub const ARTIFACT: &[Key] = &[
    NAME,
    required("path", "add `path = \"...\"`, from the root of the repository"),
    required("unwind", "add `unwind = \"legacy\"`, \"exnref\" or \"host\""),
    required("features", "add `features = [...]`, what the module may need beyond WebAssembly 1.0"),
    optional("base"),
    SUMMARY,
    DOC,
];

pub const USAGE: &[Key] =
    &[required("title", "add `title = \"...\"`"), DOC, required("code", "add `code = '''...'''`, JavaScript")];
