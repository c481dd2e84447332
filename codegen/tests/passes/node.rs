//! Runs a script in Node on modules: its answer is what the script's last expression writes with `answer(value)`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Instantiates nothing: gives the script `modules`, an array of byte arrays, and `answer`, which writes JSON.
const PRELUDE: &str = "
'use strict';
const fs = require('node:fs');
const modules = process.argv.slice(1).map((path) => fs.readFileSync(path));
const answer = (value) => process.stdout.write(JSON.stringify(value, (_, v) =>
  typeof v === 'bigint' ? `${v}` : v));
";

/// The JSON that `script` answers. `NODE` names another Node than the one on the path.
pub fn run(script: &str, modules: &[&[u8]]) -> serde_json::Value {
    let paths: Vec<PathBuf> = modules.iter().map(|wasm| write(wasm)).collect();
    let node = std::env::var_os("NODE").unwrap_or_else(|| "node".into());
    let output = Command::new(node)
        .arg("-e")
        .arg(format!("{PRELUDE}{script}"))
        .arg("--")
        .args(&paths)
        .output()
        .expect("Node runs");
    for path in paths {
        std::fs::remove_file(path).expect("a module just written can be removed");
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e} in what Node wrote: {}", String::from_utf8_lossy(&output.stdout)))
}

fn write(wasm: &[u8]) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{count}.wasm", std::process::id()));
    std::fs::write(&path, wasm).expect("the target directory can be written to");
    path
}
