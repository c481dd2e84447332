/*
** Defines the functions that the edits call and that need Lua's own structures.
*/
#define edits_c
#define LUA_CORE

#include "lprefix.h"

#include <limits.h>
#include <string.h>

#include "lua.h"

#include "lauxlib.h"
#include "lualib.h"

#include "lapi.h"
#include "lauxlib.h"
#include "ldebug.h"
#include "ldo.h"
#include "lfunc.h"
#include "lgc.h"
#include "lobject.h"
#include "lstate.h"
#include "lstring.h"
#include "ltable.h"
#include "ltm.h"
#include "lvm.h"

#include "edits.h"
#include "lines.h"


static TValue *index2value (lua_State *L, int index) {
  if (index > 0)
    return s2v(lp_at(L->ci->func) + index);
  return s2v(lp_at(L->top) + index);
}


lua_State *lp_newstate (lua_Alloc allocate) {
  return newstate(allocate);
}


void lp_openlibs (lua_State *L) {
  luaL_openlibs(L);
}


/* The console ----------------------------------------------------- */

/* Set from lp_console_compile to the beginning of the next chunk. */
static Table *console;


void lp_console_compile (lua_State *L, int names) {
  console = (names == 0) ? NULL : hvalue(index2value(L, names));
}


Table *lp_console_begin (lua_State *L) {
  Table *names = console;
  (void)L;
  console = NULL;  /* what a finaliser loads meanwhile is an ordinary chunk */
  return names;
}


lua_Integer lp_console_find (Table *names, TString *name) {
  TValue key, found;
  const TValue *place;
  setsvalue(cast(lua_State *, NULL), &key, name);
  place = lookup(names, &key, &found);
  return ttisinteger(place) ? ivalue(place) : 0;
}


lua_Integer lp_console_place (lua_State *L, int capture, int n) {
  if (!lp_upvalue_name(L, capture, n))
    return 0;
  return n + ((lua_Integer)clLvalue(index2value(L, capture))->p->upvalues[n - 1].kind << 8);
}


int lp_upvalue_name (lua_State *L, int function, int n) {
  const Proto *p = clLvalue(index2value(L, function))->p;
  if (n < 1 || n > p->sizeupvalues)
    return 0;
  setsvalue2s(L, lp_at(L->top), p->upvalues[n - 1].name);
  api_incr_top(L);
  return 1;
}


void lp_variable_push (lua_State *L, int function, int n) {
  UpVal *uv = clLvalue(index2value(L, function))->upvals[n - 1];
  TValue *io = s2v(lp_at(L->top));
  val_(io).gc = obj2gco(uv);
  settt_(io, ctb(LUA_VUPVAL));
  api_incr_top(L);
}


void lp_variable_join (lua_State *L, int function, int n) {
  LClosure *cl = clLvalue(index2value(L, function));
  UpVal *uv = gco2upv(gcvalue(s2v(lp_at(L->top) - 1)));
  cl->upvals[n - 1] = uv;
  luaC_objbarrier(L, cl, uv);
  lp_at(L->top)--;
}


void lp_variable_value (lua_State *L, int index) {
  UpVal *uv = gco2upv(gcvalue(index2value(L, index)));
  setobj2s(L, lp_at(L->top), lp_at(uv->v));
  api_incr_top(L);
}


int lp_gc_hold (lua_State *L, int hold) {
  static l_mem due;  /* at how many bytes the collector was to run */
  global_State *g = G(L);
  int held = g->gcstp & GCSTPGC;
  if (hold && !held)
    due = gcdue(g);
  else if (!hold && held && due < gcdue(g))
    setgcdue(g, due);  /* a collector that is held puts off its next run: that is taken back */
  g->gcstp = cast_byte(hold ? (g->gcstp | GCSTPGC) : (g->gcstp & ~GCSTPGC));
  return held != 0;
}


/* Hidden from Lua code --------------------------------------------- */

/* Must be a power of two, and more than there are internal functions. */
#define INTERNALS	128

/* The internal functions, by address. */
static lua_CFunction internals[INTERNALS];


/* The place of a function among the internal ones, or the free one where it belongs. */
static lua_CFunction *place_of_internal (lua_CFunction f) {
  unsigned int i = cast_uint((size_t)f ^ ((size_t)f >> 6));
  while (internals[i %= INTERNALS] != NULL && internals[i] != f)
    i++;
  return &internals[i];
}


void lp_internal (lua_CFunction f) {
  *place_of_internal(f) = f;
}


static int is_internal (const TValue *o) {
  lua_CFunction f = ttislcf(o) ? fvalue(o) : ttisCclosure(o) ? clCvalue(o)->f : NULL;
  return f != NULL && *place_of_internal(f) == f;
}


int lp_is_internal (const CallInfo *ci) {
  return !isLua(ci) && is_internal(s2v(lp_at(ci->func)));
}


/* The bit of 'marked' that no collector uses. */
#define HIDDENBIT	7


void lp_hide (lua_State *L) {
  l_setbit(gcvalue(s2v(lp_at(L->top) - 1))->marked, HIDDENBIT);
}


void lp_push_registry (lua_State *L) {
  static const char *const fields[] = {LUA_LOADED_TABLE, LUA_PRELOAD_TABLE, LUA_FILEHANDLE, NULL};
  if (!luaL_getsubtable(L, LUA_REGISTRYINDEX, "visible")) {
    int i;
    for (i = 1; i <= LUA_RIDX_LAST; i++) {
      lua_rawgeti(L, LUA_REGISTRYINDEX, i);
      lua_rawseti(L, -2, i);
    }
    for (i = 0; fields[i] != NULL; i++) {
      lua_getfield(L, LUA_REGISTRYINDEX, fields[i]);
      lua_setfield(L, -2, fields[i]);
    }
  }
}


/*
** A C function's values are shown where they are the arguments or results
** of a call, to a hook: what else is there it may rely on. A register
** without a name may hold what a call has left there.
*/
void lp_shield_local (lua_State *L, const CallInfo *ci, const char *name, int n) {
  const TValue *o = s2v(lp_at(L->top) - 1);
  int hide;
  if (!isLua(ci))
    hide = !hastransfer(ci) || n < transfer(L, ci).ftransfer ||
           n >= transfer(L, ci).ftransfer + transfer(L, ci).ntransfer;
  else
    hide = name[0] == '(';
  if (hide && !isLua(ci))
    setnilvalue(s2v(lp_at(L->top) - 1));
  else if (hide && (is_internal(o) || ttisfulluserdata(o) ||
                    (iscollectable(o) &&
                     (novariant(rawtt(o)) >= LUA_NUMTYPES || testbit(gcvalue(o)->marked, HIDDENBIT)))))
    setnilvalue(s2v(lp_at(L->top) - 1));
}


/* The vararg table of a function. Lua code can only have replaced it by the library 'debug'. */
Table *lp_vararg_table (lua_State *L, const CallInfo *ci, int place) {
  const TValue *o = s2v(lp_at(ci->func) + place + 1);
  if (!ttistable(o))
    luaG_runerror(L, "vararg table has no proper 'n'");
  return hvalue(o);
}


/* Whether variable 'n' of a call is one of those that a 'for' loop keeps for itself. */
static int is_loops (lua_State *L, CallInfo *ci, int n) {
  StkId pos;
  const char *name = (n > 0) ? luaG_findlocal(L, ci, n, &pos) : NULL;
  return name != NULL && strcmp(name, "(for state)") == 0;
}


/*
** A register without a name, or of a 'for' loop, holds what the interpreter
** relies on. In 5.5, a numeric loop counts in the variable behind two of
** these, whose type has to stay.
*/
int lp_may_set (lua_State *L, CallInfo *ci, const char *name, int n) {
  StkId pos;
  if (name[0] == '(')
    return strcmp(name, "(vararg)") == 0;
  if (!is_loops(L, ci, n - 1) || !is_loops(L, ci, n - 2) || is_loops(L, ci, n - 3))
    return 1;
  luaG_findlocal(L, ci, n, &pos);
  return rawtt(s2v(lp_at(L->top) - 1)) == rawtt(s2v(pos));
}


void lp_shield_function (lua_State *L) {
  if (is_internal(s2v(lp_at(L->top) - 1)))
    setnilvalue(s2v(lp_at(L->top) - 1));
}


int lp_may_set_upvalue (lua_State *L) {
  return !lua_iscfunction(L, 1);
}


void lp_shield_upvalue (lua_State *L) {
  if (lua_iscfunction(L, 1) && ttisfulluserdata(s2v(lp_at(L->top) - 1)))
    setnilvalue(s2v(lp_at(L->top) - 1));
}


/* Ticks ------------------------------------------------------------ */

/*
** Ticks in a slice: few enough for engines to notice a hot loop early, and
** enough that leaving and entering the interpreter costs nothing.
*/
#define SLICE	20000

/* In a slice where a limit is watched for. */
#define WATCHED_SLICE	1000

/* In a slice when a pause is overdue. */
#define OVERDUE_SLICE	200

/* More ticks than any program spends. */
#define ENDLESS	(~(lua_Unsigned)0)

int lp_ticks = SLICE;

unsigned int lp_collected = 0;

static struct {
  int longest;  /* ticks in a slice */
  int slice;  /* length of the slice that is running */
  lua_Unsigned pause;  /* ticks behind that slice until the program pauses */
  lua_Unsigned stop;  /* ticks behind that slice until it gets an error */
  lua_Unsigned spent;  /* ticks before that slice */
  lua_State *program;  /* the thread that a pause stops */
} budget = {SLICE, SLICE, ENDLESS, ENDLESS, 0, NULL};


static void begin_slice (void) {
  lua_Unsigned length = (lua_Unsigned)budget.longest;
  if (budget.pause == 0)
    length = OVERDUE_SLICE;  /* it is asked again soon */
  else if (length > budget.pause)
    length = budget.pause;
  if (length > budget.stop)
    length = budget.stop;
  if (budget.pause != ENDLESS && budget.pause != 0)
    budget.pause -= length;
  if (budget.stop != ENDLESS)
    budget.stop -= length;
  budget.slice = lp_ticks = (int)length;
}


void lp_budget (lua_Unsigned pause, lua_State *program, lua_Unsigned stop, int watched) {
  budget.longest = watched ? WATCHED_SLICE : SLICE;
  budget.program = program;
  budget.pause = (pause == 0) ? ENDLESS : pause;
  budget.stop = (stop == 0) ? ENDLESS : stop;
  budget.spent = 0;
  begin_slice();
  /* Entering a paused program again counts a tick, which was counted when it paused. */
  if (program != NULL && program->status == LUA_YIELD && isLua(program->ci))
    lp_ticks++;
}


lua_Unsigned lp_spent (void) {
  return budget.spent + (lua_Unsigned)(budget.slice - lp_ticks);
}


int lp_yielded (lua_State *L) {
  return L->status == LUA_YIELD && !isLua(L->ci);
}


void lp_check_closable (lua_State *L) {
  const char *reason = (G(L)->gcstp & GCSTPGC) ? "cannot close a coroutine within a finalizer" : unclosable(L);
  if (reason != NULL)
    luaL_error(L, "%s", reason);
}


void lp_hurry (void) {
  int rest = lp_ticks - 1;
  if (rest <= 0)
    return;
  lp_ticks = 1;
  budget.slice -= rest;
  if (budget.pause != ENDLESS && budget.pause != 0)
    budget.pause += (lua_Unsigned)rest;
  if (budget.stop != ENDLESS)
    budget.stop += (lua_Unsigned)rest;
}


/*
** Ends a slice that is used up. What was charged beyond its end counts as well.
*/
static void end_slice (void) {
  lua_Unsigned beyond = (lua_Unsigned)(-(lua_Integer)lp_ticks);
  budget.spent += (lua_Unsigned)budget.slice + beyond;
  if (budget.pause != ENDLESS)
    budget.pause -= (beyond < budget.pause) ? beyond : budget.pause;
  if (budget.stop != ENDLESS)
    budget.stop -= (beyond < budget.stop) ? beyond : budget.stop;
}


/*
** The message of the limit that is reached, or NULL. The error can be caught,
** but the next tick raises it again.
*/
static const char *limit_reached (void) {
  const char *limit;
  end_slice();
  limit = lp_limit_reached(budget.stop == 0);
  if (limit != NULL) {
    budget.stop = 0;
    budget.slice = lp_ticks = 1;
  }
  return limit;
}


void lp_charged (lua_State *L) {
  const char *limit = limit_reached();
  if (limit != NULL)
    luaL_error(L, "%s", limit);
  if (budget.pause == 0)
    budget.slice = lp_ticks = 0;  /* the next tick pauses, if it can */
  else
    begin_slice();
}


void lp_work (lua_State *L, int n) {
  lp_charge(L, n);
}


void lp_worked (int n) {
  lp_count(n);
}


void lp_slice (lua_State *L) {
  const char *limit = limit_reached();
  if (limit != NULL) {
    L->ci->u.l.savedpc++;  /* errors are at the instruction before it */
    luaG_runerror(L, "%s", limit);
  }
  if (budget.pause == 0 && yieldable(L) && L == budget.program) {
    CallInfo *ci = L->ci;
    budget.slice = lp_ticks = 0;  /* the next step sets them */
    L->status = LUA_YIELD;
    ci->u2.nyield = 0;
#if LUA_VERSION_RELEASE_NUM >= 50407
    ci->u.l.savedpc++;  /* 'resume' takes it for a yield in a hook, and takes this back */
#endif
    luaD_throw(L, LUA_YIELD);
  }
  begin_slice();
}


/* External tables -------------------------------------------------- */

static struct { TValue index, newindex, rawget, rawset, length, next, setmetatable; } op;


void lp_ext_operations (const lp_ext_Operations *ops) {
  const lua_CFunction all[] = {
    ops->index, ops->newindex, ops->rawget, ops->rawset, ops->length, ops->next, ops->setmetatable
  };
  size_t i;
  for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
    lp_internal(all[i]);
  setfvalue(&op.index, ops->index);
  setfvalue(&op.newindex, ops->newindex);
  setfvalue(&op.rawget, ops->rawget);
  setfvalue(&op.rawset, ops->rawset);
  setfvalue(&op.length, ops->length);
  setfvalue(&op.next, ops->next);
  setfvalue(&op.setmetatable, ops->setmetatable);
}


void lp_ext_push (lua_State *L, unsigned int id) {
  Table *t;
  lua_newtable(L);
  t = hvalue(s2v(lp_at(L->top) - 1));
  t->flags |= BITEXT;
  setexternalid(t, id);
  setexternalmeta(t, NULL);
}


unsigned int lp_ext_id (lua_State *L, int index) {
  const TValue *o = index2value(L, index);
  return (ttistable(o) && isexternal(hvalue(o))) ? externalid(hvalue(o)) : 0;
}


void lp_ext_convert (lua_State *L, int index, unsigned int id) {
  luaH_externalize(L, hvalue(index2value(L, index)), id);
}


int lp_ext_finalised (lua_State *L, int index) {
  return tofinalize(gcvalue(index2value(L, index))) != 0;
}


void lp_ext_setfields (lua_State *L, int index) {
  Table *t = hvalue(index2value(L, index));
  Table *fields = hvalue(s2v(lp_at(L->top) - 1));
  setexternalmeta(t, fields);
  invalidateTMcache(t);
  luaC_objbarrier(L, obj2gco(t), obj2gco(fields));
  lp_at(L->top)--;
}


int lp_ext_getfields (lua_State *L, int index) {
  Table *t = hvalue(index2value(L, index));
  if (!isexternal(t) || externalmeta(t) == NULL)
    return 0;
  sethvalue2s(L, lp_at(L->top), externalmeta(t));
  api_incr_top(L);
  return 1;
}


void lp_ext_refresh (lua_State *L, int index) {
  Table *t = hvalue(index2value(L, index));
  invalidateTMcache(t);
  if (externalmeta(t) != NULL)
    invalidateTMcache(externalmeta(t));
}


void lp_ext_restore (lua_State *L, int index) {
  Table *t = hvalue(index2value(L, index));
  t->metatable = hvalue(s2v(lp_at(L->top) - 1));
  luaC_objbarrier(L, obj2gco(t), t->metatable);
  lp_at(L->top)--;
}


const char *lp_ext_event (lua_State *L, int n) {
  return n < TM_N ? getstr(G(L)->tmname[n]) : NULL;
}


/* Must be a power of two. */
#define REMEMBERED	256

/*
** Remembers values read from external tables, by table and by key, which is a short string (by its
** address) or an integer. An entry of an earlier age counts for nothing, so
** that forgetting costs nothing.
*/
static struct {
  unsigned int age;
  unsigned int id;
  union { const TString *s; lua_Integer i; } key;
  lu_byte integer;
  TValue value;
} remembered[REMEMBERED];

static unsigned int age = 1;


void lp_ext_forget (void) {
  age++;
}


/* A float with an integer's value is that integer as a key. */
static const TValue *normalkey (const TValue *key, TValue *integer) {
  lua_Integer i;
  if (ttisfloat(key) && luaV_flttointeger(fltvalue(key), &i, F2Ieq)) {
    setivalue(integer, i);
    return integer;
  }
  return key;
}


/* The place of a normal key, or -1 for a key of another type. */
static int placeof (unsigned int id, const TValue *key) {
  size_t hash;
  if (ttisshrstring(key))
    hash = tsvalue(key)->hash;
  else if (ttisinteger(key))
    hash = (size_t)ivalue(key) * 0x9E3779B1u;
  else
    return -1;
  return cast_int((hash ^ (id * 0x85EBCA6Bu) ^ (hash >> 15)) & (REMEMBERED - 1));
}


static int holds (int place, unsigned int id, const TValue *key) {
  if (remembered[place].age != age || remembered[place].id != id)
    return 0;
  if (ttisinteger(key))
    return remembered[place].integer && remembered[place].key.i == ivalue(key);
  return !remembered[place].integer && remembered[place].key.s == tsvalue(key);
}


void lp_ext_remember (lua_State *L) {
  unsigned int id = externalid(hvalue(s2v(lp_at(L->ci->func) + 1)));
  TValue integer;
  const TValue *key = normalkey(s2v(lp_at(L->ci->func) + 2), &integer);
  int place = placeof(id, key);
  if (isunusualstring(key))
    lp_ext_forget();  /* the string may be remembered in its usual form */
  if (place < 0)
    return;
  remembered[place].age = age;
  remembered[place].id = id;
  remembered[place].integer = ttisinteger(key);
  if (ttisinteger(key))
    remembered[place].key.i = ivalue(key);
  else
    remembered[place].key.s = tsvalue(key);
  setobj(L, &remembered[place].value, s2v(lp_at(L->top) - 1));
}


/* The remembered value, or NULL. */
static const TValue *recall (const Table *t, const TValue *key) {
  TValue integer;
  int place;
  key = normalkey(key, &integer);
  place = placeof(externalid(t), key);
  if (place < 0 || !holds(place, externalid(t), key))
    return NULL;
  return &remembered[place].value;
}


/* As in lvm.c: links in a chain of metatables, beyond which it is taken for a loop. */
#define MAXLINKS	2000


/*
** The value of 'key' in an external table, without metamethods. It lies where
** the top of the stack is, which has not changed.
*/
static const TValue *valueof (lua_State *L, const TValue *t, const TValue *key) {
  const TValue *known = recall(hvalue(t), key);
  StkId func = lp_at(L->top);
  if (known != NULL && (!ttisnil(known) || hvalue(t)->metatable == NULL))
    return known;
  setobj2s(L, func, &op.index);
  setobj2s(L, func + 1, t);
  setobj2s(L, func + 2, key);
  lp_at(L->top) = func + 3;
  luaD_callnoyield(L, func, 1);
  lp_at(L->top)--;
  return s2v(lp_at(L->top));
}


/*
** The rest of luaV_finishget from an external table on, behind 'links' others.
** The metamethod is called as the interpreter does, so that it may yield. What
** 't' and 'key' point at may move while the host is asked, and a finaliser may
** run; chains are followed in a loop, as the C stack is short.
*/
void lp_ext_index (lua_State *L, const TValue *t, const TValue *key, StkId result, int links) {
  ptrdiff_t place = savestack(L, result);
  TValue self, k;
  setobj(L, &self, t);
  setobj(L, &k, key);
  for (; links <= MAXLINKS; links++) {  /* (the last one is only looked into) */
    const TValue *tm;
    if (ttistable(&self)) {
      Table *h = hvalue(&self);
      TValue found;
      const TValue *value = isexternal(h) ? valueof(L, &self, &k) : lookup(h, &k, &found);
      if (!isempty(value)) {
        setobj2s(L, restorestack(L, place), value);
        return;
      }
      if (links == MAXLINKS)
        break;
      tm = fasttm(L, h->metatable, TM_INDEX);
      if (tm == NULL) {
        setnilvalue(s2v(restorestack(L, place)));
        return;
      }
    }
    else if (links == MAXLINKS)
      break;
    else {
      tm = luaT_gettmbyobj(L, &self, TM_INDEX);
      if (notm(tm))
        luaG_typeerror(L, &self, "index");
    }
    if (ttisfunction(tm)) {
      luaT_callTMres(L, tm, &self, &k, restorestack(L, place));
      return;
    }
    setobj(L, &self, tm);
  }
  luaG_runerror(L, "'__index' chain too long; possible loop");
}


void lp_ext_rawget (lua_State *L, Table *t, const TValue *key, StkId result) {
  TValue self;
  const TValue *known = recall(t, key);
  if (known != NULL) {
    setobj2s(L, result, known);
    return;
  }
  sethvalue(L, &self, t);
  luaT_callTMres(L, &op.rawget, &self, key, result);
}


/*
** Assigns to a key of an external table, unless there is none and '__newindex'
** has to be asked; whether it did.
*/
static int assigned (lua_State *L, const TValue *t, const TValue *key, const TValue *value) {
  StkId func = lp_at(L->top);
  setobj2s(L, func, &op.newindex);
  setobj2s(L, func + 1, t);
  setobj2s(L, func + 2, key);
  setobj2s(L, func + 3, value);
  lp_at(L->top) = func + 4;
  luaD_callnoyield(L, func, 1);
  lp_at(L->top)--;
  return !l_isfalse(s2v(lp_at(L->top)));
}


/* As 'lp_ext_index', for luaV_finishset. */
void lp_ext_newindex (lua_State *L, const TValue *t, const TValue *key, const TValue *value,
                      int links) {
  TValue self, k, v;
  setobj(L, &self, t);
  setobj(L, &k, key);
  setobj(L, &v, value);
  for (; links < MAXLINKS; links++) {
    const TValue *tm;
    if (ttistable(&self) && isexternal(hvalue(&self))) {
      if (assigned(L, &self, &k, &v))
        return;
      tm = fasttm(L, hvalue(&self)->metatable, TM_NEWINDEX);
      if (tm == NULL) {  /* (gone meanwhile) */
        lp_ext_rawset(L, hvalue(&self), &k, &v);
        return;
      }
    }
    else if (ttistable(&self)) {
      Table *h = hvalue(&self);
      Place place = trytoset(L, h, &k, &v);
      if (place == WASSET) {
        luaC_barrierback(L, obj2gco(h), &v);
        return;
      }
      tm = fasttm(L, h->metatable, TM_NEWINDEX);
      if (tm == NULL) {
        sethvalue2s(L, lp_at(L->top), h);  /* nothing else may hold them any more */
        setobj2s(L, lp_at(L->top) + 1, &k);
        setobj2s(L, lp_at(L->top) + 2, &v);
        lp_at(L->top) += 3;
        finishset(L, h, &k, &v, place);
        lp_at(L->top) -= 3;
        invalidateTMcache(h);
        luaC_barrierback(L, obj2gco(h), &v);
        return;
      }
    }
    else {
      tm = luaT_gettmbyobj(L, &self, TM_NEWINDEX);
      if (notm(tm))
        luaG_typeerror(L, &self, "index");
    }
    if (ttisfunction(tm)) {
      luaT_callTM(L, tm, &self, &k, &v);
      return;
    }
    setobj(L, &self, tm);
  }
  luaG_runerror(L, "'__newindex' chain too long; possible loop");
}


void lp_ext_rawset (lua_State *L, Table *t, const TValue *key, const TValue *value) {
  TValue self;
  sethvalue(L, &self, t);
  luaT_callTM(L, &op.rawset, &self, key, value);
}


/*
** As luaT_getvarargs, for the external table 't', whose contents may be
** anything.
*/
void lp_ext_varargs (lua_State *L, Table *t, StkId where, int wanted) {
  ptrdiff_t place = savestack(L, where);
  ptrdiff_t top = savestack(L, lp_at(L->top));
  TValue key;
  int i, n;
  sethvalue2s(L, lp_at(L->top), t);
  lp_at(L->top)++;
  setsvalue(L, &key, luaS_newliteral(L, "n"));
  lp_ext_rawget(L, t, &key, lp_at(L->top));
  if (!ttisinteger(s2v(lp_at(L->top))) || l_castS2U(ivalue(s2v(lp_at(L->top)))) > cast_uint(INT_MAX / 2))
    luaG_runerror(L, "vararg table has no proper 'n'");
  n = cast_int(ivalue(s2v(lp_at(L->top))));
  if (wanted < 0) {
    wanted = n;
    lp_at(L->top) = restorestack(L, place);
    luaD_checkstack(L, n + 1);
    for (i = 0; i < n; i++)
      setnilvalue(s2v(lp_at(L->top)++));
    top = savestack(L, lp_at(L->top));
    sethvalue2s(L, lp_at(L->top), t);
    lp_at(L->top)++;
  }
  lp_count(wanted);
  for (i = 0; i < wanted; i++) {
    if (i < n) {
      setivalue(&key, i + 1);
      lp_ext_rawget(L, t, &key, restorestack(L, place) + i);
    }
    else
      setnilvalue(s2v(restorestack(L, place) + i));
  }
  lp_at(L->top) = restorestack(L, top);
}


/*
** Stores the 'n' values above the external table at 'list' under the keys up
** to 'last': a table can become external while its constructor runs.
*/
void lp_ext_setlist (lua_State *L, StkId list, int n, unsigned int last) {
  ptrdiff_t place = savestack(L, list);
  for (; n > 0; n--, last--) {
    TValue key;
    list = restorestack(L, place);
    setivalue(&key, last);
    lp_ext_rawset(L, hvalue(s2v(list)), &key, s2v(list + n));
  }
}


void lp_ext_setmetatable (lua_State *L, const TValue *value, const TValue *mt) {
  luaT_callTM(L, &op.setmetatable, value, mt, value);
}


void lp_ext_length (lua_State *L, Table *t, StkId result) {
  TValue self;
  sethvalue(L, &self, t);
  luaT_callTMres(L, &op.length, &self, &self, result);
}


/*
** As luaH_next: replaces the key by the next one and puts its value behind
** it; 0 at the end.
*/
int lp_ext_next (lua_State *L, Table *t, StkId key) {
  ptrdiff_t place = savestack(L, key);
  StkId func = lp_at(L->top);
  setobj2s(L, func, &op.next);
  sethvalue2s(L, func + 1, t);
  setobjs2s(L, func + 2, key);
  lp_at(L->top) = func + 3;
  luaD_callnoyield(L, func, 2);
  lp_at(L->top) -= 2;
  key = restorestack(L, place);
  if (ttisnil(s2v(lp_at(L->top))))
    return 0;
  setobjs2s(L, key, lp_at(L->top));
  setobjs2s(L, key + 1, lp_at(L->top) + 1);  /* may be where the key was */
  return 1;
}
