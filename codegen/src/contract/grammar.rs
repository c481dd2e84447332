//! Compares grammars of keys: two are the same if they match the same texts by the same rules, whatever these are called.

use serde_json::Value;

use super::read::Layouts;
use super::report::Report;

const SECTION: &str = "Keys";

/// Compares the rules of keys.
pub(super) fn compare(report: &mut Report, old: &Layouts, new: &Layouts) {
    for (name, is) in &old.rules {
        let Some((_, other)) = new.rules.iter().find(|(other, _)| other == name) else {
            match roots(old).any(|root| root == name) {
                true => report.breaks(SECTION, name, "the rule is gone", "layouts name it"),
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

/// The rules that layouts name.
fn roots(layouts: &Layouts) -> impl Iterator<Item = &str> {
    let items = layouts.layouts.iter().flat_map(|layout| &layout.items);
    let facts = items.flat_map(|item| &item.facts);
    facts.filter(|(key, _)| *key == "rule").map(|(_, rule)| rule.as_str())
}

/// Whether the rules that layouts name match the same texts.
fn same(old: &Layouts, new: &Layouts) -> bool {
    roots(old).all(|root| expanded(old, root, 0) == expanded(new, root, 0))
}

/// How deep rules may stand in each other; a rule within itself ends there.
const DEPTH: usize = 30;

/// A rule with those that it names in their place.
fn expanded(layouts: &Layouts, name: &str, depth: usize) -> Option<Value> {
    let (_, is) = layouts.rules.iter().find(|(other, _)| other == name)?;
    Some(replaced(layouts, is, depth))
}

fn replaced(layouts: &Layouts, is: &Value, depth: usize) -> Value {
    match is {
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get("rule") {
                let inner = if depth < DEPTH { expanded(layouts, name, depth + 1) } else { None };
                return inner.unwrap_or(Value::Null);
            }
            let members = members.iter().map(|(key, value)| (key.clone(), replaced(layouts, value, depth)));
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| replaced(layouts, item, depth)).collect()),
        other => other.clone(),
    }
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
