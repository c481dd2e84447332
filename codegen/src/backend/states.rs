//! Writes the states of a module as a diagram and tables, and the table of runtimes.

use std::fmt::Write;

use super::text::table;
use crate::manifest::{Manifest, Runtime, State};

/// What states there are, as a diagram and as a table.
pub fn states(manifest: &Manifest) -> String {
    let mut out = "```mermaid\nstateDiagram-v2\n".to_owned();
    if let Some(first) = manifest.states.first() {
        let _ = writeln!(out, "    [*] --> {}", first.name);
    }
    for state in &manifest.states {
        for (by, to) in &state.leads {
            let _ = writeln!(out, "    {} --> {to}: {by}", state.name);
        }
    }
    out.push_str("```\n\n");
    let row = |state: &State| {
        let leads: Vec<_> = state.leads.iter().map(|(by, to)| format!("{by}: `{to}`")).collect();
        [format!("`{}`", state.name), state.doc.clone(), leads.join("; ")]
    };
    out + &table(["State", "What it is", "Leads on"], manifest.states.iter().map(row))
}

/// Which exports are refused in which state.
pub fn allowed(manifest: &Manifest) -> String {
    let head = |out: &mut String, cells: Vec<String>| {
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    };
    let mut out = String::new();
    let names = manifest.states.iter().map(|state| format!("`{}`", state.name));
    head(&mut out, std::iter::once("Export".to_owned()).chain(names).collect());
    head(&mut out, vec!["---".to_owned(); manifest.states.len() + 1]);
    for export in &manifest.exports {
        let name = &export.function.name;
        let refused = |state: &State| {
            let mut refusals = manifest.refusals_of(name);
            let refusal = refusals.find(|refusal| state.refusals.contains(&refusal.name));
            refusal.map_or_else(String::new, |refusal| format!("`{}`", refusal.status))
        };
        let cells = manifest.states.iter().map(refused);
        head(&mut out, std::iter::once(format!("[{name}](#{name})")).chain(cells).collect());
    }
    out
}

/// Which runtime takes which artifact.
pub fn runtimes(runtimes: &[Runtime]) -> String {
    let row = |runtime: &Runtime| {
        let artifacts: Vec<_> = runtime.artifacts.iter().map(|name| format!("`{name}`")).collect();
        let artifacts = if artifacts.is_empty() { "none".to_owned() } else { artifacts.join(", ") };
        let tested = if runtime.tested { "tested" } else { "by its documentation" };
        [runtime.name.clone(), artifacts, tested.to_owned(), runtime.doc.clone()]
    };
    table(["Runtime", "Artifact", "", "Remarks"], runtimes.iter().map(row))
}
