/* Notifications, by libcurl. Loaded by orchestrator/watch/notify_sender.c, through common/notify_driver.h. libcurl's words for a
 * problem may hold the address; those here do not. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/notify_driver.h"

#define CONNECT_MS_MAX 5000
#define STEP_MS_MAX 60000

struct transfer {
    CURL *curl;
    struct curl_slist *headers, *recipients;
    const struct notify_request *request;
    size_t read_bytes; /* of the body */
    notify_answer *answer;
    void *state;
};

static void end_transfer(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->curl);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->recipients);
    free(transfer);
}

/* ---- what it came to ---- */

static const struct {
    CURLcode code;
    enum notify_outcome outcome;
    const char *text;
} problems[] = {
    {CURLE_COULDNT_RESOLVE_HOST, NOTIFY_FAILED, "the name of its host does not resolve"},
    {CURLE_COULDNT_RESOLVE_PROXY, NOTIFY_FAILED, "the name of the proxy does not resolve"},
    {CURLE_COULDNT_CONNECT, NOTIFY_FAILED, "nobody listens there, or nothing leads there"},
    {CURLE_GOT_NOTHING, NOTIFY_FAILED, "the connection was closed without an answer"},
    {CURLE_RECV_ERROR, NOTIFY_FAILED, "the connection broke before the answer"},
    {CURLE_SEND_ERROR, NOTIFY_FAILED, "the connection broke"},
    {CURLE_URL_MALFORMAT, NOTIFY_REFUSED, "its address is not understood"},
    {CURLE_LOGIN_DENIED, NOTIFY_REFUSED, "the server does not take its user and password"},
    {CURLE_USE_SSL_FAILED, NOTIFY_REFUSED, "the server does not do STARTTLS"},
    {CURLE_SSL_CONNECT_ERROR, NOTIFY_REFUSED, "TLS cannot be agreed on"},
    {CURLE_PEER_FAILED_VERIFICATION, NOTIFY_REFUSED,
     "the certificate of the server is not trusted, or of another name"},
    {CURLE_SSL_CACERT_BADFILE, NOTIFY_REFUSED, "the file of its cacert cannot be used"},
};

/* Of HTTP 4xx is for good, but for what asks for patience; of SMTP 5xx. */
static bool is_for_good(long status, bool is_mail)
{
    if (is_mail)
        return status >= 500;
    return status < 500 && status != 408 && status != 429;
}

/* What libcurl makes of a mail server's refusal of sender, recipients or text. */
static bool is_refused_mail(const struct transfer *transfer, CURLcode code, long status)
{
    return transfer->request->from != NULL && status >= 400 &&
           (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
            code == CURLE_WEIRD_SERVER_REPLY);
}

static enum notify_outcome judge_failure(char text[NOTIFY_PROBLEM_BYTES], CURLcode code)
{
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
        if (problems[i].code == code) {
            snprintf(text, NOTIFY_PROBLEM_BYTES, "%s", problems[i].text);
            return problems[i].outcome;
        }
    snprintf(text, NOTIFY_PROBLEM_BYTES, "%s", curl_easy_strerror(code));
    return NOTIFY_FAILED;
}

static enum notify_outcome judge(char text[NOTIFY_PROBLEM_BYTES], const struct transfer *transfer,
                                 CURLcode code)
{
    const bool is_mail = transfer->request->from != NULL;
    long status = 0;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OPERATION_TIMEDOUT) {
        snprintf(text, NOTIFY_PROBLEM_BYTES, "no answer within %g s",
                 (double)transfer->request->limit_ms / 1000);
        return NOTIFY_FAILED;
    }
    if (code == CURLE_OK && (is_mail || (status >= 200 && status < 300)))
        return NOTIFY_SENT;
    if (code != CURLE_OK && !is_refused_mail(transfer, code, status))
        return judge_failure(text, code);
    snprintf(text, NOTIFY_PROBLEM_BYTES, "it answers with %s status %ld", is_mail ? "SMTP" : "HTTP",
             status);
    return is_for_good(status, is_mail) ? NOTIFY_REFUSED : NOTIFY_FAILED;
}

static void tell(struct transfer *transfer, CURLcode code)
{
    char text[NOTIFY_PROBLEM_BYTES] = "";
    const enum notify_outcome outcome = judge(text, transfer, code);
    notify_answer *answer = transfer->answer;
    void *state = transfer->state;
    end_transfer(transfer);
    answer(state, outcome, text);
}

/* ---- sending ---- */

static size_t read_body(char *buffer, size_t size, size_t count, void *state)
{
    struct transfer *transfer = state;
    const size_t left = transfer->request->body_bytes - transfer->read_bytes;
    const size_t bytes = left < size * count ? left : size * count;
    memcpy(buffer, transfer->request->body + transfer->read_bytes, bytes);
    transfer->read_bytes += bytes;
    return bytes;
}

static size_t drop_answer(char *bytes, size_t size, size_t count, void *state)
{
    (void)bytes;
    (void)state;
    return size * count;
}

static bool add(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);
    if (longer != NULL)
        *list = longer;
    return longer != NULL;
}

static bool set_up_mail(struct transfer *transfer)
{
    const struct notify_request *request = transfer->request;
    CURL *curl = transfer->curl;
    bool done = true;
    for (size_t i = 0; i < request->recipient_count && done; i++)
        done = add(&transfer->recipients, request->recipients[i]);
    return done && curl_easy_setopt(curl, CURLOPT_MAIL_FROM, request->from) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, transfer->recipients) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USE_SSL,
                            (long)(request->starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE)) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERNAME, request->user) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PASSWORD, request->password) == CURLE_OK;
}

static bool set_up_post(struct transfer *transfer)
{
    const struct notify_request *request = transfer->request;
    CURL *curl = transfer->curl;
    bool done = add(&transfer->headers, "Content-Type: application/json") &&
                add(&transfer->headers, "Expect:");
    for (size_t i = 0; i < request->header_count && done; i++)
        done = add(&transfer->headers, request->headers[i]);
    return done && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body_bytes) == CURLE_OK;
}

static bool allow_protocols(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps") == CURLE_OK;
#else
    const long protocols = CURLPROTO_HTTP | CURLPROTO_HTTPS | CURLPROTO_SMTP | CURLPROTO_SMTPS;
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS, protocols) == CURLE_OK;
#endif
}

static bool set_up(struct transfer *transfer)
{
    const struct notify_request *request = transfer->request;
    CURL *curl = transfer->curl;
    const long limit_ms = (long)request->limit_ms;
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A resolver's thread that hangs is not waited for when time is up. */
    (void)curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
#endif
    return allow_protocols(curl) && curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, limit_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                            limit_ms < CONNECT_MS_MAX ? limit_ms : (long)CONNECT_MS_MAX) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_answer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "volley") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
           (request->authority == NULL ||
            (curl_easy_setopt(curl, CURLOPT_CAINFO, request->authority) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
           (request->from != NULL ? set_up_mail(transfer) : set_up_post(transfer));
}

static void *open_multi(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
}

static void send_request(void *handle, const struct notify_request *request, notify_answer *answer,
                         void *state)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer != NULL)
        *transfer = (struct transfer){
            .curl = curl_easy_init(), .request = request, .answer = answer, .state = state};
    if (transfer != NULL && transfer->curl != NULL && set_up(transfer) &&
        curl_multi_add_handle(handle, transfer->curl) == CURLM_OK)
        return;
    if (transfer != NULL)
        end_transfer(transfer);
    answer(state, NOTIFY_REFUSED, "it cannot be prepared");
}

/* ---- going on ---- */

static bool take_ended(CURLM *multi)
{
    int left = 0;
    bool any = false;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
        char *private = NULL;
        CURL *curl = message->easy_handle;
        const CURLcode code = message->data.result;
        (void)curl_easy_getinfo(curl, CURLINFO_PRIVATE, &private);
        (void)curl_multi_remove_handle(multi, curl);
        any = true;
        tell((struct transfer *)(void *)private, code);
    }
    return any;
}

static void step(void *handle, int wake_fd, uint64_t limit_ms)
{
    struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
    int running = 0, ready = 0;
    (void)curl_multi_perform(handle, &running);
    if (take_ended(handle))
        return;
    (void)curl_multi_poll(handle, &wake, wake_fd >= 0 ? 1 : 0,
                          limit_ms < STEP_MS_MAX ? (int)limit_ms : STEP_MS_MAX, &ready);
    (void)curl_multi_perform(handle, &running);
    (void)take_ended(handle);
}

__attribute__((visibility("default"))) extern const struct notify_driver volley_notify_driver;

const struct notify_driver volley_notify_driver = {
    .abi = NOTIFY_DRIVER_ABI,
    .open = open_multi,
    .send = send_request,
    .step = step,
};
