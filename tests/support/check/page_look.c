#include "tests/support/check/page_look.h"

#include <check.h>

#include "tests/support/check/run.h"

#define SEEN_MS 90000u /* a browser on a busy machine */

json_t *page_look(const char *page, const char *const *words)
{
    const char *argv[24] = {"node", "tests/support/page/check_page.js", page};
    struct program program = {.pid = 0};
    for (size_t i = 0; words[i] != NULL; i++) {
        ck_assert_uint_lt(3 + i, sizeof argv / sizeof argv[0] - 1);
        argv[3 + i] = words[i];
    }
    program_run(&program, &(const struct program_options){.argv = argv, .deadline_ms = SEEN_MS});
    ck_assert_msg(program.exit_status == 0, "%.3000s%.3000s", program.err, program.out);
    json_t *seen = json_loads(program.out, 0, NULL);
    ck_assert_ptr_nonnull(seen);
    program_free(&program);
    return seen;
}
