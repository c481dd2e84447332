//! What the tests share.

use std::sync::LazyLock;

use lua_persistent::{Engine, EngineOptions};

/// An engine that is compiled once for all runs of the tests.
pub fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(EngineOptions::new()).expect("the module compiles"));
    &ENGINE
}
