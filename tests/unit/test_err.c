#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "tests/support/check/suite.h"

TEST(first_error_wins)
{
    /* Breaks when a later error, raised while cleaning up, hides the cause. */
    struct err err = {OK, ""};
    ck_assert_int_eq(err_set(&err, E_CONNECT, "connect %s", "refused"), E_CONNECT);
    ck_assert_int_eq(err_set(&err, E_DATA, "later"), E_CONNECT);
    ck_assert_int_eq(err_set_errno(&err, E_SYSTEM, EBADF, "later still"), E_CONNECT);
    ck_assert_int_eq(err.code, E_CONNECT);
    ck_assert_str_eq(err.text, "connect refused");
}

TEST(null_keeps_the_code)
{
    /* Breaks when a caller that wants only the code has to bring a struct. */
    ck_assert_int_eq(err_set(NULL, E_USAGE, "%d", 1), E_USAGE);
    ck_assert_int_eq(err_set_errno(NULL, E_SYSTEM, EIO, "read"), E_SYSTEM);
}

TEST(system_error_is_appended)
{
    /* Breaks when the operating system's reason does not reach the user. */
    struct err err = {OK, ""};
    ck_assert_int_eq(err_set_errno(&err, E_SYSTEM, ENOENT, "open %s", "/a"), E_SYSTEM);
    char expected[200] = "open /a: ";
    strncat(expected, strerror(ENOENT), 100);
    ck_assert_str_eq(err.text, expected);
}

TEST(long_text_is_cut)
{
    /* Breaks when a server's long error text runs over struct err, which lies in shared memory. */
    struct {
        struct err err;
        char guard[64];
    } held;
    char long_text[3 * ERR_TEXT_BYTES];
    for (size_t length = ERR_TEXT_BYTES - 30; length < sizeof long_text; length += 7) {
        memset(&held, 0, sizeof held);
        memset(held.guard, 'g', sizeof held.guard);
        memset(long_text, 'x', sizeof long_text);
        long_text[length - 1] = '\0';
        ck_assert_int_eq(err_set_errno(&held.err, E_DATA, ENOENT, "%s", long_text), E_DATA);
        ck_assert_uint_lt(strlen(held.err.text), ERR_TEXT_BYTES);
        ck_assert_uint_ge(strlen(held.err.text) + 1,
                          length < ERR_TEXT_BYTES ? length : ERR_TEXT_BYTES);
        for (size_t i = 0; i < sizeof held.guard; i++)
            ck_assert_int_eq(held.guard[i], 'g');
    }
}

TEST(exit_statuses)
{
    /* Breaks when a script that looks at volley's exit status is told something else. */
    ck_assert_int_eq(err_exit_status(OK), 0);
    ck_assert_int_eq(err_exit_status(E_FAILED), 1);
    ck_assert_int_eq(err_exit_status(E_USAGE), 2);
    ck_assert_int_eq(err_exit_status(E_CONFIG), 3);
    ck_assert_int_eq(err_exit_status(E_DATA), 4);
    ck_assert_int_eq(err_exit_status(E_CONNECT), 5);
    ck_assert_int_eq(err_exit_status(E_UNTRUSTED), 6);
    ck_assert_int_eq(err_exit_status(E_SYSTEM), 1);
    ck_assert_int_eq(err_exit_status(E_INTERRUPTED), 130);
}

TEST(graver_code)
{
    /* Breaks when broken accounting is reported as a mere interruption, or a failed check as data that
     * were missing. */
    static const enum err_code order[] = {OK,       E_DATA,    E_FAILED,      E_USAGE,
                                          E_CONFIG, E_CONNECT, E_INTERRUPTED, E_UNTRUSTED};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        for (size_t j = 0; j < sizeof order / sizeof order[0]; j++) {
            enum err_code expected = i > j ? order[i] : order[j];
            ck_assert_int_eq(err_worse(order[i], order[j]), expected);
        }
    }
    ck_assert_int_eq(err_worse(OK, E_SYSTEM), E_SYSTEM);
    ck_assert_int_eq(err_worse(E_SYSTEM, E_USAGE), E_USAGE);
}

TEST_SUITE(err)
