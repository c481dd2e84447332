//! Finds circles among files.

use std::collections::{BTreeMap, BTreeSet};

/// What each file uses, by path.
pub type Uses = BTreeMap<String, BTreeSet<String>>;

/// The files that rest on each other, each circle once.
pub fn circles(uses: &Uses) -> Vec<Vec<String>> {
    let reached: BTreeMap<_, _> = uses.keys().map(|file| (file, reach(uses, file))).collect();
    let circles: BTreeSet<Vec<String>> = uses
        .keys()
        .filter(|file| reached[file].contains(*file))
        .map(|file| {
            let around = reached[file].iter().filter(|other| reached.get(other).is_some_and(|r| r.contains(file)));
            around.cloned().collect()
        })
        .collect();
    circles.into_iter().collect()
}

/// Every file that `from` uses, directly or through others.
fn reach(uses: &Uses, from: &str) -> BTreeSet<String> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        for other in uses.get(file).into_iter().flatten() {
            if reached.insert(other.clone()) {
                open.push(other);
            }
        }
    }
    reached
}
