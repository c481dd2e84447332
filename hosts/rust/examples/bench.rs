//! Measures what the README says: `cargo run --release --example bench`.
//!
//! Each row is the median of its rounds, and their worst. Calls are in time of the processor, where the system tells it, so that
//! what else runs on the machine counts little; all else is time on the clock.

use std::fmt::Display;
use std::hint::black_box;
use std::time::{Duration, Instant};

use lua_persistent::{Engine, EngineOptions, Function, Image, Limits, Lua, MemoryStore, Options, Result, Store};

/// Machines that are in one process at a time.
const MACHINES: u32 = 5000;

/// Prints a row.
fn row(what: &str, value: impl Display) {
    println!("{what:<64} {value:>24}");
}

/// Time of the processor that this thread has used; without it, the time since `begun`.
fn processor_time(begun: Instant) -> Duration {
    let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = nanoseconds.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

/// The median and the worst of some rounds, each of so many calls, in time of the processor.
fn busy(what: &str, calls: u32, mut call: impl FnMut() -> Result<()>) -> Result<()> {
    let begun = Instant::now();
    measure(what, calls, || processor_time(begun), &mut call)
}

/// The same, on the clock.
fn rounds(what: &str, calls: u32, mut call: impl FnMut() -> Result<()>) -> Result<()> {
    let begun = Instant::now();
    measure(what, calls, || begun.elapsed(), &mut call)
}

fn measure(what: &str, calls: u32, now: impl Fn() -> Duration, call: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..15 {
        let begun = now();
        for _ in 0..calls {
            call()?;
        }
        times.push((now() - begun) / calls);
    }
    times.sort();
    row(what, format!("{} (worst {})", shown(times[times.len() / 2]), shown(times[times.len() - 1])));
    Ok(())
}

fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.2} µs") } else { format!("{:.2} ms", micros / 1000.0) }
}

/// The median and the worst time to make a machine and run its first code; and the time to drop it.
fn cold(what: &str, mut make: impl FnMut() -> Result<Lua>) -> Result<()> {
    let (mut times, mut drops) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let begun = Instant::now();
        let mut lua = make()?;
        black_box(lua.compute("return 1")?);
        times.push(begun.elapsed());
        let begun = Instant::now();
        drop(lua);
        drops.push(begun.elapsed());
    }
    times.sort();
    drops.sort();
    row(what, format!("{} (worst {})", shown(times[150]), shown(times[299])));
    row("    and to drop it", shown(drops[150]));
    Ok(())
}

/// Bytes of memory that this process has: what it uses, each shared page once; and what the system calls resident, where a page
/// that many machines share counts once for each.
fn memory() -> Option<(u64, u64)> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let kib = |name: &str| -> Option<u64> {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").trim().parse().ok()
    };
    Some((kib("Pss:")? << 10, kib("Rss:")? << 10))
}

fn many(what: &str, image: &Image) -> Result<()> {
    let before = memory();
    let begun = Instant::now();
    let mut machines = Vec::new();
    for _ in 0..MACHINES {
        machines.push(image.create(Options::new())?);
    }
    let took = begun.elapsed() / MACHINES;
    row(&format!("{MACHINES} machines of {what}, each"), shown(took));
    let report = |when: &str| {
        if let (Some(before), Some(now)) = (before, memory()) {
            let mib = |bytes: u64| bytes >> 20;
            let [used, resident] = [mib(now.0 - before.0), mib(now.1 - before.1)];
            row(&format!("    memory {when}"), format!("{used} MiB ({resident} resident)"));
        }
    };
    report("when they are made");
    for machine in &mut machines {
        machine.compute("return 1")?;
    }
    report("after a call of each");
    for machine in &mut machines {
        machine.compute("local t = {} for i = 1, 200 do t[i] = { i } end error('x')").unwrap_err();
    }
    report("after 200 tables and an error in each");
    Ok(())
}

fn stores(name: &str, store: impl Store + 'static) -> Result<()> {
    let mut lua = Lua::with(Options::new().store(store))?;
    lua.compute("n = 0")?;
    rounds(&format!("{name}: a call that sets one entry"), 20, || lua.compute("n = n + 1 _home.n = n").map(drop))?;
    let code = "for i = 1, 1000 do n = n + 1 _home['k' .. n] = i end";
    rounds(&format!("{name}: 1,000 new entries in a call"), 2, || lua.compute(code).map(drop))?;
    let code = "for i = 1, 1000 do local x = _home['k' .. i] end";
    rounds(&format!("{name}: 1,000 entries read in a call"), 2, || lua.compute(code).map(drop))?;
    Ok(())
}

fn main() -> Result<()> {
    println!("# Engine");
    let folder = std::env::temp_dir().join(format!("lua-persistent-bench-{}", std::process::id()));
    let options = || EngineOptions::new().pooled(MACHINES + 100).cache(&folder);
    let begun = Instant::now();
    drop(Engine::new(options())?);
    row("compiling the module (once, then it is in the cache)", shown(begun.elapsed()));
    let begun = Instant::now();
    let engine = Engine::new(options())?;
    row("loading it from the cache", shown(begun.elapsed()));

    println!("\n# Calls");
    let mut lua = engine.create(Options::new())?;
    busy("compute(\"return 1\")", 20_000, || lua.compute("return 1").map(drop))?;
    busy("eval(\"1\")", 20_000, || lua.eval("1").map(drop))?;
    let one: Function = lua.eval("function() return 1 end")?.get()?;
    busy("call of a Lua function without arguments", 20_000, || lua.call::<i64>(&one, ()).map(drop))?;
    lua.set("add", Function::new(|_, (a, b): (i64, i64)| Ok(a + b)))?;
    let code = "for i = 1, 1000 do add(i, 1) end";
    busy("1,000 calls of a Rust function with two numbers", 20, || lua.compute(code).map(drop))?;
    busy("compute(\"error('x')\"), error and traceback read", 2000, || {
        let _ = black_box(lua.compute("error('x')"));
        Ok(())
    })?;
    busy("pcall(error) 1,000 times in a call", 20, || lua.compute("for i = 1, 1000 do pcall(error) end").map(drop))?;
    let loops = "local x = 0 for i = 1, 20000000 do x = x + i % 3 end return x";
    busy("a loop of 20 million rounds", 1, || lua.compute(loops).map(drop))?;
    let mut transactional = engine.create(Options::new().transactional(true))?;
    busy("compute(\"return 1\") of a transactional machine", 1000, || transactional.compute("return 1").map(drop))?;
    let mut limited = engine.create(Options::new().limits(Limits::new().instructions(1 << 30)))?;
    busy("compute(\"return 1\") with a limit", 20_000, || limited.compute("return 1").map(drop))?;
    let interruptible = Engine::new(options().interruptible(true))?;
    let mut lua = interruptible.create(Options::new())?;
    busy("compute(\"return 1\") of an interruptible engine", 20_000, || lua.compute("return 1").map(drop))?;
    busy("    a loop of 20 million rounds", 1, || lua.compute(loops).map(drop))?;

    println!("\n# Cold machines, with their first call");
    let plain = Engine::new(EngineOptions::new().cache(&folder))?;
    cold("without an image, memory of its own", || plain.create(Options::new()))?;
    cold("without an image, pooled", || engine.create(Options::new()))?;
    let mut lua = engine.create(Options::new())?;
    let begun = Instant::now();
    let fresh = lua.image()?;
    row("first image of an engine (compiles the module once more)", shown(begun.elapsed()));
    let begun = Instant::now();
    lua.image()?;
    row("every further image", shown(begun.elapsed()));
    cold("from an image of a new machine", || fresh.create(Options::new()))?;
    lua.compute("words = {} for i = 1, 15000 do words[i] = { 'word' .. i } end collectgarbage()")?;
    row("    a machine with data uses, of its heap", format!("{} KiB", lua.stats()?.lua_memory_used >> 10));
    let full = lua.image()?;
    cold("from an image of the machine with data", || full.create(Options::new()))?;
    let snapshot = lua.snapshot()?;
    row("a snapshot of it has", format!("{} KiB", snapshot.len() >> 10));
    cold("from that snapshot", || engine.restore(&snapshot, Options::new()))?;
    drop(lua);

    println!("\n# Many machines");
    many("an image of a new machine", &fresh)?;
    many("an image of the machine with data", &full)?;

    println!("\n# Stores");
    stores("memory", MemoryStore::new())?;
    #[cfg(feature = "redb")]
    {
        stores("redb", lua_persistent::RedbStore::open(folder.join("a.redb"))?)?;
        stores("redb, eventual", lua_persistent::RedbStore::open(folder.join("b.redb"))?.eventual())?;
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
