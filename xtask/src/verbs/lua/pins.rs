//! Changes the text of `vendor/Cargo.toml`, and leaves its form as it is.

use codegen::lua::registry::PACKAGE;
use codegen::lua::release::Release;

const LINES: &str = "[package.metadata.lua.lines]";
const RELEASES: &str = "[package.metadata.lua.releases]";
const DEPENDENCIES: &str = "[dependencies]";

/// Sets the release that a line is built from; `None` if the file does not list the line.
pub fn set_line(text: &str, line: &str, release: Release) -> Option<String> {
    let start = format!("\"{line}\"");
    let (from, to) = section(text, LINES)?;
    let at = from + text[from..to].lines().scan(0, positions).find(|(_, line)| line.starts_with(&start))?.0;
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    let comment = text[at..end].find('#').map_or("", |place| &text[at..end][place..]);
    let space = if comment.is_empty() { "" } else { "  " };
    Some(format!("{}{start} = \"{release}\"{space}{comment}{}", &text[..at], &text[end..]))
}

/// Pins a release that a version of the package carries.
pub fn add(text: &str, release: Release, version: &str) -> String {
    let number = version.split('.').next().unwrap_or(version);
    let dependency = format!("{PACKAGE}-{number} = {{ package = \"{PACKAGE}\", version = \"={version}\" }}\n");
    let entry =
        format!("\"{release}\" = {{ package = \"{PACKAGE}\", version = \"{version}\", folder = \"lua-{release}\" }}\n");
    let text = match text.contains(&format!("version = \"={version}\"")) {
        true => text.to_owned(),
        false => insert(text, DEPENDENCIES, &dependency),
    };
    insert(&text, RELEASES, &entry)
}

/// Inserts a line into a section, behind those whose keys are not greater.
fn insert(text: &str, section_name: &str, new: &str) -> String {
    let Some((from, to)) = section(text, section_name) else {
        return format!("{}\n\n{section_name}\n{new}", text.trim_end());
    };
    let smaller = |line: &str| !line.trim().is_empty() && !line.starts_with('#') && key(line) < key(new);
    let last = text[from..to].lines().scan(0, positions).filter(|(_, line)| smaller(line)).last();
    let at = last.map_or(from, |(at, line)| from + at + line.len() + 1);
    format!("{}{new}{}", &text[..at], &text[at..])
}

/// What lines are sorted by: the numbers in their keys.
fn key(line: &str) -> Vec<u64> {
    let key = line.split('=').next().unwrap_or_default();
    key.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

/// The range of a section's lines, behind its heading.
fn section(text: &str, name: &str) -> Option<(usize, usize)> {
    let heading = format!("{name}\n");
    let from = text.find(&heading)? + heading.len();
    let to = text[from..].find("\n[").map_or(text.len(), |length| from + length + 1);
    Some((from, to))
}

/// Gives each line its position.
fn positions<'a>(at: &mut usize, line: &'a str) -> Option<(usize, &'a str)> {
    let start = *at;
    *at += line.len() + 1;
    Some((start, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Which Lua.
[dependencies]
lua-src-544 = { package = \"lua-src\", version = \"=544.0.1\" }
lua-src-551 = { package = \"lua-src\", version = \"=551.1.0\" }

# The release of each line.
[package.metadata.lua.lines]
\"5.4\" = \"5.4.9\"
\"5.5\" = \"5.5.1\"  # the newest

[package.metadata.lua.releases]
\"5.4.4\" = { package = \"lua-src\", version = \"544.0.1\", folder = \"lua-5.4.4\" }
\"5.4.9\" = { package = \"lua-src\", version = \"551.1.0\", folder = \"lua-5.4.9\" }

[workspace]
";

    fn release(text: &str) -> Release {
        text.parse().unwrap()
    }

    #[test]
    fn a_line_moves_there_and_back_and_nothing_else_changes() {
        let moved = set_line(TEXT, "5.4", release("5.4.4")).unwrap();
        assert_eq!(moved, TEXT.replace("\"5.4\" = \"5.4.9\"", "\"5.4\" = \"5.4.4\""));
        assert_eq!(set_line(&moved, "5.4", release("5.4.9")).unwrap(), TEXT);
        let moved = set_line(TEXT, "5.5", release("5.5.0")).unwrap();
        assert_eq!(moved, TEXT.replace("\"5.5.1\"  # the", "\"5.5.0\"  # the"));
        assert_eq!(set_line(TEXT, "5.6", release("5.6.0")), None);
    }

    #[test]
    fn a_release_of_a_known_package_is_one_line() {
        let entry = "\"5.4.10\" = { package = \"lua-src\", version = \"551.1.0\", folder = \"lua-5.4.10\" }\n";
        assert_eq!(
            add(TEXT, release("5.4.10"), "551.1.0"),
            TEXT.replace("\n\n[workspace]", &format!("\n{entry}\n[workspace]"))
        );
    }

    #[test]
    fn a_release_of_a_new_package_is_two_lines_each_in_its_place() {
        let added = add(TEXT, release("5.4.6"), "546.0.2");
        let new: Vec<_> = added.lines().filter(|line| !TEXT.contains(line)).collect();
        assert_eq!(
            new,
            [
                "lua-src-546 = { package = \"lua-src\", version = \"=546.0.2\" }",
                "\"5.4.6\" = { package = \"lua-src\", version = \"546.0.2\", folder = \"lua-5.4.6\" }",
            ]
        );
        let at = |text: &str| added.find(text).unwrap();
        assert!(at("lua-src-544 =") < at("lua-src-546 =") && at("lua-src-546 =") < at("lua-src-551 ="), "{added}");
        assert!(at("\"5.4.4\" =") < at("\"5.4.6\" =") && at("\"5.4.6\" =") < at("\"5.4.9\" ="), "{added}");
        assert!(added.parse::<String>().is_ok());
    }
}
