//! Keeps the part of `NOTICE` that names the releases of Lua and their years.

use codegen::lua::sources::{self, Sources};

use crate::error::Error;
use crate::system::files;
use crate::workspace::Workspace;

/// The file.
pub const PATH: &str = "NOTICE";

/// How the heading of that part ends.
const HEADING: &str = ", with the edits described in vendor/edits/";

/// What stands around the years.
const COPYRIGHT: (&str, &str) = ("Copyright (C) ", " Lua.org, PUC-Rio");

/// Makes the file's text for the releases that are built.
pub fn render(workspace: &Workspace) -> Result<String, Error> {
    let vendor = workspace.path("vendor");
    let text = String::from_utf8_lossy(&files::read(&workspace.path(PATH))?).into_owned();
    let mut releases = Vec::new();
    for line in sources::lines(&vendor).map_err(Error::codegen("read which lines of Lua there are"))? {
        let lua = sources::of_release(&vendor, line.release).map_err(Error::codegen("find the sources of Lua"))?;
        releases.push((format!("Lua {}", lua.release), years(&lua)?));
    }
    Ok(with(&text, &releases))
}

/// The years of a release, as its header has them: `1994-2026`.
fn years(lua: &Sources) -> Result<(String, String), Error> {
    let header = lua.folder.join("lua.h");
    let text = String::from_utf8_lossy(&files::read(&header)?).into_owned();
    let years = text.lines().find_map(|line| {
        let (_, behind) = line.split_once(COPYRIGHT.0)?;
        let (first, last) = behind.split_once(COPYRIGHT.1)?.0.split_once('-')?;
        Some((first.to_owned(), last.to_owned()))
    });
    years.ok_or_else(|| Error::Unknown(format!("the years of copyright from {}", header.display())))
}

/// Puts releases and years into the text.
fn with(text: &str, releases: &[(String, (String, String))]) -> String {
    let names: Vec<_> = releases.iter().map(|(name, _)| name.as_str()).collect();
    let heading = format!("{}{HEADING}", names.join(" and "));
    let first = releases.iter().map(|(_, (first, _))| first.as_str()).min().unwrap_or_default();
    let last = releases.iter().map(|(_, (_, last))| last.as_str()).max().unwrap_or_default();
    let (mut lines, mut underline) = (Vec::new(), false);
    for line in text.lines() {
        lines.push(match line {
            _ if line.ends_with(HEADING) => heading.clone(),
            _ if underline => "-".repeat(heading.len()),
            _ if line.starts_with(COPYRIGHT.0) && line.ends_with(&format!("{}.", COPYRIGHT.1)) => {
                format!("{}{first}-{last}{}.", COPYRIGHT.0, COPYRIGHT.1)
            }
            _ => line.to_owned(),
        });
        underline = line.ends_with(HEADING);
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_releases_and_their_years_are_replaced_and_nothing_else() {
        let text = "Intro.\n\nLua 5.4.6, with the edits described in vendor/edits/\n-----\n\nCopyright (C) 1994-2023 Lua.org, PUC-Rio.\n\n\
                    Copyright (C) 2018 Somebody else\n";
        let years = |last: &str| ("1994".to_owned(), last.to_owned());
        let releases = [("Lua 5.4.9".to_owned(), years("2026")), ("Lua 5.5.0".to_owned(), years("2025"))];
        let heading = "Lua 5.4.9 and Lua 5.5.0, with the edits described in vendor/edits/";
        assert_eq!(
            with(text, &releases),
            format!(
                "Intro.\n\n{heading}\n{}\n\nCopyright (C) 1994-2026 Lua.org, PUC-Rio.\n\nCopyright (C) 2018 Somebody else\n",
                "-".repeat(heading.len())
            )
        );
    }
}
