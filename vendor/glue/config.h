/*
** Configures Lua for this build without changing its sources: included before every Lua file and before the API
** headers that bindgen reads.
*/
#ifndef lp_config_h
#define lp_config_h

#include "charge.h"

#if defined(__wasm__)

struct lua_State;

/*
** Errors unwind through two placeholders, which the unwind pass replaces in the linked module. Both
** names stand in the scope where Lua expands LUAI_TRY: luaD_rawrunprotected runs f(L, ud).
*/
void lp_unwind_try (void (*f) (struct lua_State *, void *), struct lua_State *L, void *ud)
    __attribute__((import_module("unwind"), import_name("try")));
_Noreturn void lp_unwind_throw (void)
    __attribute__((import_module("unwind"), import_name("throw")));

#define LUAI_TRY(L,c,...)	lp_unwind_try(f, L, ud);
#define LUAI_THROW(L,c)		lp_unwind_throw()
#define luai_jmpbuf		char

/* `print` ends a line without asking the host to show it: `io.flush` does that. */
#define lua_writeline()		lua_writestring("\n", 1)

/* No place in a file system is special, and no library in C can be loaded. */
#define LUA_PATH_DEFAULT	"./?.lua;./?/init.lua"
#define LUA_CPATH_DEFAULT	""

/* There is one locale. */
#define lua_getlocaledecpoint()	'.'

#endif

/*
** Every machine hashes strings alike, so that two machines which ran the same program have the same
** image. (math.random is seeded from the host's entropy; see vendor/edits/entropy.toml.)
*/
#define luai_makeseed(...)	0x6c756170u

#endif
