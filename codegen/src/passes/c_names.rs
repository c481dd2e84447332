//! Lists the names that Lua's C objects are linked against. A `cdylib` exports every symbol with a C name; these have
//! one only for the linker, so they are not part of the boundary unless the manifest declares them.

/// The functions and objects of the C library's headers that Lua includes, by header.
const LIBRARY: &[&[&str]] = &[
    // ctype.h
    &[
        "isalnum", "isalpha", "isblank", "iscntrl", "isdigit", "isgraph", "islower", "isprint", "ispunct", "isspace",
        "isupper", "isxdigit", "tolower", "toupper",
    ],
    // errno.h
    &["errno"],
    // locale.h
    &["localeconv", "setlocale"],
    // math.h
    &[
        "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "exp", "exp2", "fabs", "floor", "fmod", "frexp",
        "ldexp", "log", "log10", "log2", "modf", "pow", "round", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
    ],
    // setjmp.h
    &["longjmp", "setjmp"],
    // signal.h
    &["raise", "signal"],
    // stdio.h
    &[
        "clearerr",
        "fclose",
        "feof",
        "ferror",
        "fflush",
        "fgetc",
        "fgets",
        "fopen",
        "fprintf",
        "fputc",
        "fputs",
        "fread",
        "freopen",
        "fscanf",
        "fseek",
        "ftell",
        "fwrite",
        "getc",
        "getchar",
        "perror",
        "printf",
        "putc",
        "putchar",
        "puts",
        "remove",
        "rename",
        "rewind",
        "setbuf",
        "setvbuf",
        "snprintf",
        "sprintf",
        "sscanf",
        "stderr",
        "stdin",
        "stdout",
        "tmpfile",
        "tmpnam",
        "ungetc",
        "vfprintf",
        "vprintf",
        "vsnprintf",
        "vsprintf",
    ],
    // stdlib.h
    &[
        "abort", "abs", "atexit", "atof", "atoi", "atol", "bsearch", "calloc", "exit", "free", "getenv", "labs",
        "malloc", "qsort", "rand", "realloc", "srand", "strtod", "strtof", "strtol", "strtoll", "strtoul", "strtoull",
        "system",
    ],
    // string.h
    &[
        "memchr", "memcmp", "memcpy", "memmove", "memset", "strcat", "strchr", "strcmp", "strcoll", "strcpy",
        "strcspn", "strerror", "strlen", "strncat", "strncmp", "strncpy", "strpbrk", "strrchr", "strspn", "strstr",
        "strtok", "strxfrm",
    ],
    // time.h
    &["asctime", "clock", "ctime", "difftime", "gmtime", "localtime", "mktime", "strftime", "time"],
];

/// What our own C sources call: the two ends of the `printf` family, and everything with our prefix.
const GLUE: &[&str] = &["format_to_buffer", "format_to_stream"];
const GLUE_PREFIX: &str = "lp_";

/// Whether a symbol of this name is there for the C objects.
pub fn contains(name: &str) -> bool {
    name.starts_with(GLUE_PREFIX) || LIBRARY.iter().chain([&GLUE]).any(|names| names.contains(&name))
}
