/* The type of the flags that Lua lets hooks set. There are no signals. */
#ifndef LIBC_SIGNAL_H
#define LIBC_SIGNAL_H

typedef int sig_atomic_t;

#endif
