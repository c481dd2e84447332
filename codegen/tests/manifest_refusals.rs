//! Checks what the manifest's reader refuses, and its messages. Each test damages a valid manifest in one way.

use std::path::Path;

use codegen::manifest::{Manifest, Source};

const VALID: &str = include_str!("manifest_fixture.toml");

fn show(name: &str, diagnostics: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/manifest");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, diagnostics));
}

fn refusal(text: &str) -> String {
    match Manifest::parse("exports.toml", text) {
        Ok(_) => panic!("the manifest was accepted:\n{text}"),
        Err(diagnostics) => diagnostics.to_string(),
    }
}

/// The valid manifest with one text in place of another, which must be there.
fn with(old: &str, new: &str) -> String {
    assert!(VALID.contains(old), "the fixture does not contain {old:?}");
    VALID.replacen(old, new, 1)
}

macro_rules! refuses {
    ($($name:ident: $old:literal => $new:literal;)*) => {
        $(
            #[test]
            fn $name() {
                show(stringify!($name), &refusal(&with($old, $new)));
            }
        )*
    };
}

refuses! {
    unknown_key_with_the_nearest_known_one: "refused = -1" => "refusde = -1";
    unknown_key_that_is_near_to_none: "threw = -2" => "threw = -2\ncolour = \"red\"";
    unknown_section: "[[artifact]]" => "[[artefact]]";
    export_without_documentation: "doc = \"Copies the bytes.\"\n" => "";
    export_without_example: "example = 'instance.exports.count();'\n" => "";
    export_without_summary: "summary = \"Counts things.\"\n" => "";
    export_without_memory_safety: "memory = \"Reads a number.\"\n" => "";
    parameter_without_documentation: ", doc = \"In grams.\"" => "";
    empty_documentation: "\"All of them.\"" => "\"  \"";
    value_of_the_wrong_kind: "value = 32\n" => "value = \"32\"\n";
    list_of_the_wrong_kind: "features = [\"exceptions\", \"bulk-memory\"]" => "features = \"exceptions\"";
    entry_that_is_no_table: "params = [{ name = \"sample\", type = \"Sample\", doc = \"Where it goes.\" }]\nrefused = \"ignored\""
        => "params = [\"sample\"]";

    unknown_type_with_the_nearest_known_one: "type = \"u64\"" => "type = \"u46\"";
    unknown_type_of_a_parameter: "type = \"Sample\"" => "type = \"Smaple\"";
    structure_as_the_parameter_of_an_import: "name = \"key\", type = \"bytes\"" => "name = \"key\", type = \"Sample\"";
    bytes_as_a_result: "returns = { type = \"u32\"" => "returns = { type = \"bytes\"";
    byte_as_a_parameter: "name = \"weight\", type = \"f64\"" => "name = \"weight\", type = \"u8\"";
    bytes_as_a_field: "name = \"total\", type = \"u64\"" => "name = \"total\", type = \"bytes\"";
    bytes_before_the_last_item_of_a_service: "name = \"more\", type = \"u8\"" => "name = \"more\", type = \"bytes\"";
    float_as_a_constant: "type = \"i32\"\nvalue = 17" => "type = \"f64\"\nvalue = 17";
    type_made_of_bytes: "base = \"u32\"" => "base = \"bytes\"";

    duplicate_export: "name = \"count\"" => "name = \"put\"";
    duplicate_constant: "[[struct]]"
        => "[[constant]]\nname = \"WASM_PAGE_SIZE\"\ngroup = \"Sizes\"\ntype = \"u32\"\nvalue = 1\ndoc = \"Another.\"\n\n[[struct]]";
    duplicate_field: "name = \"age\", type" => "name = \"kind\", type";
    duplicate_parameter_after_expansion: "name = \"weight\"" => "name = \"text_len\"";
    duplicate_service_number: "[[artifact]]" => "[[service]]\nname = \"drop\"\nnumber = 7\nsummary = \"Drops.\"\ndoc = \"Drops.\"\nexample = 'drop: () => {}'\n\n[[artifact]]";
    duplicate_table_in_toml: "[[type]]" => "[abi]\n[[type]]";

    name_that_is_a_keyword_of_rust: "name = \"weight\"" => "name = \"match\"";
    name_that_is_a_keyword_of_javascript: "name = \"weight\"" => "name = \"new\"";
    name_that_is_a_keyword_of_webassembly: "name = \"measure\"" => "name = \"func\"";
    name_of_the_exported_memory: "name = \"count\"" => "name = \"memory\"";
    name_with_the_prefix_of_the_linker: "name = \"count\"" => "name = \"__heap_base\"";
    name_of_the_c_library: "name = \"count\"" => "name = \"malloc\"";
    name_of_a_property_of_the_loader: "name = \"count\"" => "name = \"exports\"";
    name_of_a_global: "name = \"Sample\"" => "name = \"Map\"";
    name_of_a_built_in_type: "[[constant]]" => "[[type]]\nname = \"u32\"\nbase = \"u64\"\ndoc = \"Larger.\"\n\n[[constant]]";
    function_name_in_camel_case: "name = \"count\"" => "name = \"countThings\"";
    constant_name_in_lower_case: "name = \"WASM_PAGE_SIZE\"" => "name = \"page_size\"";
    struct_name_in_lower_case: "name = \"Sample\"" => "name = \"sample\"";
    handler_name_in_snake_case: "handler = \"get\"" => "handler = \"get_it\"";

    fields_that_overlap: "name = \"total\", type = \"u64\", offset = 8" => "name = \"total\", type = \"u64\", offset = 0";
    fields_with_a_gap_between_them: "name = \"age\", type = \"u8\", offset = 21" => "name = \"age\", type = \"u8\", offset = 22";
    fields_with_padding_between_them: "name = \"at\", type = \"f64\"" => "name = \"at\", type = \"u32\"";
    field_that_is_misaligned: "type = \"handle\", offset = 16" => "type = \"handle\", offset = 18";
    bytes_at_the_end_that_belong_to_no_field: "    { name = \"mark\", type = \"u8\", offset = 23, doc = \"A mark.\" },\n" => "";
    size_that_is_not_that_of_the_fields: "size = 24" => "size = 22";

    constant_out_of_range: "value = 65536" => "value = 4294967296";
    service_number_out_of_range: "number = 7" => "number = 32";
    thrown_value_out_of_range: "threw = -2" => "threw = -2147483649";
    memory_of_another_size: "value = 32" => "value = 64";
    memory_without_a_size: "name = \"MEMORY_PAGES\"" => "name = \"MEMORY_PAGE\"";

    unknown_unwind_mode: "unwind = \"exnref\"" => "unwind = \"exnerf\"";
    unknown_feature: "\"bulk-memory\"" => "\"time-travel\"";
    service_import_that_does_not_exist: "service_import = \"js_ext_table_get\"" => "service_import = \"js_ext_table_gte\"";
    path_out_of_the_repository: "path = \"web/demo.wasm\"" => "path = \"../demo.wasm\"";

    pointers_without_an_answer: "refused = -1\n" => "";
    pointers_without_an_answer_in_an_export_without_result: "refused = \"ignored\"\n" => "";
    answer_of_an_export_that_refuses_nothing: "memory = \"Reads a number.\"" => "memory = \"Reads a number.\"\nrefused = 0";
    answer_of_an_export_that_returns_nothing: "refused = \"ignored\"" => "refused = -1";
    ignored_call_of_an_export_that_returns: "refused = -1" => "refused = \"ignored\"";
    refusal_of_an_export_without_an_answer: "exports = [\"put\"]" => "exports = [\"put\", \"count\"]";
    refusal_of_an_export_that_is_not_there: "exports = [\"put\"]" => "exports = [\"putt\"]";
    status_that_is_no_constant: "status = \"STATUS_REFUSED\"" => "status = \"STATUS_REFUSE\"";

    unknown_group_of_a_constant: "group = \"Status\"" => "group = \"Statsu\"";
    unknown_group_of_an_export: "group = \"Things\"" => "group = \"Elsewhere\"";
    unknown_group_of_an_import: "group = \"Host\"" => "group = \"Things\"";
    manifest_without_groups: "[groups]\nconstants = [\"Sizes\"]\nenumerations = [\"Status\"]\nexports = [\"Things\"]\nimports = [\"Host\"]\n" => "";
    constants_of_an_enumeration_with_one_value: "[[struct]]"
        => "[[constant]]\nname = \"STATUS_TIRED\"\ngroup = \"Status\"\ntype = \"i32\"\nvalue = 17\ndoc = \"Tired.\"\n\n[[struct]]";
    misspelt_constant_in_prose: "doc = \"The call was refused.\"" => "doc = \"Not `STATUS_REFUSDE`.\"";
    constant_in_prose_that_its_family_does_not_have: "doc = \"Copies the bytes.\"" => "doc = \"Gives `STATUS_SOMETHING_ELSE`.\"";
    misspelt_function_in_prose: "doc = \"Copies the bytes.\"" => "doc = \"As `js_ext_table_gte()` gave them.\"";
    import_that_is_none_of_the_five: "[[service]]"
        => "[[import]]\nname = \"js_ext_table_clear\"\ngroup = \"Host\"\nhandler = \"clear\"\nsummary = \"Clears.\"\ndoc = \"All.\"\nthrew = -2\nexample = 'js_ext_table_clear() {}'\n\n[[service]]";
    import_in_another_form: "{ name = \"key\", type = \"bytes\", doc" => "{ name = \"key\", type = \"u32\", doc";

    unknown_type_of_an_item: "type = \"handle\", count" => "type = \"handel\", count";
    count_that_no_earlier_item_has: "count = \"amount - 1\"" => "count = \"amuont - 1\"";
    count_that_is_no_number: "count = \"amount - 1\"" => "count = \"amount - x\"";
    unknown_writer_of_a_layout: "from = \"module\"" => "from = \"modul\"";
    layout_without_items: "items = [{ name = \"keys\", type = \"key\", rule = \"word\", count = \"rest\", joined = \",\" }]\n" => "";
    two_items_of_one_name: "name = \"unit\", type = \"text\"" => "name = \"amount\", type = \"text\"";
    unknown_layout_of_an_entry: "layout = \"measured\", doc" => "layout = \"mesaured\", doc";
    entry_with_a_key_and_a_rule: "{ key = \"all\", layout" => "{ key = \"all\", rule = \"word\", layout";
    rule_that_is_not_there: "{ letter }" => "{ lettre }";
    rule_whose_group_does_not_end: "{ letter }" => "{ letter";
    rule_with_a_terminal_that_does_not_end: "\"a\" ," => "\"a ,";
    rule_with_an_exception_of_several_characters: "( \",\" |" => "( \"no\" |";
    rule_with_a_character_that_is_none: "? U+000A ?" => "? U+D800 ?";
    state_that_leads_nowhere: "to = \"full\"" => "to = \"fall\"";
    state_with_an_unknown_refusal: "name = \"full\"\nrefusals = []" => "name = \"full\"\nrefusals = [\"NO_THINGS\"]";

    text_that_is_not_toml: "version = 3" => "version = = 3";
}

#[test]
fn all_errors_at_once_in_the_order_of_the_file() {
    let text = with("size = 24", "size = 25").replace("threw = -2", "thrown = -2").replace("value = 32", "value = 33");
    show("all_errors_at_once_in_the_order_of_the_file", &refusal(&text));
}

fn dead_links(text: &str) -> String {
    let anchors = ["value-encoding".to_owned()];
    match Manifest::check_links(&Source::single("exports.toml", text), &anchors, &|file| file == "CONVERSIONS.md") {
        Ok(()) => panic!("the links were accepted:\n{text}"),
        Err(diagnostics) => diagnostics.to_string(),
    }
}

#[test]
fn links_that_lead_nowhere() {
    let text = with("Copies the bytes.", "See [values](#value-encodign).").replace("By key.", "See [there](THERE.md).");
    show("links_that_lead_nowhere", &dead_links(&text));
}

#[test]
fn links_that_lead_somewhere_are_no_mistakes() {
    let text = "See [a](#value-encoding), [b](CONVERSIONS.md#x) and [c](https://lua.org).";
    let manifest = with("Copies the bytes.", text);
    let anchors = ["value-encoding".to_owned()];
    assert!(
        Manifest::check_links(&Source::single("exports.toml", &manifest), &anchors, &|file| file == "CONVERSIONS.md")
            .is_ok()
    );
    assert!(Manifest::parse("exports.toml", &manifest).is_ok());
}

#[test]
fn names_that_are_not_the_manifests_own_are_no_mistakes() {
    let text = "`STATUS_` constants, `STATUS_REFUSED`, `WASI_SDK_PATH`, `collect_garbage()`, `text_len`, `js_ext_` and `page`.";
    assert!(Manifest::parse("exports.toml", &with("Copies the bytes.", text)).is_ok());
}

#[test]
fn every_syntax_error_at_once() {
    let text = with("version = 3", "version = = 3").replace("number = 7", "number 7");
    show("every_syntax_error_at_once", &refusal(&text));
}

#[test]
fn file_that_cannot_be_read() {
    let diagnostics = Manifest::load(Path::new("no-such-folder/exports.toml")).expect_err("there is no such file");
    show("file_that_cannot_be_read", &diagnostics.to_string());
}

/// What is wrong with a manifest of two files, the second of which is included.
fn refusal_of_two(first: &str, second: &str) -> String {
    let files = [("exports.toml", first), ("abi/more.toml", second)];
    match Manifest::read(&Source::of(files.map(|(name, text)| (name.to_owned(), text.to_owned())))) {
        Ok(_) => panic!("the manifest was accepted:\n{first}\n{second}"),
        Err(diagnostics) => diagnostics.to_string(),
    }
}

#[test]
fn mistakes_in_an_included_file_are_shown_there() {
    let (first, second) = VALID.split_once("[[service]]").unwrap();
    let first = format!("include = [\"abi/more.toml\"]\n{first}");
    let files = |text: &str| {
        let files = [("exports.toml", first.as_str()), ("abi/more.toml", text)];
        Source::of(files.map(|(name, text)| (name.to_owned(), text.to_owned())))
    };
    let second = format!("[[service]]{second}");
    assert_eq!(
        Manifest::read(&files(&second)).map(|manifest| manifest.hash()).ok(),
        Manifest::parse("exports.toml", VALID).map(|manifest| manifest.hash()).ok(),
    );
    let second = second.replace("number = 7", "nubmer = 7").replace("doc = \"As many", "dco = \"As many");
    show("mistakes_in_an_included_file_are_shown_there", &refusal_of_two(&first, &second));
}

#[test]
fn an_entry_of_two_files_is_shown_in_both() {
    let second = "[abi]\nversion = 4\n\n[[type]]\nname = \"handle\"\nbase = \"u32\"\ndoc = \"Again.\"\n";
    let first = format!("include = [\"abi/more.toml\"]\n{VALID}");
    show("an_entry_of_two_files_is_shown_in_both", &refusal_of_two(&first, second));
}

#[test]
fn syntax_errors_of_two_files_are_shown_at_once() {
    let first = format!("include = [\"abi/more.toml\"]\n{}", with("version = 3", "version = = 3"));
    show("syntax_errors_of_two_files_are_shown_at_once", &refusal_of_two(&first, "doc = \"\"\"without an end\n"));
}

#[test]
fn a_text_can_include_no_file() {
    let text = format!("include = [\"abi/more.toml\"]\n{VALID}");
    show("a_text_can_include_no_file", &refusal(&text));
}

#[test]
fn included_files_that_cannot_be_read_or_lie_elsewhere() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("includes");
    std::fs::create_dir_all(&folder).unwrap();
    let list = "include = [\"more.toml\", \"../outside.toml\", \"twice.toml\", \"twice.toml\", 5]";
    std::fs::write(folder.join("exports.toml"), format!("{list}\n{VALID}")).unwrap();
    std::fs::write(folder.join("twice.toml"), "").unwrap();
    let diagnostics = Manifest::load(&folder.join("exports.toml")).expect_err("two files are not there");
    let text = diagnostics.to_string().replace(&folder.display().to_string(), "FOLDER");
    show("included_files_that_cannot_be_read_or_lie_elsewhere", &text);
}
