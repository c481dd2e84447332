//! Checks that no test of the binary interface in JavaScript is without its counterpart here.

use std::fs;
use std::path::Path;

/// Tests that have no counterpart, and why.
const EXCUSED: [(&str, &str); 1] = [("in_json_has_a_form_of_its_own", "this crate does not export tables as JSON")];

/// Files whose tests have none, and why. The codecs of this crate are held to the same vectors of values and keys by `vectors.rs`.
const FILES: [(&str, &str); 1] =
    [("layouts.test.js", "an interpreter of the layouts of abi.json, which is JavaScript, against the vectors")];

/// A test's name as that of a function: what JavaScript's library does there, this crate does here.
fn function_name(name: &str) -> String {
    // What a template fills in, and the file that a name mentions in parentheses, are left out.
    let mut plain = String::new();
    let mut rest = name;
    while let Some((before, inserted)) = rest.split_once("${") {
        plain.push_str(before);
        rest = inserted.split_once('}').map_or("", |(_, behind)| behind);
    }
    plain.push_str(rest);
    let plain = plain.split(" (src/").next().unwrap_or_default().split(" (web/").next().unwrap_or_default().to_owned();
    let plain = plain.replace("JavaScript", "Rust").to_lowercase().replace('\'', "");
    let words: Vec<_> = plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// The names of the tests in a file: what stands in quotes behind `test(`, or as the third argument of `testWhere(`.
fn names(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in source.lines() {
        let quoted = |rest: &str| -> Option<String> {
            let quote = rest.chars().next().filter(|c| "'`\"".contains(*c))?;
            rest[1..].rsplit_once(&format!("{quote}, ")).map(|(name, _)| name.to_owned())
        };
        if let Some((before, rest)) = line.split_once("testWhere(")
            && before.trim().is_empty()
        {
            // Two arguments come before the name.
            names.extend(rest.splitn(3, ", ").nth(2).and_then(quoted));
        } else if let Some((before, rest)) = line.split_once("test(")
            && before.trim().is_empty()
        {
            names.extend(quoted(rest));
        }
    }
    names
}

#[test]
fn every_test_of_the_binary_interface_has_its_counterpart() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = String::new();
    for file in fs::read_dir(here.join("tests/abi")).unwrap() {
        known += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    let (mut count, mut missing, mut excused) = (0, Vec::new(), Vec::new());
    for file in fs::read_dir(here.join("../../tests/js/abi")).unwrap() {
        let file = file.unwrap().path();
        if !file.to_string_lossy().ends_with(".test.js") || FILES.iter().any(|(name, _)| file.ends_with(name)) {
            continue;
        }
        for name in names(&fs::read_to_string(&file).unwrap()) {
            let function = function_name(&name);
            count += 1;
            if EXCUSED.iter().any(|(excused, _)| *excused == function) {
                excused.push(function);
            } else if !known.contains(&format!("fn {function}(")) {
                missing.push(format!("{}: {name}: fn {function}()", file.display()));
            }
        }
    }
    assert!(count > 100, "only {count} tests were found");
    assert_eq!(excused, EXCUSED.map(|(name, _)| name), "an excuse is for a test that there is");
    assert!(missing.is_empty(), "these tests have no counterpart in hosts/rust/tests/abi:\n{}", missing.join("\n"));
}

#[test]
fn names_of_tests_become_names_of_functions() {
    assert_eq!(function_name("an error is -(length + 1) and its text"), "an_error_is_length_1_and_its_text");
    assert_eq!(function_name("${title}, in JavaScript (web/values/decoder.js)"), "in_rust");
    assert_eq!(
        names("  testWhere('entry', true, 'in JSON, has a form (web/x.js)', () => {"),
        ["in JSON, has a form (web/x.js)"]
    );
    assert_eq!(names("test('after it, it is so', { skip }, () => {"), ["after it, it is so"]);
}
