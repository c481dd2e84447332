/* Calendar time, counted in seconds since 1970 and 64 bits wide. */
#ifndef LIBC_TIME_H
#define LIBC_TIME_H

#include <stddef.h>

#define CLOCKS_PER_SEC 1000000

typedef long long time_t;
typedef long long clock_t;

struct tm {
  int tm_sec;
  int tm_min;
  int tm_hour;
  int tm_mday;
  int tm_mon;
  int tm_year;
  int tm_wday;
  int tm_yday;
  int tm_isdst;
  long tm_gmtoff;
  const char *tm_zone;
};

clock_t clock(void);
time_t time(time_t *out);
double difftime(time_t later, time_t earlier);
time_t mktime(struct tm *fields);
struct tm *gmtime(const time_t *time);
struct tm *localtime(const time_t *time);
size_t strftime(char *text, size_t size, const char *format, const struct tm *fields);

#endif
