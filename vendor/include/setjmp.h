/* Lua raises errors by unwinding (LUAI_TRY and LUAI_THROW), so nothing may jump: there is a place to jump to in name only. */
#ifndef _SETJMP_H
#define _SETJMP_H

typedef char jmp_buf;

#endif
