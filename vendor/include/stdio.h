/* Streams on a system without files: an empty standard input, and two outputs that the host captures. */
#ifndef LIBC_STDIO_H
#define LIBC_STDIO_H

#include <stddef.h>

#define EOF (-1)
#define BUFSIZ 1024
#define L_tmpnam 20

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2

typedef struct FILE FILE;

extern FILE *const stdin;
extern FILE *const stdout;
extern FILE *const stderr;

FILE *fopen(const char *path, const char *mode);
FILE *freopen(const char *path, const char *mode, FILE *file);
FILE *tmpfile(void);
char *tmpnam(char *name);
int remove(const char *path);
int rename(const char *from, const char *to);

int fclose(FILE *file);
int fflush(FILE *file);
int setvbuf(FILE *file, char *buffer, int mode, size_t size);
int fseek(FILE *file, long offset, int whence);
long ftell(FILE *file);
void clearerr(FILE *file);
int feof(FILE *file);
int ferror(FILE *file);

int getc(FILE *file);
int ungetc(int c, FILE *file);
char *fgets(char *line, int size, FILE *file);
size_t fread(void *items, size_t size, size_t count, FILE *file);

int fputc(int c, FILE *file);
int fputs(const char *text, FILE *file);
size_t fwrite(const void *items, size_t size, size_t count, FILE *file);
int fprintf(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
