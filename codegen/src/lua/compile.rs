//! Compiles Lua for the guest with `cc`: for wasm32 against the freestanding headers of
//! `vendor/include`, for the host (unit tests, fuzzers, Valgrind) against the system's own.

use std::path::{Path, PathBuf};

/// The files of a Lua release that are not part of the library.
const PROGRAMS: [&str; 4] = ["lua.c", "luac.c", "ltests.c", "onelua.c"];

/// The files in which programs spend their time, compiled for speed; the others are for size, of which
/// the module has little to give.
const HOT: [&str; 11] = [
    "lapi.c",
    "ldo.c",
    "lfunc.c",
    "lgc.c",
    "lmem.c",
    "lstring.c",
    "lstrlib.c",
    "ltable.c",
    "ltablib.c",
    "ltm.c",
    "lvm.c",
];

/// Bytes of the C stack. The deepest nesting that Lua's own limits allow needs less, which a test shows
/// by painting it.
pub const STACK_SIZE: u32 = 256 * 1024;

/// Keeps headers of this machine out of the guest, into which some releases of clang look. Those that come with
/// clang stay.
const NO_SYSTEM_HEADERS: &str = "-nostdlibinc";

/// What is compiled, and from where.
#[derive(Debug, Clone)]
pub struct Guest<'a> {
    /// The folder with the edited Lua sources.
    pub lua: &'a Path,
    /// The project's `vendor` folder, with our headers and C files.
    pub vendor: &'a Path,
    /// Whether the target is wasm32.
    pub wasm: bool,
}

/// The C files of a Lua source folder that make up the library, sorted.
pub fn library_files(lua: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(lua)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".c") && !PROGRAMS.contains(&name.as_str()) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Guest<'_> {
    /// Compiles the library and our C files into archives that cargo links.
    pub fn compile(&self) -> std::io::Result<()> {
        let (hot, cold): (Vec<_>, Vec<_>) = library_files(self.lua)?
            .into_iter()
            .partition(|file| file.file_name().is_some_and(|name| HOT.iter().any(|hot| name == *hot)));
        self.compile_for("2", "lua-hot", hot)?;
        self.compile_for("s", "lua-cold", cold)?;
        let mut glue = vec![self.vendor.join("glue/edits.c")];
        if self.wasm {
            glue.push(self.vendor.join("glue/variadic.c"));
        }
        self.compile_for("2", "lua-glue", glue)
    }

    fn compile_for(&self, opt_level: &str, archive: &str, files: Vec<PathBuf>) -> std::io::Result<()> {
        let mut build = cc::Build::new();
        build
            .files(files)
            .include(self.lua)
            .include(self.vendor.join("glue"))
            .flag("-include")
            .flag(self.vendor.join("glue/config.h"))
            .std("gnu11")
            .opt_level_str(opt_level)
            .warnings(false)
            .extra_warnings(false);
        if self.wasm {
            build
                .flag(NO_SYSTEM_HEADERS)
                .flag("-isystem")
                .flag(self.vendor.join("include"))
                .flag("-fvisibility=hidden")
                .flag("-fno-math-errno");
        }
        build.try_compile(archive).map_err(std::io::Error::other)
    }

    /// Arguments for the linker of the module, whose memory has `memory` bytes. The stack comes first,
    /// so that running over its end traps instead of writing over data.
    pub fn link_arguments(&self, memory: u32) -> [String; 5] {
        [
            "--stack-first".to_owned(),
            "-z".to_owned(),
            format!("stack-size={STACK_SIZE}"),
            format!("--initial-memory={memory}"),
            format!("--max-memory={memory}"),
        ]
    }

    /// Arguments that make `libclang` see the headers as the compiler does.
    pub fn clang_arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("-I{}", self.lua.display()),
            format!("-I{}", self.vendor.join("glue").display()),
            "-include".to_owned(),
            self.vendor.join("glue/config.h").display().to_string(),
        ];
        if self.wasm {
            arguments.push("--target=wasm32-unknown-unknown".to_owned());
            arguments.push(NO_SYSTEM_HEADERS.to_owned());
            arguments.push("-isystem".to_owned());
            arguments.push(self.vendor.join("include").display().to_string());
            arguments.push("-fvisibility=default".to_owned());
        }
        arguments
    }
}
