//! Compares grammars of keys: two are the same if they match the same texts by the same rules, whatever these are called.

use std::collections::BTreeSet;

use serde_json::Value;

use super::read::Layouts;
use super::report::Report;

const SECTION: &str = "Keys";

/// Compares the rules of keys.
pub(super) fn compare(report: &mut Report, old: &Layouts, new: &Layouts) {
    for (name, is) in &old.rules {
        let Some((_, other)) = new.rules.iter().find(|(other, _)| other == name) else {
            match old.roots.contains(name) {
                true => report.breaks(SECTION, name, "the rule is gone", "layouts or stored tables name it"),
                false if same(old, new) => {
                    report.allows(SECTION, name, "the rule is gone", "the grammar matches the same texts");
                }
                false => report.breaks(SECTION, name, "the rule is gone", "keys go both ways, and are stored"),
            }
            continue;
        };
        if is != other {
            let what = format!("is {}, was {}", show(other), show(is));
            if same(old, new) {
                report.allows(SECTION, name, what, "the grammar matches the same texts");
            } else {
                report.breaks(
                    SECTION,
                    name,
                    what,
                    "keys go both ways, and are stored: one side has keys that the other refuses",
                );
            }
        }
    }
    for (name, _) in new.rules.iter().filter(|(name, _)| !old.rules.iter().any(|(other, _)| other == name)) {
        report.allows(SECTION, name, "the rule is new", "what keys are is said by the rules that layouts name");
    }
}

/// Whether the rules that layouts and stored tables name match the same texts.
fn same(old: &Layouts, new: &Layouts) -> bool {
    let mut pairs = Pairs { old, new, seen: BTreeSet::new() };
    old.roots.iter().all(|root| pairs.rules(root, root))
}

/// Compares two grammars rule by rule. Two rules that are being compared, or have been, count as the same, so that each
/// pair is compared once, also if rules stand in each other.
struct Pairs<'g> {
    old: &'g Layouts,
    new: &'g Layouts,
    seen: BTreeSet<(&'g str, &'g str)>,
}

impl<'g> Pairs<'g> {
    fn rules(&mut self, a: &'g str, b: &'g str) -> bool {
        match (rule(self.old, a), rule(self.new, b)) {
            (Some(_), Some(_)) if !self.seen.insert((a, b)) => true,
            (Some(a), Some(b)) => self.parts(a, b, 0),
            (None, None) => a == b,
            _ => false,
        }
    }

    /// `depth`: how many rules of one side stand in place of their names on the other.
    fn parts(&mut self, a: &'g Value, b: &'g Value, depth: usize) -> bool {
        match (name(a), name(b)) {
            (Some(a), Some(b)) => self.rules(a, b),
            (Some(a), None) => depth < DEPTH && rule(self.old, a).is_some_and(|a| self.parts(a, b, depth + 1)),
            (None, Some(b)) => depth < DEPTH && rule(self.new, b).is_some_and(|b| self.parts(a, b, depth + 1)),
            (None, None) => match (a, b) {
                (Value::Object(a), Value::Object(b)) => {
                    a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| self.parts(a, b, depth)))
                }
                (Value::Array(a), Value::Array(b)) => {
                    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.parts(a, b, depth))
                }
                _ => a == b,
            },
        }
    }
}

/// How many rules may stand in each other in place of their names.
const DEPTH: usize = 30;

/// What a rule matches.
fn rule<'g>(layouts: &'g Layouts, name: &str) -> Option<&'g Value> {
    layouts.rules.iter().find(|(other, _)| other == name).map(|(_, is)| is)
}

/// The rule that a part names, if it is a name.
fn name(part: &Value) -> Option<&str> {
    part.get("rule").and_then(Value::as_str)
}

/// A rule on one line.
fn show(is: &Value) -> String {
    let list = |items: &Value, joint: &str| {
        let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().map(show).collect::<Vec<_>>().join(joint)
    };
    let Some((key, inner)) = is.as_object().and_then(|object| object.iter().next()) else { return is.to_string() };
    match key.as_str() {
        "choice" => format!("( {} )", list(inner, " | ")),
        "sequence" => list(inner, " , "),
        "optional" => format!("[ {} ]", show(inner)),
        "repeat" => format!("{{ {} }}", show(inner)),
        "rule" => inner.as_str().unwrap_or_default().to_owned(),
        "text" => inner.to_string(),
        _ => format!("character - {inner}"),
    }
}
