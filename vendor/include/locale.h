/* The one locale there is: C, also called POSIX. */
#ifndef LIBC_LOCALE_H
#define LIBC_LOCALE_H

#define LC_CTYPE 0
#define LC_NUMERIC 1
#define LC_TIME 2
#define LC_COLLATE 3
#define LC_MONETARY 4
#define LC_ALL 6

/* Lua reads the decimal point only. */
struct lconv {
  char *decimal_point;
};

char *setlocale(int category, const char *locale);
struct lconv *localeconv(void);

#endif
