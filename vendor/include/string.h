/* Strings of bytes. The mem functions and strlen come with Rust's compiler_builtins. */
#ifndef LIBC_STRING_H
#define LIBC_STRING_H

#include <stddef.h>

void *memchr(const void *bytes, int c, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int c, size_t size);

size_t strlen(const char *text);
char *strchr(const char *text, int c);
int strcmp(const char *a, const char *b);
int strcoll(const char *a, const char *b);
char *strcpy(char *restrict to, const char *restrict from);
char *strerror(int number);
int strncmp(const char *a, const char *b, size_t size);
char *strpbrk(const char *text, const char *set);
size_t strspn(const char *text, const char *set);
char *strstr(const char *text, const char *part);

#endif
