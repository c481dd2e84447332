/* Error numbers that this libc sets, with Linux's values, since Lua hands them to scripts. */
#ifndef LIBC_ERRNO_H
#define LIBC_ERRNO_H

#define ENOENT 2
#define EBADF 9
#define ESPIPE 29
#define EROFS 30
#define ENOSYS 38
#define EOVERFLOW 75

extern int errno;
#define errno errno

#endif
