//! Compares lists of fields: parameters, replies, structures, layouts.

use super::read::{Bounds, Field};
use super::report::{Report, Verdict};

/// How the two sides know the fields of a list, and what may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Parameters and arguments, by their position. None may be added.
    Position,
    /// A reply of a host. Fields that have a default may be added at the end.
    Reply,
    /// A structure. None may be added, as its caller gives the room.
    Struct,
    /// Items of bytes, written by the module, the host, or both.
    Items {
        /// Whether only hosts write them.
        from_host: bool,
        /// Whether readers ignore what follows.
        open: bool,
    },
}

impl Use {
    fn noun(self) -> &'static str {
        match self {
            Self::Position => "parameter",
            Self::Reply | Self::Struct => "field",
            Self::Items { .. } => "item",
        }
    }
}

/// Compares two lists of fields of the same thing.
pub(super) fn compare(
    report: &mut Report,
    section: &'static str,
    subject: &str,
    old: &[Field],
    new: &[Field],
    how: Use,
) {
    let noun = how.noun();
    if let Some((name, from, to)) = moved(old, new) {
        let what = format!("{} became {}: {noun} `{name}` is number {to}, was {from}", shape(old), shape(new));
        let why = match how {
            Use::Position => "callers pass values by their position, so one takes the place of another",
            _ => "the bytes of one are read as those of another",
        };
        return report.breaks(section, subject, what, why);
    }
    for (old, new) in old.iter().zip(new) {
        field(report, section, subject, old, new, how);
    }
    for gone in old.iter().skip(new.len()) {
        let what = format!("{noun} `{}` is gone", gone.name);
        let why = match how {
            Use::Position => "old callers pass it",
            Use::Reply => "what old hosts answer there is heard no more",
            Use::Struct | Use::Items { .. } => "old readers expect it",
        };
        report.breaks(section, subject, what, why);
    }
    for added in new.iter().skip(old.len()) {
        let (what, verdict, why) = match (how, added.default) {
            (Use::Reply, Some(default)) => (
                format!("{noun} `{}` is new at the end, with the default {default}", added.name),
                Verdict::Compatible,
                "old hosts end their reply before it; old modules ignore it",
            ),
            (Use::Reply, None) => (
                format!("{noun} `{}` is new, without a default", added.name),
                Verdict::Breaking,
                "the reply of an old host ends before it, and counts as none",
            ),
            (Use::Items { open: true, .. }, _) => (
                format!("{noun} `{}` is new at the end", added.name),
                Verdict::Compatible,
                "readers ignore what follows",
            ),
            (Use::Position, _) => {
                (format!("{noun} `{}` is new", added.name), Verdict::Breaking, "old callers do not pass it")
            }
            (Use::Struct, _) => (
                format!("{noun} `{}` is new", added.name),
                Verdict::Breaking,
                "the module would write beyond the room that old callers give",
            ),
            (Use::Items { .. }, _) => (
                format!("{noun} `{}` is new at the end", added.name),
                Verdict::Breaking,
                "old readers take it for something else, or refuse it",
            ),
        };
        report.add(section, subject, what, verdict, why);
    }
}

/// `(a: u32, b: bytes)`
fn shape(fields: &[Field]) -> String {
    let fields: Vec<_> = fields.iter().map(|field| format!("{}: {}", field.name, field.ty)).collect();
    format!("({})", fields.join(", "))
}

/// A name of both lists that has another position, with its old and its new one, from 1.
fn moved<'f>(old: &'f [Field], new: &[Field]) -> Option<(&'f str, usize, usize)> {
    let place = |name: &str| new.iter().position(|field| field.name == name);
    let mut moves = old.iter().enumerate().filter_map(|(from, field)| Some((&field.name, from, place(&field.name)?)));
    moves.find(|(_, from, to)| from != to).map(|(name, from, to)| (name.as_str(), from + 1, to + 1))
}

fn field(report: &mut Report, section: &'static str, subject: &str, old: &Field, new: &Field, how: Use) {
    let noun = how.noun();
    let name = &old.name;
    if old.ty != new.ty {
        let what = format!("{noun} `{name}` is `{}`, was `{}`", new.ty, old.ty);
        report.breaks(section, subject, what, "the same bits mean something else, or have another size");
    }
    if old.name != new.name {
        let what = format!("{noun} `{name}` is called `{}`", new.name);
        match how {
            Use::Position => report.allows(section, subject, what, "callers pass it by its position"),
            Use::Items { .. } => report.allows(section, subject, what, "the bytes are the same"),
            Use::Reply | Use::Struct => {
                report.breaks(section, subject, what, "programs that use the generated loader know it by its name");
            }
        }
    }
    if old.default != new.default {
        let what = match (old.default, new.default) {
            (None, Some(new)) => {
                let what = format!("{noun} `{name}` has the default {new}");
                return report.allows(section, subject, what, "a reply may now end before it; old hosts send it");
            }
            (Some(old), Some(new)) => format!("the default of {noun} `{name}` is {new}, was {old}"),
            _ => format!("{noun} `{name}` has no default any more"),
        };
        report.breaks(section, subject, what, "the reply of an old host that ends before it means something else");
    }
    let fact =
        |field: &Field, key: &str| field.facts.iter().find(|(other, _)| *other == key).map(|(_, text)| text.clone());
    let mut keys: Vec<_> = old.facts.iter().chain(&new.facts).map(|(key, _)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let (was, is) = (fact(old, key), fact(new, key));
        if was != is {
            let show = |text: Option<String>| text.map_or("nothing".to_owned(), |text| format!("{text:?}"));
            let what = format!("`{key}` of {noun} `{name}` is {}, was {}", show(is), show(was));
            // A layout that is named for the first time says what was in prose before.
            if key == "layout" && fact(old, key).is_none() {
                report.allows(section, subject, what, "it says what the documentation said");
                continue;
            }
            report.breaks(section, subject, what, "old readers or writers expect other bytes");
        }
    }
    bounds(report, section, subject, &format!("{noun} `{name}`"), (&old.bounds, &new.bounds), how);
}

fn bounds(
    report: &mut Report,
    section: &'static str,
    subject: &str,
    field: &str,
    (old, new): (&Bounds, &Bounds),
    how: Use,
) {
    for name in old.known.iter().filter(|name| !new.known.contains(name)) {
        report.breaks(section, subject, format!("{field} is `{name}` no more"), "it is stored, and old hosts send it");
    }
    for name in new.known.iter().filter(|name| !old.known.contains(name)) {
        let why = "the bytes have the same form; an old module says that it does not have it";
        report.allows(section, subject, format!("{field} may be `{name}`, too"), why);
    }
    if (Bounds { known: Vec::new(), ..old.clone() }) == (Bounds { known: Vec::new(), ..new.clone() }) {
        return;
    }
    let allows = |more: &[String], less: &[String]| {
        more.is_empty() || (!less.is_empty() && less.iter().all(|item| more.contains(item)))
    };
    let at_least = |new: Option<i64>, old: Option<i64>| new.is_none_or(|new| old.is_some_and(|old| new <= old));
    let at_most = |new: Option<i64>, old: Option<i64>| new.is_none_or(|new| old.is_some_and(|old| new >= old));
    let wider = at_least(new.min, old.min)
        && at_most(new.max, old.max)
        && allows(&new.tags, &old.tags)
        && new.except.iter().all(|item| old.except.contains(item));
    let what = format!("{field} may be {}, was {}", show(new), show(old));
    match how {
        Use::Items { from_host: true, .. } if wider => {
            report.allows(section, subject, what, "the module takes more than old hosts send");
        }
        Use::Items { from_host: true, .. } => {
            report.breaks(section, subject, what, "old hosts send what is refused now")
        }
        _ if wider => report.breaks(section, subject, what, "old readers do not expect it"),
        _ => report.breaks(section, subject, what, "it is still sent by old modules, or stored"),
    }
}

fn show(bounds: &Bounds) -> String {
    let Bounds { min, max, tags, except, known: _ } = bounds;
    let mut parts = Vec::new();
    parts.extend(min.map(|min| format!("at least {min}")));
    parts.extend(max.map(|max| format!("at most {max}")));
    parts.extend(Some(tags).filter(|list| !list.is_empty()).map(|list| format!("one of {}", list.join(", "))));
    parts.extend(Some(except).filter(|list| !list.is_empty()).map(|list| format!("not {}", list.join(", "))));
    if parts.is_empty() { "anything".to_owned() } else { parts.join(", ") }
}
