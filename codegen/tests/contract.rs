//! Changes a copy of the project's manifest in one way at a time, and checks whether the change is called compatible or
//! breaking. Also holds the manifest to the ABI of the last release, and checks what is said of files that are no ABI.

use std::path::{Path, PathBuf};

use codegen::backend::{Abi, Backend};
use codegen::contract::{Contract, Report, Verdict, compare};
use codegen::manifest::{Manifest, Source};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn source() -> Source {
    Source::load(&root().join("exports.toml")).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn json(source: &Source) -> String {
    Abi.render(&Manifest::read(source).unwrap_or_else(|diagnostics| panic!("{diagnostics}")))
}

fn contract(name: &str, json: &str) -> Contract {
    Contract::of_json(name, json).unwrap_or_else(|error| panic!("{error}"))
}

/// The manifest with texts in place of others, each of which must be there; each replaces the first that is found.
fn changed(source: &Source, edits: &[(&str, &str)]) -> Source {
    let mut files: Vec<_> = source.files().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    for (old, new) in edits {
        let (_, text) = files.iter_mut().find(|(_, text)| text.contains(old)).unwrap_or_else(|| panic!("no {old:?}"));
        *text = text.replacen(old, new, 1);
    }
    Source::of(files)
}

/// What is said of a change.
fn report(source: &Source, edits: &[(&str, &str)]) -> Report {
    compare(&contract("old", &json(source)), &contract("new", &json(&changed(source, edits))))
}

/// What a change is called, its edits, the verdict (none: no change), and words that the report has.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], Option<Verdict>, &'c str);

/// Checks a list of changes.
fn check(cases: &[Case<'_>]) {
    let source = source();
    let old = contract("old", &json(&source));
    for (name, edits, verdict, words) in cases {
        let report = compare(&old, &contract("new", &json(&changed(&source, edits))));
        let text = report.to_string();
        match verdict {
            None => assert_eq!(text, "no change\n", "{name}"),
            Some(verdict) => {
                assert!(!report.changes.is_empty(), "{name}: nothing was found");
                let found = if report.breaking() > 0 { Verdict::Breaking } else { Verdict::Compatible };
                assert_eq!(found, *verdict, "{name}:\n{text}");
                assert_eq!(report.is_accepted(), found == Verdict::Compatible, "{name}");
            }
        }
        assert!(text.contains(words), "{name}: {words:?} is not in\n{text}");
    }
}

const COMPATIBLE: Option<Verdict> = Some(Verdict::Compatible);
const BREAKING: Option<Verdict> = Some(Verdict::Breaking);

const NEW_EXPORT: &str = r#"[[export]]
name = "count_tables"
group = "Memory"
summary = "Counts."
doc = "Counts."
returns = { type = "u32", doc = "How many." }
memory = "Reads a number."
example = 'instance.exports.count_tables();'

[[export]]
name = "init"
"#;

const NEW_SERVICE: &str = r#"[[service]]
name = "weather"
number = 31
summary = "Asks."
doc = "Asks."
example = 'weather: () => {}'

[[service]]
name = "clock"
"#;

#[test]
fn ten_compatible_changes_are_called_so() {
    check(&[
        ("an export", &[("[[export]]\nname = \"init\"\n", NEW_EXPORT)], COMPATIBLE, "count_tables: is new"),
        ("a service", &[("[[service]]\nname = \"clock\"\n", NEW_SERVICE)], COMPATIBLE, "weather: is new, number 31"),
        (
            "a field at the end of a reply, with a default",
            &[(
                "doc = \"Seconds of processor time used, from any starting point.\" },",
                "doc = \"Used.\" },\n    { name = \"zone\", type = \"i32\", default = 0, doc = \"Zone.\" },",
            )],
            COMPATIBLE,
            "`zone` is new at the end, with the default 0",
        ),
        (
            "a status",
            &[(
                "[[constant]]\nname = \"STATUS_PAUSED\"",
                "[[constant]]\nname = \"STATUS_TIRED\"\ngroup = \"Status\"\ntype = \"i32\"\nvalue = 99\ndoc = \"Tired.\"\n\n[[constant]]\nname = \"STATUS_PAUSED\"",
            )],
            COMPATIBLE,
            "STATUS_TIRED: is new, 99",
        ),
        (
            "a tag that only hosts send",
            &[(
                "[[constant]]\nname = \"TAG_BOOLEAN\"",
                "[[constant]]\nname = \"TAG_DATE\"\ngroup = \"Value Tags\"\ntype = \"u8\"\nvalue = 0x0F\nitems = [{ name = \"at\", type = \"f64\" }]\nwhere = [\"argument\"]\ndoc = \"A date.\"\n\n[[constant]]\nname = \"TAG_BOOLEAN\"",
            )],
            COMPATIBLE,
            "TAG_DATE: is new, 15",
        ),
        (
            "a parameter of another name",
            &[("{ name = \"instructions\", type", "{ name = \"steps\", type")],
            COMPATIBLE,
            "`instructions` is called `steps`",
        ),
        (
            "a type",
            &[(
                "[[type]]\nname = \"status\"",
                "[[type]]\nname = \"color\"\nbase = \"u32\"\ndoc = \"A color.\"\n\n[[type]]\nname = \"status\"",
            )],
            COMPATIBLE,
            "color: is new",
        ),
        (
            "a refusal that an export no longer has",
            &[("exports = [\"attach_memory_table\", \"ext_table_set\", ", "exports = [\"ext_table_set\", ")],
            COMPATIBLE,
            "NO_TABLE: `attach_memory_table` refuses no call for it any more",
        ),
        (
            "fewer features of an artifact",
            &[("features = [\"bulk-memory\", \"exceptions-legacy\"", "features = [\"exceptions-legacy\"")],
            COMPATIBLE,
            "does not need `bulk-memory`",
        ),
        (
            "an item of an open layout",
            &[(
                "doc = \"Names the linked module: two artifacts of one build have it in common.\" },",
                "doc = \"Build.\" },\n    { name = \"date\", type = \"u64\" },",
            )],
            COMPATIBLE,
            "`date` is new at the end",
        ),
    ]);
}

#[test]
fn ten_breaking_changes_are_called_so() {
    check(&[
        (
            "an export of another name",
            &[("name = \"get_heap_size\"", "name = \"get_heap_bytes\"")],
            BREAKING,
            "get_heap_size: is gone",
        ),
        (
            "two parameters of one type that change places",
            &[
                ("{ name = \"instructions\", type", "{ name = \"x\", type"),
                ("{ name = \"milliseconds\", type", "{ name = \"instructions\", type"),
                ("{ name = \"x\", type", "{ name = \"milliseconds\", type"),
            ],
            BREAKING,
            "parameter `instructions` is number 2, was 1",
        ),
        (
            "a parameter of another type",
            &[(
                "{ name = \"ticks\", type = \"u32\", doc = \"How many ticks; 0: until the program ends.\" }]",
                "{ name = \"ticks\", type = \"u64\", doc = \"How many.\" }]",
            )],
            BREAKING,
            "is `(i64) -> i32`, was `(i32) -> i32`",
        ),
        (
            "a constant of another value",
            &[(
                "name = \"STATUS_PAUSED\"\ngroup = \"Status\"\ntype = \"i32\"\nvalue = 1\n",
                "name = \"STATUS_PAUSED\"\ngroup = \"Status\"\ntype = \"i32\"\nvalue = 30\n",
            )],
            BREAKING,
            "STATUS_PAUSED: is 30, was 1",
        ),
        (
            "a field in the middle of a reply",
            &[(
                "{ name = \"cpu_seconds\", type",
                "{ name = \"zone\", type = \"i32\", default = 0, doc = \"Zone.\" },\n    { name = \"cpu_seconds\", type",
            )],
            BREAKING,
            "`cpu_seconds` is number 3, was 2",
        ),
        (
            "a field at the end of a reply, without a default",
            &[(
                "doc = \"Seconds of processor time used, from any starting point.\" },",
                "doc = \"Used.\" },\n    { name = \"zone\", type = \"i32\", doc = \"Zone.\" },",
            )],
            BREAKING,
            "`zone` is new, without a default",
        ),
        (
            "a service of another number",
            &[("name = \"clock\"\nnumber = 2", "name = \"clock\"\nnumber = 30")],
            BREAKING,
            "clock: is number 30, was 2",
        ),
        (
            "a tag that results may have in one more place",
            &[(
                "where = [\"argument\", \"entry\", \"host-entry\"]\ndoc = \"A Lua function",
                "where = [\"result\", \"argument\", \"entry\", \"host-entry\"]\ndoc = \"A Lua function",
            )],
            BREAKING,
            "TAG_FUNCTION: may also stand in `result`",
        ),
        (
            "a layout in another order",
            &[(
                "    { name = \"lua_type\", type = \"u8\", min = 0, max = 8 },\n    { name = \"number\", type = \"u32\" },\n",
                "    { name = \"number\", type = \"u32\" },\n    { name = \"lua_type\", type = \"u8\", min = 0, max = 8 },\n",
            )],
            BREAKING,
            "TAG_REFERENCE",
        ),
        (
            "keys of another form",
            &[("'\"true\" | \"false\" | integer", "'\"yes\" | \"no\" | integer")],
            BREAKING,
            "one side has keys that the other refuses",
        ),
        (
            "a refusal of an export that had it not",
            &[(
                "exports = [\"attach_memory_table\", \"ext_table_set\", ",
                "exports = [\"clear_io_table\", \"attach_memory_table\", \"ext_table_set\", ",
            )],
            BREAKING,
            "NO_TABLE: `clear_io_table` refuses calls for it, too",
        ),
    ]);
}

#[test]
fn what_no_caller_notices_is_no_change() {
    check(&[
        (
            "documentation",
            &[("Starts the Lua machine.", "Begins."), ("doc = \"Reserves an id,", "doc = \"Takes an id,")],
            None,
            "",
        ),
        (
            "the heading of an entry",
            &[("name = \"run_gc\"\ngroup = \"Memory\"", "name = \"run_gc\"\ngroup = \"Running code\"")],
            None,
            "",
        ),
        (
            "a heading that nothing uses",
            &[("exports = [\"Life of the machine\",", "exports = [\"Some heading\", \"Life of the machine\",")],
            None,
            "",
        ),
        (
            "the message of a refusal",
            &[("message = \"the machine does not run: call init first\"", "message = \"call init first\"")],
            None,
            "",
        ),
        ("a hexadecimal number", &[("value = 0x0E", "value = 14")], None, ""),
        (
            "the order of exports in a refusal",
            &[("exports = [\"ext_table_set\", \"ext_table_get\"]", "exports = [\"ext_table_get\", \"ext_table_set\"]")],
            None,
            "",
        ),
    ]);
}

#[test]
fn subtle_changes_are_called_what_they_are() {
    check(&[
        (
            "a tag that only hosts send in one more place",
            &[(
                "where = [\"result\"]\ndoc = \"A value that cannot",
                "where = [\"result\", \"argument\"]\ndoc = \"A value that cannot",
            )],
            COMPATIBLE,
            "TAG_OPAQUE: may also stand in `argument`",
        ),
        (
            "a tag that entries may have",
            &[(
                "where = [\"result\", \"argument\"]\ndoc = \"A table by value: the",
                "where = [\"result\", \"argument\", \"entry\"]\ndoc = \"A table by value: the",
            )],
            BREAKING,
            "in what is stored",
        ),
        (
            "a tag that results have no more",
            &[(
                "where = [\"result\", \"argument\"]\ndoc = \"A function of the host",
                "where = [\"argument\"]\ndoc = \"A function of the host",
            )],
            BREAKING,
            "a new host gets it from old modules",
        ),
        (
            "a member of a closed enumeration",
            &[(
                "[[constant]]\nname = \"PROGRAM_PAUSED\"",
                "[[constant]]\nname = \"PROGRAM_LOST\"\ngroup = \"Programs\"\ntype = \"u32\"\nvalue = 9\ndoc = \"Lost.\"\n\n[[constant]]\nname = \"PROGRAM_PAUSED\"",
            )],
            BREAKING,
            "hosts rely on knowing all constants",
        ),
        (
            "a limit that grows",
            &[(
                "name = \"KEY_LIMIT\"\ngroup = \"Sizes\"\ntype = \"u32\"\nvalue = 16384",
                "name = \"KEY_LIMIT\"\ngroup = \"Sizes\"\ntype = \"u32\"\nvalue = 32768",
            )],
            BREAKING,
            "old hosts get more than they have room for",
        ),
        (
            "a limit that shrinks",
            &[(
                "name = \"KEY_LIMIT\"\ngroup = \"Sizes\"\ntype = \"u32\"\nvalue = 16384",
                "name = \"KEY_LIMIT\"\ngroup = \"Sizes\"\ntype = \"u32\"\nvalue = 1024",
            )],
            BREAKING,
            "what fits it now is refused",
        ),
        (
            "a field of a reply of another name",
            &[("{ name = \"cpu_seconds\", type", "{ name = \"processor_seconds\", type")],
            BREAKING,
            "know it by its name",
        ),
        (
            "a field of a reply that is gone",
            &[("    { name = \"continues\", type = \"u32\", default = 0, doc", "    # { name = \"continues\", doc")],
            BREAKING,
            "`continues` is gone",
        ),
        (
            "another default",
            &[("type = \"u32\", default = 16384, doc", "type = \"u32\", default = 8192, doc")],
            BREAKING,
            "the default of field `max_value_len` is 8192, was 16384",
        ),
        (
            "a default that is gone",
            &[(
                "{ name = \"continues\", type = \"u32\", default = 0, doc",
                "{ name = \"continues\", type = \"u32\", doc",
            )],
            BREAKING,
            "has no default any more",
        ),
        (
            "an argument of a service",
            &[(
                "args = [{ name = \"abi_version\", type = \"u32\", doc = \"Version of the boundary that the module was built with.\" }]",
                "args = [{ name = \"abi_version\", type = \"u32\", doc = \"V.\" }, { name = \"minor\", type = \"u32\", doc = \"M.\" }]",
            )],
            BREAKING,
            "parameter `minor` is new",
        ),
        (
            "a service of another name",
            &[("[[service]]\nname = \"entropy\"", "[[service]]\nname = \"randomness\"")],
            BREAKING,
            "entropy: is called `randomness`",
        ),
        (
            "a sign",
            &[("reply = [{ name = \"seconds\", type = \"i32\"", "reply = [{ name = \"seconds\", type = \"u32\"")],
            BREAKING,
            "is `u32`, was `i32`",
        ),
        (
            "a named type in place of its base",
            &[(
                "{ name = \"ticks\", type = \"u32\", doc = \"How many ticks; 0: until the program ends.\" }]",
                "{ name = \"ticks\", type = \"part\", doc = \"How many.\" }]",
            )],
            None,
            "",
        ),
        (
            "the base of a type",
            &[("name = \"status\"\nbase = \"i32\"", "name = \"status\"\nbase = \"u32\"")],
            BREAKING,
            "status: is `u32`, was `i32`",
        ),
        (
            "the answer to a refused call",
            &[(
                "refused = -1\nerrors = [{ case = \"The last result has no",
                "refused = -2\nerrors = [{ case = \"The last result has no",
            )],
            BREAKING,
            "answers `-2` to a refused call",
        ),
        (
            "the status of a refusal",
            &[("status = \"STATUS_NO_PROGRAM\"", "status = \"STATUS_BUSY\"")],
            BREAKING,
            "NO_PROGRAM: has the status `STATUS_BUSY`",
        ),
        (
            "a refusal of another name",
            &[("[[refusal]]\nname = \"NO_YIELD\"", "[[refusal]]\nname = \"NOT_YIELDED\"")],
            COMPATIBLE,
            "NO_YIELD: is called `NOT_YIELDED`",
        ),
        (
            "a field of a structure",
            &[
                ("size = 12\n", "size = 16\n"),
                (
                    "    { name = \"wasm_pages\", type = \"u32\", offset = 8, doc = \"Pages of 64 KiB of the memory: always 32.\" },\n",
                    "    { name = \"wasm_pages\", type = \"u32\", offset = 8, doc = \"Pages.\" },\n    { name = \"more\", type = \"u32\", offset = 12, doc = \"More.\" },\n",
                ),
            ],
            BREAKING,
            "write beyond the room",
        ),
        (
            "a rule of another name",
            &[("name = \"hex\"", "name = \"hexadecimal\""), ("\\x\" , hex , hex", "\\x\" , hexadecimal , hexadecimal")],
            COMPATIBLE,
            "the grammar matches the same texts",
        ),
        (
            "the keys of upvalues alone",
            &[("is = '\"[\" , digit1 , { digit } , \"]\"'", "is = '\"(\" , digit1 , { digit } , \")\"'")],
            BREAKING,
            "upvalue: is",
        ),
        (
            "a range of what the module sends",
            &[(
                "{ name = \"message\", type = \"text\", count = \"rest\", max = 199",
                "{ name = \"message\", type = \"text\", count = \"rest\", max = 300",
            )],
            BREAKING,
            "item `message` may be at most 300, was at most 199",
        ),
        (
            "a value that the host may send",
            &[(
                "place = \"argument\", tags = [\"TAG_STRING\"], doc = \"The name of a global",
                "place = \"argument\", tags = [\"TAG_STRING\", \"TAG_INTEGER\"], doc = \"The name of a global",
            )],
            COMPATIBLE,
            "the module takes more than old hosts send",
        ),
        (
            "an entry of a stored table",
            &[("{ key = \"code\", layout = \"code_entry\"", "{ key = \"bytecode\", layout = \"code_entry\"")],
            BREAKING,
            "read each other's states",
        ),
        (
            "an artifact that needs more",
            &[("features = [\"sign-extension\"]", "features = [\"bulk-memory\", \"sign-extension\"]")],
            BREAKING,
            "needs `bulk-memory`",
        ),
        (
            "the default line of Lua",
            &[("lines = [\"5.4\", \"5.5\"]", "lines = [\"5.5\", \"5.4\"]"), ("lua = \"5.4\"", "lua = \"5.5\"")],
            BREAKING,
            "the default: is 5.5, was 5.4",
        ),
        (
            "the handler of an import",
            &[("handler = \"size\"", "handler = \"count\"")],
            BREAKING,
            "is answered by `count`, was by `size`",
        ),
        (
            "what stands for an exception",
            &[("threw = -2147483648", "threw = -2147483647")],
            BREAKING,
            "stands for an exception",
        ),
        (
            "the custom section",
            &[("section = \"lua-persistent\"", "section = \"lua\"")],
            BREAKING,
            "the custom section: is `lua`",
        ),
    ]);
}

#[test]
fn a_version_that_grows_allows_what_breaks_and_one_that_shrinks_allows_nothing() {
    let source = source();
    let version = format!("version = {}", Manifest::read(&source).unwrap().abi.version);
    let breaking = ("name = \"get_heap_size\"", "name = \"get_heap_bytes\"");
    assert!(!report(&source, &[breaking]).is_accepted());
    assert!(report(&source, &[breaking, (&version, "version = 900")]).is_accepted());
    assert!(report(&source, &[(&version, "version = 900")]).is_accepted());
    let back = report(&source, &[(&version, "version = 1")]);
    assert!(!back.is_accepted());
    assert!(back.to_string().contains("a version that was given is not given again"), "{back}");
}

/// The newest ABI in `snapshots/abi/`, which is that of the last release.
fn released() -> (u64, Contract) {
    let folder = root().join("snapshots/abi");
    let files = std::fs::read_dir(&folder).expect("snapshots/abi has the ABI of each released version");
    let versions = files.filter_map(|file| {
        let path = file.ok()?.path();
        (path.extension()? == "json").then(|| path.file_stem()?.to_str()?.parse::<u64>().ok())?
    });
    let newest = versions.max().expect("snapshots/abi has the ABI of the last release");
    let name = format!("snapshots/abi/{newest}.json");
    let text = std::fs::read_to_string(root().join(&name)).expect("the file is there");
    (newest, contract(&name, &text))
}

#[test]
fn nothing_breaks_callers_of_the_last_release() {
    let (newest, released) = released();
    assert_eq!(released.version, Some(newest), "the file is named after the version that it says");
    let report = compare(&released, &contract("exports.toml", &json(&source())));
    assert!(
        report.is_accepted(),
        "{report}\nthis breaks callers of ABI {newest}, the last release: take it back, or raise `version` of [abi] in \
         exports.toml"
    );
}

#[test]
fn a_module_is_compared_by_what_it_says() {
    let wasm = root().join("web/lua.wasm");
    let Ok(bytes) = std::fs::read(&wasm) else { return };
    let module = Contract::of_wasm("lua.wasm", &bytes).unwrap_or_else(|error| panic!("{error}"));
    let same = compare(&module, &module);
    assert!(same.changes.is_empty(), "{same}");
    let source = source();
    let without = changed(&source, &[("name = \"get_heap_size\"", "name = \"get_heap_bytes\"")]);
    let report = compare(&module, &contract("new", &json(&without)));
    let found: Vec<_> = report.changes.iter().map(|change| (change.subject.as_str(), change.verdict)).collect();
    assert!(found.contains(&("get_heap_size", Verdict::Breaking)), "{report}");
    assert!(found.contains(&("get_heap_bytes", Verdict::Compatible)), "{report}");
    assert!(report.to_string().contains("not names of parameters"), "{report}");
}

#[test]
fn files_that_are_no_abi_are_refused_with_what_is_wrong() {
    let whole = json(&source());
    for (text, words) in [
        ("", "is neither a module nor JSON"),
        ("{", "is neither a module nor JSON: EOF"),
        ("[1, 2]", "is JSON, but no ABI file: it has no `abi_version`"),
        ("{\"abi_version\": 2}", "the file has no `types`"),
        ("{\"abi_version\": 2, \"types\": [], \"memory\": 5}", "the file has no `services`"),
        (
            &whole.replacen("\"abi_version\": 2", "\"abi_version\": \"2\"", 1),
            "abi_version should be a whole number, not a text",
        ),
        (&whole.replacen("\"abi_version\": 2", "\"abi_version\": -2", 1), "`abi_version` is -2"),
        (
            &whole.replacen("\"table_id\": 0", "\"table_id\": {}", 1),
            "services.table_id should be a whole number, not an object",
        ),
        (&whole.replacen("\"name\": \"STATUS_OK\"", "\"name\": null", 1), "has no `name`"),
        (
            &whole.replacen("\"name\": \"STATUS_OK\"", "\"name\": \"STATUS_PAUSED\"", 1),
            "constants names `STATUS_PAUSED` twice",
        ),
        (
            &whole.replacen("\"refused\": \"message\"", "\"refused\": []", 1),
            "refused should be a whole number, not a list",
        ),
    ] {
        let error = Contract::of_json("some.json", text).expect_err(words).to_string();
        assert!(error.starts_with("some.json: ") && error.contains(words), "{error}");
    }
    for (bytes, words) in [
        (&b"\0asm\x01\0\0\0"[..], "it is not one of our artifacts"),
        (&b"\0asm\x01\0\0\0\x01\xff"[..], "cannot be read"),
        (&b"\0asm\x02\0\0\0"[..], "cannot be read"),
    ] {
        let error = Contract::of_wasm("some.wasm", bytes).expect_err(words).to_string();
        assert!(error.starts_with("some.wasm: ") && error.contains(words), "{error}");
    }
}

#[test]
fn rules_that_stand_in_each_other_without_end_are_compared_in_time() {
    let rules = |last: &str| {
        let rule = |n: usize| {
            let next = n + 1;
            format!(
                "{{\"name\": \"r{n}\", \"is\": {{\"sequence\": [{{\"rule\": \"r{next}\"}}, {{\"rule\": \"r{next}\"}}]}}}}, "
            )
        };
        let many: String = (0..60).map(rule).collect();
        format!(
            "\"keys\": [{many}{{\"name\": \"r60\", \"is\": {last}}}, {{\"name\": \"form\", \"is\": {{\"rule\": \"r0\"}}}}, "
        )
    };
    let whole = json(&source());
    let (before, after) = whole.split_once("\"keys\": [").unwrap();
    let (_, after) = after.split_once("{\n      \"name\": \"stored\"").unwrap();
    let with = |last: &str| contract("some.json", &format!("{before}{}{{\"name\": \"stored\"{after}", rules(last)));
    let [one, same, other, loops] =
        [r#"{"text": "a"}"#, r#"{"text": "a"}"#, r#"{"text": "b"}"#, r#"{"rule": "r0"}"#].map(with);
    assert_eq!(compare(&one, &same).to_string(), "no change\n");
    assert_eq!(compare(&loops, &loops).to_string(), "no change\n");
    assert!(compare(&one, &other).breaking() > 0);
    assert!(compare(&one, &loops).breaking() > 0);
}

#[test]
fn an_abi_file_with_bytes_changed_is_read_or_refused() {
    let whole = json(&source()).into_bytes();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut below = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % limit as u64) as usize
    };
    let original = contract("old", std::str::from_utf8(&whole).unwrap());
    for _ in 0..200 {
        let mut changed = whole.clone();
        for _ in 0..1 + below(3) {
            let at = below(changed.len());
            changed[at] = b" \"0{}[],:9a"[below(11)];
        }
        match Contract::of_json("new", &String::from_utf8_lossy(&changed)) {
            Ok(new) => drop(compare(&original, &new).to_string()),
            Err(error) => assert!(error.to_string().starts_with("new: "), "{error}"),
        }
    }
}
