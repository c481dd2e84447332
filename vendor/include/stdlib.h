/* Conversions and what a program asks of its environment. */
#ifndef LIBC_STDLIB_H
#define LIBC_STDLIB_H

#include <stddef.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

double strtod(const char *text, char **end);
/* Expanded where it is called: it has no definition. */
int abs(int x);

_Noreturn void abort(void);
_Noreturn void exit(int status);
char *getenv(const char *name);
int system(const char *command);

/* Named by luaL_newstate's allocator, which is not linked: every state here brings its own. */
void free(void *block);
void *realloc(void *block, size_t size);

#endif
