//! Holds the imports to the five that every host supplies.

use super::diagnostics::Problem;
use super::entry::{Entry, Faults};
use super::model::Import;

/// The imports with the types of their parameters and of their result. Hosts are written against them, so the list is
/// part of this program and not of the manifest.
const CLOSED: [(&str, &[&str], &str); 5] = [
    ("js_ext_table_set", &["u32", "bytes", "bytes"], "i32"),
    ("js_ext_table_get", &["u32", "bytes", "bytes_mut"], "i32"),
    ("js_ext_table_delete", &["u32", "bytes"], "i32"),
    ("js_ext_table_size", &["u32"], "i32"),
    ("js_ext_table_keys", &["u32", "bytes_mut"], "i32"),
];

/// Notes an import that is none of the five, or has another form.
pub fn check(import: &Import, entry: &Entry<'_>, faults: &mut Faults) {
    let function = &import.function;
    let name = function.name.clone();
    let Some((_, params, result)) = CLOSED.iter().find(|(closed, ..)| *closed == name) else {
        let known = CLOSED.iter().map(|(name, ..)| (*name).to_owned()).collect();
        return faults.add(Problem::ClosedImports { name, known }, entry.span());
    };
    let declared: Vec<_> =
        function.params.iter().map(|param| param.ty.scalar().map_or(param.ty.name(), |scalar| scalar.name())).collect();
    let returned = function.returns.as_ref().and_then(|returns| returns.ty.scalar()).map(|scalar| scalar.name());
    if declared != *params || returned != Some(*result) {
        let form = format!("({}) -> {result}", params.join(", "));
        faults.add(Problem::ChangedImport { name, form }, entry.span());
    }
}
