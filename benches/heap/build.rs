//! Builds the Lua whose allocations are recorded; the module for wasm32 only replays them and has none.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        lua_src::Build::new()
            .build(lua_src::Lua54)
            .print_cargo_metadata();
    }
}
