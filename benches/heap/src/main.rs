//! Records traces of the Lua programs in `programs/`, replays them natively and, in Node, as wasm32, and prints the
//! figures side by side.

mod record;

use heap_bench::replay::{Op, replay};
use heap_bench::{REGION, fit, for_each_contender};
use record::Trace;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::time::Instant;
use std::{env, fs};

/// Replays per timing, and timings of which the best counts: short and many, so that some are undisturbed.
const TIMES: usize = 2;
const ROUNDS: usize = 100;

fn main() {
    if let Err(error) = run() {
        eprintln!("heap-bench: {error}");
        exit(1);
    }
}

fn run() -> Result<(), String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = env::var_os("CARGO_TARGET_DIR").map_or(here.join("target"), PathBuf::from);
    let out = target.join("traces");
    fs::create_dir_all(&out)
        .map_err(|error| format!("cannot create {}: {error}", out.display()))?;
    let mut programs: Vec<_> = fs::read_dir(here.join("programs"))
        .map_err(|error| format!("cannot list the programs: {error}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    programs.sort();

    let mut names = vec![];
    macro_rules! name {
        ($($name:literal => $type:ty,)*) => { $(names.push($name);)* };
    }
    for_each_contender!(name);

    println!("native: ns per operation, region of {} KiB\n", REGION >> 10);
    header(&[&["program", "operations", "peak KiB"], &names[..]].concat());
    let mut arguments = vec![];
    for path in &programs {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let code = fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let trace = Trace::record(&code).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut row = vec![
            name.to_string(),
            trace.ops.len().to_string(),
            (trace.peak >> 10).to_string(),
        ];
        row.extend(times(&trace.ops));
        println!("| {} |", row.join(" | "));
        let file = out.join(format!("{name}.trace"));
        fs::write(&file, bytes(&trace.ops))
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        arguments.push(file);
    }

    build_module(here)?;
    let measures: Vec<_> = fit::MEASURES
        .iter()
        .map(|(name, unit)| format!("{name}\t{unit}"))
        .collect();
    let status = Command::new("node")
        .arg(here.join("run.mjs"))
        .arg(target.join("wasm32-unknown-unknown/release/heap_bench.wasm"))
        .args([
            names.join(","),
            measures.join(","),
            TIMES.to_string(),
            ROUNDS.to_string(),
        ])
        .args(arguments)
        .status()
        .map_err(|error| format!("cannot start node: {error}"))?;
    if !status.success() {
        return Err(format!("the run in node failed: {status}"));
    }
    Ok(())
}

fn header(columns: &[&str]) {
    println!("| {} |", columns.join(" | "));
    println!("|{}", " --- |".repeat(columns.len()));
}

/// Best time of each contender in ns per operation, the rounds of all interleaved.
fn times(ops: &[Op]) -> Vec<String> {
    let mut region = vec![0_u8; REGION + 65_536];
    let base = region
        .as_mut_ptr()
        .wrapping_add(region.as_ptr().align_offset(65_536));
    let count = ops.iter().map(|op| op.block() + 1).max().unwrap_or(0);
    let mut blocks = vec![(std::ptr::null_mut(), 0); count];
    let mut best = vec![];
    for _ in 0..ROUNDS {
        let mut round = vec![];
        macro_rules! time {
            ($($name:literal => $type:ty,)*) => {{$(
                let start = Instant::now();
                let mut failures = 0;
                for _ in 0..TIMES {
                    // SAFETY: the region is used by one replay at a time.
                    failures = unsafe { replay::<$type>(ops, &mut blocks, base, REGION) };
                }
                round.push((start.elapsed().as_secs_f64(), failures));
            )*}};
        }
        for_each_contender!(time);
        if best.is_empty() {
            best = round;
        } else {
            best.iter_mut()
                .zip(round)
                .for_each(|(best, (time, _))| best.0 = best.0.min(time));
        }
    }
    best.into_iter()
        .map(|(time, failures)| {
            let nanoseconds = time * 1e9 / (TIMES * ops.len()) as f64;
            if failures == 0 {
                format!("{nanoseconds:.2}")
            } else {
                format!("{nanoseconds:.2} ({failures} failed)")
            }
        })
        .collect()
}

fn bytes(ops: &[Op]) -> &[u8] {
    // SAFETY: an `Op` is two `u32`, without padding.
    unsafe { std::slice::from_raw_parts(ops.as_ptr().cast(), size_of_val(ops)) }
}

fn build_module(here: &Path) -> Result<(), String> {
    let status = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .current_dir(here)
        .args([
            "build",
            "--quiet",
            "--release",
            "--lib",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("building for wasm32 failed: {status}"))
    }
}
