#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum err_code PRINTF_LIKE(4, 0)
    store(struct err *err, enum err_code code, int sys_errno, const char *format, va_list args)
{
    if (err == NULL)
        return code;
    if (err->code != OK)
        return err->code;
    err->code = code;
    int written = vsnprintf(err->text, sizeof err->text, format, args);
    if (sys_errno != 0 && written >= 0 && (size_t)written < sizeof err->text)
        snprintf(err->text + written, sizeof err->text - (size_t)written, ": %s",
                 strerror(sys_errno));
    return code;
}

enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum err_code held = store(err, code, 0, format, args);
    va_end(args);
    return held;
}

enum err_code err_set_errno(struct err *err, enum err_code code, int sys_errno, const char *format,
                            ...)
{
    va_list args;
    va_start(args, format);
    enum err_code held = store(err, code, sys_errno, format, args);
    va_end(args);
    return held;
}

int err_exit_status(enum err_code code)
{
    return code == E_SYSTEM ? (int)E_FAILED : (int)code;
}

enum err_code err_worse(enum err_code a, enum err_code b)
{
    static const unsigned char gravity[] = {
        [OK] = 0,       [E_DATA] = 1,    [E_FAILED] = 2,      [E_SYSTEM] = 2,   [E_USAGE] = 3,
        [E_CONFIG] = 4, [E_CONNECT] = 5, [E_INTERRUPTED] = 6, [E_UNTRUSTED] = 7};
    return gravity[b] > gravity[a] ? b : a;
}
