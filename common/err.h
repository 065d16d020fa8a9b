/* The error value. A function that can fail returns an error code and leaves one sentence in the
 * caller's struct err; the first error wins. Nothing below main() prints an error or exits.
 *
 * struct err holds no pointers, so a worker can leave one in shared memory for the orchestrator. */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_arg, first_arg) __attribute__((format(printf, text_arg, first_arg)))

/* The values are volley's exit statuses, except E_SYSTEM (see err_exit_status). */
enum err_code {
    OK = 0,
    E_FAILED = 1,    /* a check failed, or no request succeeded               */
    E_USAGE = 2,     /* bad option or combination                             */
    E_CONFIG = 3,    /* bad configuration or scenario file                    */
    E_DATA = 4,      /* data problem, or a verdict that could not be reached  */
    E_CONNECT = 5,   /* cannot connect, authenticate or start the target      */
    E_UNTRUSTED = 6, /* volley's own accounting does not add up               */
    E_SYSTEM = 7,    /* the operating system refused something; exit status 1 */
    E_INTERRUPTED = 130
};

#define ERR_TEXT_BYTES 400

struct err {
    enum err_code code;
    char
        text[ERR_TEXT_BYTES]; /* "what we tried: what went wrong; what to do"; cut, never overrun */
};

/* Stores code and text unless err already holds an error, and returns the code that err now holds.
 * err may be NULL: then only the code is returned. */
enum err_code err_set(struct err *err, enum err_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Like err_set, with ": " and the text of the system error number behind the sentence. */
enum err_code err_set_errno(struct err *err, enum err_code code, int sys_errno, const char *format,
                            ...) PRINTF_LIKE(4, 5);

/* The process exit status for a code. */
int err_exit_status(enum err_code code);

/* The graver of two codes, in the order design.md 5 gives: 6, 130, 5, 3, 2, 1, 4, 0. */
enum err_code err_worse(enum err_code a, enum err_code b);

#endif
