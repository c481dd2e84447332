/*
** What differs between the lines of Lua in what edits.c needs of Lua's inside.
*/
#ifndef lp_lines_h
#define lp_lines_h

#if LUA_VERSION_NUM < 505

#define newstate(allocate)	lua_newstate(allocate, NULL)

/* At how many bytes the collector is to run. */
#define gcdue(g)	((g)->totalbytes)
#define setgcdue(g,n)	luaE_setdebt(g, (l_mem)gettotalbytes(g) - (n))

/* Why the running thread cannot close itself, or NULL: no thread can in 5.4. */
#define unclosable(L)	NULL

/* Whether a hook that runs for the call 'ci' was given arguments or results, and which. */
#define hastransfer(ci)	((ci)->callstatus & CIST_TRAN)
#define transfer(L,ci)	((ci)->u2.transferinfo)

/* Whether a key is a string of another form than the one under which tables hold it. */
#define isunusualstring(key)	0

/* The value of a key in a table that is not external. It may lie in 'found'. */
static inline const TValue *lookup (Table *t, const TValue *key, TValue *found) {
  (void)found;
  return luaH_get(t, key);
}

/* Where in a table a key that has no value belongs. */
typedef const TValue *Place;
#define WASSET	NULL

/* Sets a key of a table that is not external if that needs no metamethod for sure, or returns the key's place. */
static inline Place trytoset (lua_State *L, Table *t, const TValue *key, TValue *value) {
  const TValue *slot = luaH_get(t, key);
  if (isempty(slot))
    return slot;
  setobj2t(L, cast(TValue *, slot), value);
  return WASSET;
}

#define finishset(L,t,key,value,place)	luaH_finishset(L, t, key, place, value)

#else

#define newstate(allocate)	lua_newstate(allocate, NULL, luaL_makeseed(NULL))

#define gcdue(g)	((g)->GCtotalbytes)
#define setgcdue(g,n)	luaE_setdebt(g, (n) - gettotalbytes(g))

#define unclosable(L)	lp_unclosable(L)

#define hastransfer(ci)	((ci)->callstatus & CIST_HOOKED)
#define transfer(L,ci)	((L)->transferinfo)

#define isunusualstring(key)	\
	(ttislngstring(key) && tsvalue(key)->u.lnglen <= LUAI_MAXSHORTLEN)

static inline const TValue *lookup (Table *t, const TValue *key, TValue *found) {
  if (tagisempty(luaH_get(t, key, found)))
    setempty(found);
  return found;
}

typedef int Place;
#define WASSET	HOK

static inline Place trytoset (lua_State *L, Table *t, const TValue *key, TValue *value) {
  (void)L;
  return luaH_pset(t, key, value);
}

#define finishset(L,t,key,value,place)	luaH_finishset(L, t, key, value, place)

#endif

#endif
