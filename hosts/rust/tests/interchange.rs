//! Snapshots go from this crate to the JavaScript package and back.

use std::path::Path;
use std::process::Command;

use lua_persistent::Options;

mod support;

use support::engine;

/// Runs a program in Node, in a folder of its own: what it prints.
fn node(folder: &Path, program: &str) -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/lua-persistent.js");
    let file = folder.join("program.mjs");
    let head = format!(
        "import {{ Lua }} from {:?};\nimport {{ readFileSync, writeFileSync }} from 'node:fs';\nprocess.chdir({:?});\n",
        format!("file://{}", package.canonicalize().unwrap().display()),
        folder
    );
    std::fs::write(&file, head + program).unwrap();
    let node = std::env::var_os("NODE").unwrap_or_else(|| "node".into());
    let output = Command::new(node).arg(&file).output().expect("Node runs, or the variable NODE names it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_machine_goes_from_rust_to_javascript_and_back() {
    let folder = std::env::temp_dir().join(format!("lua-persistent-interchange-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut lua = engine().create(Options::new()).unwrap();
    lua.compute(
        "next_number = coroutine.wrap(function() for i = 1, 10 do coroutine.yield(i) end end) next_number()
        _home.name, _home[1.5], _home.list = 'Ada', true, { 'a', 'b' }",
    )
    .unwrap();
    std::fs::write(folder.join("rust.image"), lua.snapshot().unwrap()).unwrap();
    let printed = node(
        &folder,
        "const lua = await Lua.restore(readFileSync('rust.image'));
        console.log(lua.compute('return next_number(), _home.name, _home[1.5], _home.list[2]').values.join());
        writeFileSync('plain.image', lua.snapshot({ compress: false }));
        writeFileSync('packed.image', await lua.snapshot());",
    );
    assert_eq!(printed, "2,Ada,true,b\n");
    for name in ["plain.image", "packed.image"] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let mut back = engine().restore(&bytes, Options::new()).unwrap();
        let values: (i64, String, bool) =
            back.compute("return next_number(), _home.name, _home[1.5]").unwrap().get().unwrap();
        assert_eq!(values, (3, "Ada".to_owned(), true), "{name}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
