#include "orchestrator/watch/http_answers.h"

#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

void http_answer_json(struct evhttp_request *request, int status, json_t *object)
{
    char *text = object != NULL ? json_dumps(object, HTTP_JSON_FLAGS) : NULL;
    json_decref(object);
    if (text == NULL)
        http_refuse(request, 503, "no memory for the answer");
    else
        http_answer(request, status, HTTP_JSON, text, strlen(text));
    free(text);
}

bool http_body_begin(struct http_body *body)
{
    *body = (struct http_body){.file = NULL};
    body->file = open_memstream(&body->text, &body->bytes);
    return body->file != NULL;
}

void http_body_answer(struct http_body *body, struct evhttp_request *request, const char *type)
{
    if (body->file == NULL || fclose(body->file) != 0)
        http_refuse(request, 503, "no memory for the answer");
    else
        http_answer(request, 200, type, body->text, body->bytes);
    free(body->text);
}

uint64_t http_number(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 19 && text[digits] == '\0' ? strtoull(text, NULL, 10)
                                                             : UINT64_MAX;
}

uint64_t http_query_number(struct evhttp_request *request, const char *name, uint64_t usual)
{
    struct evkeyvalq query = {NULL, NULL};
    const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    uint64_t number = usual;
    if (text == NULL || evhttp_parse_query_str(text, &query) != 0)
        return usual;
    const char *value = evhttp_find_header(&query, name);
    if (value != NULL)
        number = http_number(value);
    evhttp_clear_headers(&query);
    return number;
}
