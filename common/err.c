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

static int gravity(enum err_code code)
{
    switch (code) {
    case E_UNTRUSTED:
        return 7;
    case E_INTERRUPTED:
        return 6;
    case E_CONNECT:
        return 5;
    case E_CONFIG:
        return 4;
    case E_USAGE:
        return 3;
    case E_FAILED:
    case E_SYSTEM:
        return 2;
    case E_DATA:
        return 1;
    case OK:
        return 0;
    }
    return 0;
}

enum err_code err_worse(enum err_code a, enum err_code b)
{
    return gravity(b) > gravity(a) ? b : a;
}
