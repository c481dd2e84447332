//! Compares exports and imports.

use super::fields::{self, Use};
use super::read::{Contract, Function, Signature};
use super::report::Report;

const EXPORTS: &str = "Exports";
const IMPORTS: &str = "Imports";

/// Compares the functions of the module.
pub(super) fn exports(report: &mut Report, old: &Contract, new: &Contract) {
    for was in &old.exports {
        match new.exports.iter().find(|is| is.name == was.name) {
            Some(is) => function(report, EXPORTS, was, is),
            None => report.breaks(EXPORTS, &was.name, "is gone", "old hosts call it"),
        }
    }
    for is in new.exports.iter().filter(|is| !old.exports.iter().any(|was| was.name == is.name)) {
        report.allows(
            EXPORTS,
            &is.name,
            "is new",
            "old hosts do not call it; a new host looks whether a module has it",
        );
    }
}

/// Compares the functions of the host.
pub(super) fn imports(report: &mut Report, old: &Contract, new: &Contract) {
    for was in &old.imports {
        match new.imports.iter().find(|is| is.name == was.name) {
            Some(is) => function(report, IMPORTS, was, is),
            None => report.breaks(IMPORTS, &was.name, "is gone", "an old module does not start without it"),
        }
    }
    for is in new.imports.iter().filter(|is| !old.imports.iter().any(|was| was.name == is.name)) {
        report.breaks(IMPORTS, &is.name, "is new", "no module that needs it starts with an old host");
    }
}

fn function(report: &mut Report, section: &'static str, old: &Function, new: &Function) {
    let name = &old.name;
    if old.wasm != new.wasm {
        let what = format!("is `{}`, was `{}`", new.wasm, old.wasm);
        return report.breaks(
            section,
            name,
            what,
            "WebAssembly has another type for it: callers pass or get something else",
        );
    }
    if let (Some(old), Some(new)) = (&old.declared, &new.declared) {
        declared(report, section, name, old, new);
    }
}

fn declared(report: &mut Report, section: &'static str, name: &str, old: &Signature, new: &Signature) {
    fields::compare(report, section, name, &old.params, &new.params, Use::Position);
    if old.returns != new.returns {
        let what = format!("returns `{}`, returned `{}`", new.returns, old.returns);
        report.breaks(section, name, what, "callers read another type");
    }
    let layouts = old.leaves.iter().zip(&new.leaves).zip(["positive", "negative"]);
    for ((was, is), sign) in layouts.filter(|((was, is), _)| was.is_some() && was != is) {
        let show = |layout: &Option<String>| layout.clone().unwrap_or_else(|| "nothing".to_owned());
        let what = format!("a {sign} result means `{}` in the buffer, meant `{}`", show(is), show(was));
        report.breaks(section, name, what, "old hosts read the other layout");
    }
    if old.refused != new.refused {
        let show =
            |answer: &Option<String>| answer.as_ref().map_or("nothing".to_owned(), |answer| format!("`{answer}`"));
        let what = format!("answers {} to a refused call, answered {}", show(&new.refused), show(&old.refused));
        report.breaks(section, name, what, "old hosts take a refusal for something else");
    }
    if old.handler != new.handler
        && let (Some((handler, threw)), Some((was, threw_was))) = (&new.handler, &old.handler)
    {
        if handler != was {
            let why = "programs that use the generated loader have a method of the old name";
            report.breaks(section, name, format!("is answered by `{handler}`, was by `{was}`"), why);
        }
        if threw != threw_was {
            let what = format!("{threw} stands for an exception, was {threw_was}");
            report.breaks(section, name, what, "hosts return the old number");
        }
    }
}
