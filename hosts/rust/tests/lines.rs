//! Both lines of Lua.

use lua_persistent::{Engine, EngineOptions, Error, Line, Options};

#[test]
fn each_line_is_the_lua_that_it_says() {
    for (line, version, release) in [(Line::Lua54, "Lua 5.4", "5.4."), (Line::Lua55, "Lua 5.5", "5.5.")] {
        let engine = Engine::new(EngineOptions::new().line(line)).unwrap();
        assert!(engine.lua_release().starts_with(release), "{}", engine.lua_release());
        let mut lua = engine.create(Options::new()).unwrap();
        let text: String = lua.compute("_home.v = _VERSION return _home.v").unwrap().get().unwrap();
        assert_eq!(text, version);
        // Since 5.5, the variable of a loop is a constant.
        let assigns = lua.compute("for i = 1, 1 do i = 2 end");
        assert_eq!(assigns.is_ok(), line == Line::Lua54);
        let bytes = lua.snapshot().unwrap();
        let other = Engine::new(EngineOptions::new().line(if line == Line::Lua54 { Line::Lua55 } else { Line::Lua54 }));
        assert!(matches!(other.unwrap().restore(&bytes, Options::new()), Err(Error::Snapshot(_))));
    }
}

#[test]
fn what_is_no_module_of_lua_persistent_is_refused_with_the_reason() {
    let empty = b"\0asm\x01\0\0\0".to_vec();
    for wasm in [Vec::new(), b"nonsense".to_vec(), empty] {
        let error = Engine::new(EngineOptions::new().wasm(wasm)).err().unwrap();
        assert!(error.to_string().contains("it has no stamp of lua-persistent"), "{error}");
    }
}
