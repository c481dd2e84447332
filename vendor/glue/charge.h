/*
** Charges the work of C functions to the count of ticks, so that limits hold inside them, too. It is part
** of config.h, as most files of Lua need nothing else of ours.
*/
#ifndef lp_charge_h
#define lp_charge_h

struct lua_State;

/* What is left of the slice of ticks that is running. */
extern int lp_ticks;

/*
** Ticks that a C function goes on beyond the end of a slice before it asks again. The interpreter asks at the end
** itself, and so learns that a program is to pause.
*/
#define LP_GRACE	200

/*
** Called when a slice is used up inside a C function: begins the next one, or raises an error when a limit
** is reached. A program that is to pause does so at its next tick.
*/
void lp_charged (struct lua_State *L);

/* Charges 'n' ticks where an error may be raised: in loops whose length a script chooses. */
#define lp_charge(L,n)  \
	do { if (__builtin_expect((lp_ticks -= (int)(n)) <= -LP_GRACE, 0)) lp_charged(L); } while (0)

/*
** Charges 'n' ticks where no error may be raised, for work that the size of the heap bounds. The next tick
** or charge raises it.
*/
#define lp_count(n)	(lp_ticks -= (int)(n))

/*
** Work of the collector's own steps since the time was looked at. It is not charged, as a program does not
** choose when the collector runs; but its settings can make it take long.
*/
extern unsigned int lp_collected;

/* Ends the running slice with the next tick. */
void lp_hurry (void);

/*
** What an attempt to match the rest of a pattern is charged, which is passed through once but for the
** repetitions in it: those are charged for themselves.
*/
#define lp_rest(ms,p)	(1 + (((ms)->p_end - (p)) >> 6))

/* Bytes copied or compared in a tick, and bytes compiled in a tick. */
#define lp_copied(n)	((n) >> 5)
#define lp_compiled(n)	((n) >> 3)

#endif
