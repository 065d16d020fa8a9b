/* The live page of a running volley as a person's browser shows it: headless Chromium, by tests/support/page/check_live.js, which has
 * the words. Needs VOLLEY_JS. What does not come to that fails the running test. */
#ifndef TESTS_SUPPORT_CHECK_LIVE_LOOK_H
#define TESTS_SUPPORT_CHECK_LIVE_LOOK_H

#include <jansson.h>

#include "tests/support/check/run.h"
#include "tests/support/check/temp_tree.h"

/* Zeroed: there is no browser. */
struct live_look {
    struct program browser;
    char url[64]; /* that volley has told */
    json_t *seen; /* what is told at the end */
};

/* Before volley is started: a browser takes longer to start than a short run lasts. Words: NULL behind the last. */
void live_look_begin(struct live_look *look, const struct temp_tree *tree,
                     const char *const *words);
#define LIVE_LOOK_BEGIN(look, tree, ...)                                                           \
    live_look_begin(look, tree, (const char *const[]){__VA_ARGS__, NULL})
/* Lets it go where this volley says that its page is. */
void live_look_open(struct live_look *look, const struct temp_tree *tree, struct program *volley);
/* Its end; nothing broke, nothing was asked of others, no text became markup, nothing stands out. */
void live_look_end(struct live_look *look);
/* Of what was seen, or of what the page tells of itself. */
const char *live_look_text(const struct live_look *look, const char *key);
void live_look_free(struct live_look *look);

#endif
