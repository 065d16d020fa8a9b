#include "tests/support/check/live_look.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run_json.h"

#define SEEN_MS 90000u /* a browser on a busy machine */

void live_look_begin(struct live_look *look, const struct temp_tree *tree, const char *const *words)
{
    char url_path[200];
    const char *argv[48] = {"node", "tests/support/page/check_live.js", url_path};
    snprintf(url_path, sizeof url_path, "%s/url", tree->path);
    for (size_t i = 0; words[i] != NULL; i++) {
        ck_assert_uint_lt(3 + i, sizeof argv / sizeof argv[0] - 1);
        argv[3 + i] = words[i];
    }
    program_free(&look->browser);
    program_start(&look->browser,
                  &(const struct program_options){.argv = argv, .deadline_ms = SEEN_MS});
    program_wait_text(&look->browser, PROGRAM_OUT, "ready\n");
}

void live_look_open(struct live_look *look, const struct temp_tree *tree, struct program *volley)
{
    static const char before[] = "the live page is at ";
    program_wait_text(volley, PROGRAM_ERR, "/\n");
    char *text = program_output(volley, PROGRAM_ERR);
    const char *at = strstr(text, before);
    ck_assert_msg(at != NULL, "%s", text);
    snprintf(look->url, sizeof look->url, "%.*s", (int)strcspn(at + sizeof before - 1, "\n"),
             at + sizeof before - 1);
    free(text);
    temp_tree_write(tree, "/url", look->url, 0600);
}

void live_look_end(struct live_look *look)
{
    program_wait(&look->browser);
    ck_assert_msg(look->browser.exit_status == 0, "status %d, signal %d: %.2500s",
                  look->browser.exit_status, look->browser.exit_signal, look->browser.err);
    const char *line = strstr(look->browser.out, "{\"live\"");
    ck_assert_msg(line != NULL, "%.2000s", look->browser.out);
    json_decref(look->seen);
    look->seen = json_loads(line, 0, NULL);
    ck_assert_ptr_nonnull(look->seen);
    ck_assert_msg(json_array_size(json_object_get(look->seen, "foreign")) == 0, "%.2500s", line);
    ck_assert_double_eq(run_json_number(look->seen, "scripts"), 0);
    ck_assert_double_eq(run_json_number(look->seen, "wide"), 0);
    ck_assert_double_eq(run_json_number(look->seen, "unmarked"), 0);
}

const char *live_look_text(const struct live_look *look, const char *key)
{
    const char *text = json_string_value(json_object_get(look->seen, key));
    return text != NULL
               ? text
               : json_string_value(json_object_get(json_object_get(look->seen, "live"), key));
}

void live_look_free(struct live_look *look)
{
    json_decref(look->seen);
    program_free(&look->browser);
    *look = (struct live_look){.seen = NULL};
}
