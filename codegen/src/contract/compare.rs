//! Compares two ABIs, part by part.

use super::fields::{self, Use};
use super::read::{Artifact, Constant, Contract, Declared, Layouts, Refusal, Service};
use super::report::{Report, Verdict};
use super::{functions, grammar, wasm};

/// Every change that leads from the old ABI to the new one.
pub fn compare(old: &Contract, new: &Contract) -> Report {
    let mut report = Report { versions: old.version.zip(new.version), ..Report::default() };
    identity(&mut report, old, new);
    functions::exports(&mut report, old, new);
    functions::imports(&mut report, old, new);
    match (&old.declared, &new.declared) {
        (Some(old_said), Some(new_said)) => declared(&mut report, (old, old_said), (new, new_said)),
        _ if old.hash.is_some() && old.hash == new.hash => {
            report.remarks.push("the manifest's hash is the same: both agree on every call".to_owned());
        }
        _ => report.remarks.push(format!("compared is what both files say: {}", wasm::SILENT)),
    }
    artifact(&mut report, old, new);
    report
}

const BOUNDARY: &str = "Boundary";

fn identity(report: &mut Report, old: &Contract, new: &Contract) {
    if let Some((was, is)) = report.versions.filter(|(was, is)| was > is) {
        let why = "a version that was given is not given again";
        report.breaks(BOUNDARY, "version", format!("is {is}, was {was}"), why);
    }
    for (what, was) in &old.identity {
        let is = new.identity.iter().find(|(other, _)| other == what).map(|(_, is)| is);
        if let Some(is) = is.filter(|is| *is != was) {
            report.breaks(BOUNDARY, what, format!("is `{is}`, was `{was}`"), "every host relies on it");
        }
    }
}

fn declared(report: &mut Report, (old, old_said): (&Contract, &Declared), (new, new_said): (&Contract, &Declared)) {
    lines(report, old_said, new_said);
    types(report, old_said, new_said);
    constants(report, old_said, new_said);
    structs(report, old_said, new_said);
    services(report, &old_said.services, &new_said.services);
    refusals(report, (old, &old_said.refusals), (new, &new_said.refusals));
    match (&old_said.layouts, &new_said.layouts) {
        (Some(old), Some(new)) => {
            layouts(report, old, new);
            grammar::compare(report, old, new);
            stored(report, old, new);
        }
        (None, Some(_)) => report.remarks.push(format!("{} says no layouts: they are not compared", old.name)),
        (Some(_), None) => {
            report.breaks(LAYOUTS, "all", "are gone", "hosts generate encoders and decoders from them");
        }
        (None, None) => {}
    }
    artifacts(report, &old_said.artifacts, &new_said.artifacts);
}

fn lines(report: &mut Report, old: &Declared, new: &Declared) {
    const SECTION: &str = "Lua";
    for line in old.lines.iter().filter(|line| !new.lines.contains(line)) {
        report.breaks(SECTION, line, "the line is gone", "programs are written for it");
    }
    for line in new.lines.iter().filter(|line| !old.lines.contains(line)) {
        report.allows(SECTION, line, "the line is new", "whoever asks for no line gets the default");
    }
    if let (Some(was), Some(is)) = (old.lines.first(), new.lines.first())
        && was != is
        && new.lines.contains(was)
    {
        let why = "whoever asks for no line gets another language";
        report.breaks(SECTION, "the default", format!("is {is}, was {was}"), why);
    }
}

fn types(report: &mut Report, old: &Declared, new: &Declared) {
    const SECTION: &str = "Types";
    for (name, base) in &old.types {
        match new.types.iter().find(|(other, _)| other == name) {
            None => report.breaks(SECTION, name, "is gone", "typed programs name it"),
            Some((_, is)) if is != base => {
                report.breaks(
                    SECTION,
                    name,
                    format!("is `{is}`, was `{base}`"),
                    "whatever has this type crosses in another form",
                );
            }
            Some(_) => {}
        }
    }
    for (name, base) in new.types.iter().filter(|(name, _)| !old.types.iter().any(|(other, _)| other == name)) {
        report.allows(SECTION, name, format!("is new, a `{base}`"), "it names what was there, or what is new");
    }
}

const CONSTANTS: &str = "Constants";
const TAGS: &str = "Value tags";

fn section_of(constant: &Constant) -> &'static str {
    if constant.places.is_empty() { CONSTANTS } else { TAGS }
}

fn constants(report: &mut Report, old: &Declared, new: &Declared) {
    let known = |constant: &Constant, list: &[Constant]| list.iter().any(|other| other.name == constant.name);
    for was in &old.constants {
        let Some(is) = new.constants.iter().find(|is| is.name == was.name) else {
            report.breaks(
                section_of(was),
                &was.name,
                format!("is gone, was {}", was.value),
                "hosts use it, and old data has it",
            );
            continue;
        };
        constant(report, was, is);
    }
    for is in new.constants.iter().filter(|is| !known(is, &old.constants)) {
        let (verdict, why) = added(is, old);
        report.add(section_of(is), &is.name, format!("is new, {}", is.value), verdict, why);
    }
}

/// Whether a new constant breaks hosts that do not know it.
fn added(constant: &Constant, old: &Declared) -> (Verdict, &'static str) {
    let reaches = |place: &str| constant.places.iter().any(|other| other == place);
    if reaches("result") {
        return (Verdict::Breaking, "old hosts get values with a tag that they cannot read");
    }
    if reaches("entry") {
        return (Verdict::Breaking, "old hosts and old modules find entries with a tag that they cannot read");
    }
    if !constant.places.is_empty() {
        return (Verdict::Compatible, "only hosts send it; a new host looks whether a module takes it");
    }
    if old.closed.contains(&constant.group) {
        return (Verdict::Breaking, "hosts rely on knowing all constants of this group");
    }
    (Verdict::Compatible, "hosts expect constants of this group that they do not know")
}

fn constant(report: &mut Report, was: &Constant, is: &Constant) {
    let (section, name) = (section_of(was), &was.name);
    if was.value != is.value {
        let why = match (was.value < is.value, was.group == "Sizes") {
            (true, true) => "a limit is promised to both sides: old hosts get more than they have room for",
            (false, true) => {
                "a limit is promised to both sides: what fits it now is refused, and old modules still send it"
            }
            _ => "both sides have the number in their code, and old data has it",
        };
        report.breaks(section, name, format!("is {}, was {}", is.value, was.value), why);
    }
    if was.ty != is.ty {
        report.breaks(
            section,
            name,
            format!("is a `{}`, was a `{}`", is.ty, was.ty),
            "it takes another number of bytes",
        );
    }
    places(report, was, is);
    if was.only != is.only {
        let show =
            |only: &Option<String>| only.as_ref().map_or("anywhere".to_owned(), |only| format!("only in `{only}`"));
        let what = format!("stands {}, stood {}", show(&is.only), show(&was.only));
        report.breaks(section, name, what, "old readers do not expect it there");
    }
    match (&was.items, &is.items) {
        (Some(was), Some(is)) => {
            fields::compare(report, section, name, was, is, Use::Items { from_host: false, open: false });
        }
        (Some(_), None) => report.breaks(section, name, "says no more what follows it", "readers cannot skip it"),
        (None, Some(items)) if !items.is_empty() && was.ty == "u8" && !was.places.is_empty() => {
            report.allows(section, name, "says what follows it", "it says what the documentation said");
        }
        _ => {}
    }
}

fn places(report: &mut Report, was: &Constant, is: &Constant) {
    for place in was.places.iter().filter(|place| !is.places.contains(place)) {
        let why = match place.as_str() {
            "result" => "a new host gets it from old modules",
            "entry" => "it is stored",
            _ => "old hosts send it",
        };
        report.breaks(TAGS, &was.name, format!("may no longer stand in `{place}`"), why);
    }
    for place in is.places.iter().filter(|place| !was.places.contains(place)) {
        let what = format!("may also stand in `{place}`");
        match place.as_str() {
            "result" => report.breaks(TAGS, &was.name, what, "old hosts do not expect it there"),
            "entry" => {
                report.breaks(TAGS, &was.name, what, "old hosts and old modules do not expect it in what is stored")
            }
            _ => report.allows(
                TAGS,
                &was.name,
                what,
                "old hosts do not send it; a new host looks whether a module takes it",
            ),
        }
    }
}

fn structs(report: &mut Report, old: &Declared, new: &Declared) {
    const SECTION: &str = "Structures";
    for was in &old.structs {
        let Some(is) = new.structs.iter().find(|is| is.name == was.name) else {
            report.breaks(SECTION, &was.name, "is gone", "old hosts read it");
            continue;
        };
        fields::compare(report, SECTION, &was.name, &was.fields, &is.fields, Use::Struct);
        if was.size != is.size {
            let what = format!("has {} bytes, had {}", is.size, was.size);
            report.breaks(SECTION, &was.name, what, "callers give room for the old size");
        }
    }
    for is in new.structs.iter().filter(|is| !old.structs.iter().any(|was| was.name == is.name)) {
        report.allows(SECTION, &is.name, "is new", "only new exports use it");
    }
}

fn services(report: &mut Report, old: &[Service], new: &[Service]) {
    const SECTION: &str = "Services";
    for was in old {
        let Some(is) = new.iter().find(|is| is.name == was.name) else {
            match new.iter().find(|is| is.number == was.number && !old.iter().any(|other| other.name == is.name)) {
                Some(is) => {
                    let why = "programs that use the generated loader have a handler of the old name";
                    report.breaks(SECTION, &was.name, format!("is called `{}`", is.name), why);
                }
                None => report.breaks(SECTION, &was.name, "is gone", "what old hosts offer is asked for no more"),
            }
            continue;
        };
        if was.number != is.number {
            let what = format!("is number {}, was {}", is.number, was.number);
            report.breaks(SECTION, &was.name, what, "hosts know a request by its number");
        }
        fields::compare(report, SECTION, &was.name, &was.args, &is.args, Use::Position);
        fields::compare(report, SECTION, &was.name, &was.reply, &is.reply, Use::Reply);
    }
    for is in new.iter().filter(|is| !old.iter().any(|was| was.name == is.name)) {
        match old.iter().find(|was| was.number == is.number) {
            // One of another name, which is complained about above.
            Some(was) if !new.iter().any(|other| other.name == was.name) => {}
            Some(was) => {
                let what = format!("is new, with number {}, which was that of `{}`", is.number, was.name);
                report.breaks(SECTION, &is.name, what, "old hosts take it for the other");
            }
            None => {
                let why = "old hosts do not offer it, and the module does without; old modules do not ask";
                report.allows(SECTION, &is.name, format!("is new, number {}", is.number), why);
            }
        }
    }
}

fn refusals(report: &mut Report, (old_abi, old): (&Contract, &[Refusal]), (new_abi, new): (&Contract, &[Refusal])) {
    const SECTION: &str = "Refusals";
    let is_old = |name: &String| old_abi.exports.iter().any(|export| export.name == *name);
    let is_still = |name: &String| new_abi.exports.iter().any(|export| export.name == *name);
    // One of another name is the same if it has the status and the exports: its name does not cross.
    let same = |a: &Refusal, b: &Refusal| {
        let sorted = |refusal: &Refusal| {
            let mut exports = refusal.exports.clone();
            exports.sort_unstable();
            exports
        };
        a.status == b.status && sorted(a) == sorted(b)
    };
    let absent = |name: &str, list: &[Refusal]| !list.iter().any(|other| other.name == name);
    let renamed = |was: &Refusal| new.iter().find(|is| absent(&is.name, old) && same(was, is));
    for was in old {
        let Some(is) = new.iter().find(|is| is.name == was.name) else {
            match renamed(was) {
                Some(is) => {
                    report.allows(SECTION, &was.name, format!("is called `{}`", is.name), "the name does not cross")
                }
                None => report.allows(
                    SECTION,
                    &was.name,
                    "is gone",
                    "what was refused is done now; a new host that relies on it looks first",
                ),
            }
            continue;
        };
        if was.status != is.status {
            let what = format!("has the status `{}`, had `{}`", is.status, was.status);
            report.breaks(SECTION, &was.name, what, "old hosts tell reasons apart by it");
        }
        for export in is.exports.iter().filter(|export| !was.exports.contains(export) && is_old(export)) {
            let what = format!("`{export}` refuses calls for it, too");
            report.breaks(SECTION, &was.name, what, "what old hosts could call is refused now");
        }
        for export in was.exports.iter().filter(|export| !is.exports.contains(export) && is_still(export)) {
            let what = format!("`{export}` refuses no call for it any more");
            let why = "what was refused is done now; a new host that relies on it looks first";
            report.allows(SECTION, &was.name, what, why);
        }
    }
    for is in new.iter().filter(|is| absent(&is.name, old)) {
        if old.iter().any(|was| absent(&was.name, new) && same(was, is)) {
            continue;
        }
        let refusing: Vec<_> = is.exports.iter().filter(|export| is_old(export)).cloned().collect();
        if refusing.is_empty() {
            report.allows(SECTION, &is.name, "is new", "only new exports refuse calls for it");
        } else {
            let what = format!("is new, for {}", refusing.join(", "));
            report.breaks(SECTION, &is.name, what, "what old hosts could call may be refused now");
        }
    }
}

const LAYOUTS: &str = "Layouts";

fn layouts(report: &mut Report, old: &Layouts, new: &Layouts) {
    for was in &old.layouts {
        let Some(is) = new.layouts.iter().find(|is| is.name == was.name) else {
            report.breaks(LAYOUTS, &was.name, "is gone", "hosts generate encoders and decoders from it");
            continue;
        };
        if was.from != is.from {
            let what = format!("is written by `{}`, was by `{}`", is.from, was.from);
            report.breaks(LAYOUTS, &was.name, what, "old readers do not expect it, or old writers still write it");
        }
        if was.open != is.open {
            let (what, why) = if is.open {
                ("may be followed by more", "old readers do not expect more")
            } else {
                ("may be followed by nothing", "old writers may write more")
            };
            report.breaks(LAYOUTS, &was.name, what, why);
        }
        let how = Use::Items { from_host: was.from == "host", open: was.open };
        fields::compare(report, LAYOUTS, &was.name, &was.items, &is.items, how);
    }
    for is in new.layouts.iter().filter(|is| !old.layouts.iter().any(|was| was.name == is.name)) {
        report.allows(LAYOUTS, &is.name, "is new", "it says nothing of what was there");
    }
}

fn stored(report: &mut Report, old: &Layouts, new: &Layouts) {
    const SECTION: &str = "Stored tables";
    let why = "old and new modules read each other's states";
    for (name, entries) in &old.stored {
        let Some((_, now)) = new.stored.iter().find(|(other, _)| other == name) else {
            report.breaks(SECTION, name, "is gone", why);
            continue;
        };
        for entry in entries.iter().filter(|entry| !now.contains(entry)) {
            report.breaks(SECTION, name, format!("no longer has {entry}"), why);
        }
        for entry in now.iter().filter(|entry| !entries.contains(entry)) {
            report.breaks(SECTION, name, format!("now has {entry}"), why);
        }
    }
    for (name, _) in new.stored.iter().filter(|(name, _)| !old.stored.iter().any(|(other, _)| other == name)) {
        report.breaks(SECTION, name, "is new", "an old module does not know such a table when it reads a state");
    }
}

const ARTIFACTS: &str = "Artifacts";

fn artifacts(report: &mut Report, old: &[Artifact], new: &[Artifact]) {
    for was in old {
        let Some(is) = new.iter().find(|is| is.name == was.name) else {
            report.breaks(ARTIFACTS, &was.name, "is gone", "programs load it");
            continue;
        };
        for (what, was_text, is_text, why) in [
            ("path", &was.path, &is.path, "programs load it from there"),
            ("unwind", &was.unwind, &is.unwind, "engines need other features for it, or hosts other imports"),
            ("line", &was.line, &is.line, "programs are written for one line of Lua"),
        ] {
            if was_text != is_text && !was_text.is_empty() {
                report.breaks(ARTIFACTS, &was.name, format!("`{what}` is `{is_text}`, was `{was_text}`"), why);
            }
        }
        features(report, &was.name, &was.features, &is.features);
    }
    for is in new.iter().filter(|is| !old.iter().any(|was| was.name == is.name)) {
        report.allows(ARTIFACTS, &is.name, "is new", "nobody loads it yet");
    }
}

fn features(report: &mut Report, name: &str, old: &[String], new: &[String]) {
    for feature in new.iter().filter(|feature| !old.contains(feature)) {
        report.breaks(ARTIFACTS, name, format!("needs `{feature}`"), "engines without it do not load the module");
    }
    for feature in old.iter().filter(|feature| !new.contains(feature)) {
        report.allows(ARTIFACTS, name, format!("does not need `{feature}`"), "more engines load the module");
    }
}

/// Compares what two modules are for: their features, and how errors unwind.
fn artifact(report: &mut Report, old: &Contract, new: &Contract) {
    if let (Some(was), Some(is)) = (&old.features, &new.features) {
        features(report, &new.name, was, is);
    }
    if let (Some(was), Some(is)) = (old.unwinds_by_host, new.unwinds_by_host)
        && was != is
    {
        let what = if is { "unwinds by two imports" } else { "unwinds by itself" };
        report.breaks(ARTIFACTS, &new.name, what, "it is another artifact: hosts of the one do not start the other");
    }
}
