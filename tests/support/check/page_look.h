/* A page as a person's browser shows it, for tests of pages. Needs VOLLEY_JS. */
#ifndef TESTS_SUPPORT_CHECK_PAGE_LOOK_H
#define TESTS_SUPPORT_CHECK_PAGE_LOOK_H

#include <jansson.h>

/* Opens the page with these words for tests/support/page/check_page.js, NULL behind the last, and returns what is seen of it, which
 * the caller releases. Fails the test on an error in the console, and on anything that is asked of the network. */
json_t *page_look(const char *page, const char *const *words);

#endif
