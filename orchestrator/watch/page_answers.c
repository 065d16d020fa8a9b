#include "orchestrator/watch/page_answers.h"

#include "orchestrator/page/page_bundle.h"
#include "orchestrator/page/page_live.h"
#include "orchestrator/watch/http_answers.h"

void page_answer_frame(struct evhttp_request *request, const char *title, const char *attributes)
{
    size_t bundle_bytes;
    struct http_body body;
    struct output out;
    const bool built = page_bundle(&bundle_bytes) != NULL;
    if (http_body_begin(&body)) {
        output_borrow(&out, body.file);
        page_html_frame(&out, title);
        output_printf(&out,
                      "<p id=\"live\" %s>%s</p>\n</header>\n<main id=\"panels\"></main>\n"
                      "<section id=\"tables\"></section>\n%s</body>\n</html>\n",
                      attributes,
                      built ? "<noscript>The live page needs JavaScript; /api/run.json and "
                              "/metrics do not.</noscript>"
                            : "This volley was built without its page: /api/run.json, /metrics, "
                              "/stats and /health are here.",
                      built ? "<script src=\"/page.js\"></script>\n" : "");
    }
    http_body_answer(&body, request, HTTP_HTML);
}

void page_answer_script(void *state, struct evhttp_request *request)
{
    size_t bytes;
    const char *bundle = page_bundle(&bytes);
    (void)state;
    if (bundle == NULL)
        http_refuse(request, 404, "this volley was built without its page");
    else
        http_answer(request, 200, "text/javascript; charset=utf-8", bundle, bytes);
}
