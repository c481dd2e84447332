/* Empty on purpose: Lua raises errors by unwinding (LUAI_TRY and LUAI_THROW), so nothing may jump. */
