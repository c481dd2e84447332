/*
** Declares the functions that the edited Lua sources call, and access to Lua's inside for Rust. The edits are in
** vendor/edits; this file and edits.c are the part of them that can be ordinary C.
*/
#ifndef lp_edits_h
#define lp_edits_h

#include "lua.h"

struct CallInfo;
struct Table;
struct TString;
struct TValue;
union StackValue;

/* The index of the registry. */
enum { LP_REGISTRY = LUA_REGISTRYINDEX };

/* Makes a state whose memory is what 'allocate' gives; NULL if there is too little. */
lua_State *lp_newstate (lua_Alloc allocate);

/* Opens all standard libraries. */
void lp_openlibs (lua_State *L);

/* The pointer in a place that refers to the stack: until Lua 5.4.4 it is nothing else. */
#if LUA_VERSION_RELEASE_NUM < 50405
#define lp_at(place)	(place)
#else
#define lp_at(place)	((place).p)
#endif

/* Two random numbers from the host; defined in Rust. */
void lp_entropy (lua_Unsigned *low, lua_Unsigned *high);


/* The console ----------------------------------------------------- */

/*
** Compiles the next chunk in console mode. The table at 'names' maps the
** name of each earlier local to its place: upvalue number + 256 * kind. It
** must stay on the stack meanwhile. 0 takes the request back.
*/
void lp_console_compile (lua_State *L, int names);

/* Called by the parser: the table for the chunk that begins now, or NULL. */
struct Table *lp_console_begin (lua_State *L);

/* The place that 'names' has for the local called 'name', or 0. */
lua_Integer lp_console_find (struct Table *names, struct TString *name);

/* The kind of variable (regular, constant, to be closed) in a place. */
#define lp_console_kind(place)	cast_byte((place) >> 8)

/*
** The place of upvalue 'n' of the closure at 'capture', or 0 when it has
** no such upvalue; pushes the upvalue's name otherwise.
*/
lua_Integer lp_console_place (lua_State *L, int capture, int n);

/*
** Pushes the name of upvalue 'n' of the Lua function at the absolute index
** 'function', as the string that the compiler made; 0 when it has no such
** upvalue.
*/
int lp_upvalue_name (lua_State *L, int function, int n);

/*
** A variable is an upvalue as an object of its own: a value that only the
** registry's tables hold, weakly or not, and that no Lua code ever sees.
*/
#define LP_VARIABLE	LUA_NUMTYPES

/* Pushes the variable that is upvalue 'n' of the Lua function at 'function'. */
void lp_variable_push (lua_State *L, int function, int n);

/* Makes the variable on top, which it pops, upvalue 'n' of the Lua function at 'function'. */
void lp_variable_join (lua_State *L, int function, int n);

/* Pushes the value of the variable at 'index'. */
void lp_variable_value (lua_State *L, int index);

/* Keeps the collector from running but in need; the previous state is returned. */
int lp_gc_hold (lua_State *L, int hold);


/* Hidden from Lua code --------------------------------------------- */

/* Keeps a function from Lua code: from hooks and from 'debug.getinfo'. */
void lp_internal (lua_CFunction f);

/* Keeps the object on top from Lua code that looks at the stack. */
void lp_hide (lua_State *L);

/*
** Pushes what 'debug.getregistry' returns: a table of its own, as the true
** registry holds what the C side relies on.
*/
void lp_push_registry (lua_State *L);

/* Whether the call 'ci' is one of an internal function. */
int lp_is_internal (const struct CallInfo *ci);

/*
** Replaces the value on top, which 'debug.getlocal' found in 'ci' under
** 'name', by nil if it is not for Lua code.
*/
void lp_shield_local (lua_State *L, const struct CallInfo *ci, const char *name, int n);

/* Whether 'debug.setlocal' may set variable 'n' of the call 'ci', which has that name, to the value on top. */
int lp_may_set (lua_State *L, struct CallInfo *ci, const char *name, int n);

/* The vararg table in register 'place' of a function, which raises an error if it is none. */
struct Table *lp_vararg_table (lua_State *L, const struct CallInfo *ci, int place);

/* Replaces the function on top by nil if it is internal. */
void lp_shield_function (lua_State *L);

/* Whether an upvalue of the function at index 1 may be set. Replaces one that was got, on top, by nil if it is not for Lua code. */
int lp_may_set_upvalue (lua_State *L);
void lp_shield_upvalue (lua_State *L);


/* Ticks ------------------------------------------------------------ */

/* As 'lp_charge' and 'lp_count' of charge.h, for Rust. */
void lp_work (lua_State *L, int n);
void lp_worked (int n);

/*
** Called between two instructions when a slice is used up: begins the next,
** or pauses the program, or raises an error when the budget is spent.
*/
void lp_slice (lua_State *L);

/*
** Sets the budgets of whatever runs, 0 for none. When 'pause' ticks are spent,
** the thread 'program' pauses, and not what it has resumed; where it cannot,
** it goes on until it can. When 'stop' ticks are spent, whatever runs gets an
** error, again and again. 'watched' says that a limit may be reached between
** the ends of slices, which are short then.
*/
void lp_budget (lua_Unsigned pause, lua_State *program, lua_Unsigned stop, int watched);

/*
** The message of the limit that is reached, or NULL: it is asked for at the
** end of each slice. 'spent' tells that it is the budget to stop.
*/
const char *lp_limit_reached (int spent);

/* Ticks that have run since the budget was set. */
lua_Unsigned lp_spent (void);

/* Raises an error if the running thread cannot close itself. */
void lp_check_closable (lua_State *L);

/* Why the running thread cannot close itself as far as Rust knows, or NULL. */
const char *lp_unclosable (lua_State *L);

/* Whether a thread has called 'yield', and was not just paused by its budget. */
int lp_yielded (lua_State *L);


/* External tables -------------------------------------------------- */

/* Pushes a new external table with the given number. */
void lp_ext_push (lua_State *L, unsigned int id);

/* The number of the external table at 'index'; 0 for any other value. */
unsigned int lp_ext_id (lua_State *L, int index);

/* The operations on external tables, as functions that Lua can call. */
typedef struct lp_ext_Operations {
  lua_CFunction index;     /* (t, k): the value, for who asks '__index' next */
  lua_CFunction newindex;  /* (t, k, v): assigns, or returns that '__newindex' is to be asked */
  lua_CFunction rawget;    /* (t, k) */
  lua_CFunction rawset;    /* (t, k, v) */
  lua_CFunction length;    /* (t): a border */
  lua_CFunction next;      /* (t, k): the next key and its value, or nil, nil */
  lua_CFunction setmetatable;  /* (v, mt): called before either is external and set */
} lp_ext_Operations;

void lp_ext_operations (const lp_ext_Operations *ops);

/*
** Makes the table at 'index' external under a number. Its contents are with
** the host already. Takes no memory.
*/
void lp_ext_convert (lua_State *L, int index, unsigned int id);

/* Whether the table at 'index' has a finaliser. */
int lp_ext_finalised (lua_State *L, int index);

/*
** Gives the external table at 'index' the table on top, which it pops: its
** metamethods by name, for as long as it is a metatable.
*/
void lp_ext_setfields (lua_State *L, int index);

/* Pushes that table, or returns 0 if there is none. */
int lp_ext_getfields (lua_State *L, int index);

/* Lets metamethods of the external table at 'index' be looked up anew. */
void lp_ext_refresh (lua_State *L, int index);

/* Sets the metatable on top, which it pops, without telling the host. */
void lp_ext_restore (lua_State *L, int index);

/* The name of metamethod 'n', from 0; NULL at the end. */
const char *lp_ext_event (lua_State *L, int n);

/*
** Within one call nothing but the guest changes a table, so that what was
** read or written once need not be asked for again. Remembers that the
** external table at index 1 holds the value on top under the key at index 2.
*/
void lp_ext_remember (lua_State *L);

/* Forgets all that is remembered. */
void lp_ext_forget (void);

/* Called by the interpreter. */
void lp_ext_index (lua_State *L, const struct TValue *t, const struct TValue *key,
                   union StackValue *result, int links);
void lp_ext_rawget (lua_State *L, struct Table *t, const struct TValue *key,
                    union StackValue *result);
void lp_ext_newindex (lua_State *L, const struct TValue *t, const struct TValue *key,
                      const struct TValue *value, int links);
void lp_ext_rawset (lua_State *L, struct Table *t, const struct TValue *key,
                 const struct TValue *value);
void lp_ext_setlist (lua_State *L, union StackValue *list, int n, unsigned int last);
void lp_ext_varargs (lua_State *L, struct Table *t, union StackValue *where, int wanted);
void lp_ext_length (lua_State *L, struct Table *t, union StackValue *result);
void lp_ext_setmetatable (lua_State *L, const struct TValue *value, const struct TValue *mt);
int lp_ext_next (lua_State *L, struct Table *t, union StackValue *key);

#endif
