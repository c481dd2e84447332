//! `cargo xtask lua --check`: says whether the registry has releases of Lua newer than the pinned ones.

use codegen::lua::registry;
use codegen::lua::release::Release;
use codegen::lua::sources;

use super::stage::list;
use crate::error::Error;
use crate::system::progress::Progress;
use crate::workspace::Workspace;

/// Prints what there is, and fails if something is newer.
pub fn check(workspace: &Workspace) -> Result<(), Error> {
    let vendor = workspace.path("vendor");
    let lines = sources::lines(&vendor).map_err(Error::codegen("read which lines of Lua there are"))?;
    let pinned = sources::releases(&vendor).map_err(Error::codegen("read the pinned releases"))?;
    for line in &lines {
        println!("Lua {} is at {}", line.name, line.release);
    }
    println!("pinned: {}", list(&pinned));
    let unknown = |reason: String| Error::Unknown(format!("whether there are newer releases of Lua: {reason}"));
    if std::env::var("CARGO_NET_OFFLINE").is_ok_and(|value| value == "true" || value == "1") {
        return Err(unknown("CARGO_NET_OFFLINE forbids to ask the registry".to_owned()));
    }
    let progress = Progress::start_mentioned("ask the registry");
    let newest = registry::newest(&workspace.own("lua/registry"), "*").map_err(|error| unknown(error.to_string()))?;
    let newest = newest.ok_or_else(|| unknown(format!("the registry has no {}", registry::PACKAGE)))?;
    progress.done();
    println!("{} {}, the newest, has {}", registry::PACKAGE, newest.version, list(&newest.releases));
    let newer = newer(&newest.releases, &pinned);
    match newer.is_empty() {
        true => {
            println!("none is newer than those pinned");
            Ok(())
        }
        false => Err(Error::NewerLua(newer)),
    }
}

/// The releases that are newer than the newest pinned one of their line, or of a line that is newer than all.
fn newer(known: &[Release], pinned: &[Release]) -> Vec<Release> {
    let of_line = |release: &Release| pinned.iter().filter(move |pin| pin.line() == release.line()).max();
    let newest = pinned.iter().max();
    let is_newer = |release: &&Release| of_line(release).or(newest).is_none_or(|pin| *release > pin);
    known.iter().filter(is_newer).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases(text: &str) -> Vec<Release> {
        text.split_whitespace().map(|release| release.parse().unwrap()).collect()
    }

    #[test]
    fn newer_is_what_comes_behind_the_pinned_ones_of_a_line_or_behind_all_lines() {
        let pinned = releases("5.4.4 5.4.9 5.5.1");
        for (known, expected) in [
            ("5.1.5 5.3.6 5.4.9 5.5.1", ""),
            ("5.3.7 5.4.5 5.4.8 5.5.0", ""),
            ("5.4.10 5.5.1", "5.4.10"),
            ("5.4.9 5.5.2 5.6.0", "5.5.2 5.6.0"),
        ] {
            assert_eq!(newer(&releases(known), &pinned), releases(expected), "{known}");
        }
    }
}
