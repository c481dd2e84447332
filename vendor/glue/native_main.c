/* The native Lua that tests compare the module with: `lua FILE [args]` runs a script with every
   standard library open and its arguments in `arg` and `...`. An error goes to standard error with a
   traceback, and the exit code is 1. Standard input is the script when FILE is "-". */

#include <stdio.h>
#include <string.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static int add_traceback(lua_State *L) {
  const char *message = luaL_tolstring(L, 1, NULL);
  luaL_traceback(L, L, message, 1);
  return 1;
}

/* Makes the global `arg` and pushes the script's arguments. Returns how many there are. */
static int push_arguments(lua_State *L, int argc, char **argv) {
  int i;
  lua_createtable(L, argc > 2 ? argc - 2 : 0, 2);
  for (i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  luaL_checkstack(L, argc, "too many arguments");
  for (i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
  return argc > 2 ? argc - 2 : 0;
}

static int run(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = (char **)lua_touserdata(L, 2);
  const char *file = strcmp(argv[1], "-") == 0 ? NULL : argv[1];
  luaL_openlibs(L);
  lua_pushcfunction(L, add_traceback);
  if (luaL_loadfilex(L, file, "t") != LUA_OK) return lua_error(L);
  if (lua_pcall(L, push_arguments(L, argc, argv), 0, 3) != LUA_OK) return lua_error(L);
  return 0;
}

int main(int argc, char **argv) {
  lua_State *L;
  int status;
  if (argc < 2) {
    fprintf(stderr, "usage: %s FILE [args]\n", argv[0]);
    return 2;
  }
  L = luaL_newstate();
  if (L == NULL) {
    fprintf(stderr, "%s: not enough memory\n", argv[0]);
    return 1;
  }
  lua_pushcfunction(L, run);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  status = lua_pcall(L, 2, 0, 0);
  if (status != LUA_OK) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status == LUA_OK ? 0 : 1;
}
