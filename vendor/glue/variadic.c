/* Defines the C functions with variable arguments, which stable Rust cannot define: each hands its arguments to the formatter
   in src/libc/format.rs, which asks for them one at a time and by kind. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* As `Kind` in src/libc/format.rs. */
enum kind { KIND_INT, KIND_LONG, KIND_LONG_LONG, KIND_POINTER, KIND_DOUBLE };

/* A pointer to a va_list must point to one of its own type, which a parameter may not have: hence the struct. */
struct arguments {
  va_list list;
};

typedef uint64_t next_argument(void *arguments, int kind);

int format_to_buffer(char *buffer, size_t size, const char *format, void *arguments, next_argument *next);
int format_to_stream(FILE *file, const char *format, void *arguments, next_argument *next);

/* The next argument in 64 bits: a signed integer extended, a double as its bits. */
static uint64_t next(void *arguments, int kind) {
  struct arguments *from = arguments;
  switch (kind) {
    case KIND_INT: return (uint64_t)va_arg(from->list, int);
    case KIND_LONG: return (uint64_t)va_arg(from->list, long);
    case KIND_LONG_LONG: return (uint64_t)va_arg(from->list, long long);
    case KIND_POINTER: return (uintptr_t)va_arg(from->list, void *);
    default: {
      double number = va_arg(from->list, double);
      uint64_t bits;
      memcpy(&bits, &number, sizeof bits);
      return bits;
    }
  }
}

int snprintf(char *buffer, size_t size, const char *format, ...) {
  struct arguments arguments;
  va_start(arguments.list, format);
  int length = format_to_buffer(buffer, size, format, &arguments, next);
  va_end(arguments.list);
  return length;
}

int fprintf(FILE *file, const char *format, ...) {
  struct arguments arguments;
  va_start(arguments.list, format);
  int length = format_to_stream(file, format, &arguments, next);
  va_end(arguments.list);
  return length;
}
