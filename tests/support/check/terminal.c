#include "tests/support/check/terminal.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

FILE *test_terminal_open(int *master, unsigned short columns)
{
    *master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(*master, 0);
    ck_assert_int_eq(grantpt(*master), 0);
    ck_assert_int_eq(unlockpt(*master), 0);
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    FILE *terminal = fopen(ptsname(*master), "w");
    ck_assert_ptr_nonnull(terminal);
    ck_assert_int_eq(ioctl(fileno(terminal), TIOCSWINSZ, &size), 0);
    return terminal;
}
