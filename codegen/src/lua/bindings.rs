//! Describes the Lua API to Rust with `bindgen`. Everything that may raise a Lua error is declared
//! `C-unwind`, because on the host an error unwinds by `longjmp` and in the module by an exception.

use super::compile::Guest;

/// Generates the bindings to the Lua API, the auxiliary library and our own C functions.
pub fn generate(guest: &Guest<'_>) -> Result<String, bindgen::BindgenError> {
    let bindings = bindgen::Builder::default()
        .header_contents(
            "api.h",
            "#include \"lua.h\"\n#include \"lauxlib.h\"\n#include \"lualib.h\"\n#include \"edits.h\"\n",
        )
        .clang_args(guest.clang_arguments())
        .use_core()
        .override_abi(bindgen::Abi::CUnwind, ".*")
        .allowlist_function("lua_.*|luaL_.*|luaopen_.*|lp_.*")
        .allowlist_type("lua_.*|luaL_.*")
        .allowlist_var("LUA_.*|LUAI_.*|LUAL_.*|LP_.*")
        .blocklist_function("lua_newstate_.*")
        .layout_tests(false)
        .merge_extern_blocks(true)
        .sort_semantically(true)
        .formatter(bindgen::Formatter::Prettyplease)
        .generate()?;
    Ok(bindings.to_string())
}
