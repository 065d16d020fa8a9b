#include "orchestrator/page/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/page/page_leaves.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/sinks.h"

/* ---- The model. ---- */

struct page *page_create(void)
{
    struct page *page = calloc(1, sizeof *page);
    if (page != NULL)
        page->values = calloc(page_rows_columns(), sizeof *page->values);
    if (page != NULL && page->values == NULL) {
        free(page);
        return NULL;
    }
    return page;
}

struct page *page_create_live(void)
{
    struct page *page = page_create();
    if (page != NULL)
        page->live = true;
    return page;
}

static void result_destroy(struct page_result *result)
{
    json_t *const values[] = {
        result->regions,     result->marks, result->spectra,    result->runs,    result->phases,
        result->environment, result->spec,  result->checks,     result->notices, result->numbers,
        result->findings,    result->curve, result->comparison, result->history};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        json_decref(values[i]);
    for (uint32_t i = 0; i < result->lane_count; i++)
        page_table_free(&result->lanes[i]);
    page_table_free(&result->load);
    page_table_free(&result->samples);
    free(result->lanes);
    free(result->report);
    free(result);
}

static void text_close(struct page *page)
{
    if (page->text_file == NULL)
        return;
    page->text.destroy(page->text.state);
    fclose(page->text_file);
    page->text_file = NULL;
}

void page_destroy(struct page *page)
{
    if (page == NULL)
        return;
    text_close(page);
    for (uint32_t i = 0; i < page->count; i++)
        result_destroy(page->results[i]);
    free(page->values);
    free(page);
}

enum err_code page_result_add(struct page *page, const char *name, struct err *err)
{
    if (page->count == PAGE_RESULTS_MAX)
        return err_set(err, E_USAGE, "a page shows at most %u results", PAGE_RESULTS_MAX);
    struct page_result *result = calloc(1, sizeof *result);
    if (result == NULL)
        return err_set(err, E_SYSTEM, "no memory for a page");
    snprintf(result->name, sizeof result->name, "%s", name != NULL ? name : "");
    result->named = name != NULL;
    result->regions = json_array();
    result->marks = json_array();
    result->spectra = json_array();
    result->runs = json_array();
    page->results[page->count++] = page->newest = result;
    return page_rows_init(result, page->live, err);
}

struct page_result *page_result_newest(const struct page *page)
{
    return page->newest;
}

const char page_ratios_left_out[] =
    "Ratios of RSS are left out below 100 MB of used memory: they measure the process there, not "
    "the data.";

void page_result_notice(struct page_result *result, const char *format, ...)
{
    char text[PAGE_NOTICE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (result->notices == NULL)
        result->notices = json_array();
    if (json_array_size(result->notices) < PAGE_NOTICES_MAX)
        json_array_append_new(result->notices, json_value_text(text));
}

/* ---- The events. ---- */

static enum err_code session_begin(void *state, const struct session_facts *session,
                                   struct err *err)
{
    struct page *page = state;
    struct page_result *result = page->newest;
    result->environment =
        session->environment != NULL ? json_incref(session->environment) : json_object();
    result->spec = session->spec != NULL ? json_incref(session->spec) : json_object();
    result->cut = session->cut;
    result->labelled = !result->named && session->label != NULL && session->label[0] != '\0';
    if (!result->named)
        snprintf(result->name, sizeof result->name, "%s",
                 result->labelled ? session->label : "volley");
    page->text_file = open_memstream(&result->report, &result->report_bytes);
    if (page->text_file == NULL ||
        sink_text(&page->text, page->text_file, TEXT_REPORT, false, err) != OK) {
        if (page->text_file != NULL)
            fclose(page->text_file);
        page->text_file = NULL;
        return err_set(err, E_SYSTEM, "no memory for the report of a page");
    }
    return page->text.session_begin != NULL
               ? page->text.session_begin(page->text.state, session, err)
               : OK;
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct page *page = state;
    struct page_result *result = page->newest;
    /* A prefill is a load of another kind: beside its rate that of the runs would not be seen. */
    page->run_drawn = !run->prefill || json_is_true(json_object_get(result->spec, "prefill-only"));
    if (result->started_wall_ns == 0 && page->run_drawn)
        result->started_wall_ns = run->started_wall_ns;
    page->run = *run;
    page->offset_seconds = run->started_wall_ns >= result->started_wall_ns
                               ? clock_seconds(run->started_wall_ns - result->started_wall_ns)
                               : 0;
    page->sample = (struct note){.ok = false};
    return page->text.run_begin(page->text.state, run, err);
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct page *page = state;
    if (page_rows_add(page, row, err) != OK)
        return err->code;
    return page->text.interval(page->text.state, row, error_kinds, err);
}

static enum err_code note(void *state, const struct note *note, struct err *err)
{
    struct page *page = state;
    if (note->source == NOTE_SAMPLE && note->ok)
        page->sample = *note;
    return note->source == NOTE_SCRAPE ? page_scraped_add(page, note, err) : OK;
}

static enum err_code run_end(void *state, const struct run_result *run, struct err *err)
{
    struct page *page = state;
    page_runs_add(page, run);
    return page->text.run_end(page->text.state, run, err);
}

static enum err_code session_end(void *state, struct err *err)
{
    struct page *page = state;
    enum err_code code = page->text.session_end(page->text.state, err);
    text_close(page);
    return code;
}

struct sink page_listen(struct page *page)
{
    return (struct sink){.name = "page",
                         .state = page,
                         .session_begin = session_begin,
                         .run_begin = run_begin,
                         .interval = interval,
                         .note = note,
                         .run_end = run_end,
                         .session_end = session_end};
}

/* ---- The file. ---- */

json_t *page_differences(const struct page *page)
{
    json_t *trees[PAGE_RESULTS_MAX];
    const char *names[PAGE_RESULTS_MAX];
    for (uint32_t i = 0; i < page->count; i++) {
        const struct page_result *result = page->results[i];
        names[i] = result->name;
        trees[i] =
            json_pack("{s:O?, s:O?}", "option", result->spec, "environment", result->environment);
    }
    json_t *rows = page_leaves_differing(trees, names, page->count);
    for (uint32_t i = 0; i < page->count; i++)
        json_decref(trees[i]);
    return rows;
}

enum err_code page_write(const struct page *page, const char *kind, const char *title,
                         struct output *out, struct err *err)
{
    size_t bundle_bytes;
    const char *bundle = page_bundle(&bundle_bytes);
    if (title == NULL || title[0] == '\0')
        title = page->count > 0 ? page->results[0]->name : "volley";
    page_html_head(out, title);
    for (uint32_t i = 0; i < page->count; i++)
        page_html_result(out, page->results[i]);
    output_printf(out, "</header>\n<main id=\"panels\"></main>\n<section id=\"tables\">\n");
    if (page->count > 1 && page->results[0]->environment != NULL) {
        json_t *rows = page_differences(page);
        page_html_differences(out, rows);
        json_decref(rows);
    }
    for (uint32_t i = 0; i < page->count; i++)
        page_html_tables(out, page->results[i]);
    output_printf(out, "</section>\n<script id=\"data\" type=\"text/plain\">");
    enum err_code code = page_data_write(page, kind, title, out, err);
    output_printf(out, "</script>\n<script>");
    if (bundle != NULL)
        output_write(out, bundle, bundle_bytes);
    output_printf(out, "</script>\n</body>\n</html>\n");
    return code;
}

static enum err_code file_session_end(void *state, struct err *err)
{
    struct page *page = state;
    if (session_end(page, err) != OK || page_write(page, "runs", NULL, &page->out, err) != OK)
        return err->code;
    return output_commit(&page->out, err);
}

static void file_destroy(void *state)
{
    output_discard(&((struct page *)state)->out);
    page_destroy(state);
}

enum err_code sink_page(struct sink *sink, const char *path, enum output_naming naming,
                        struct err *err)
{
    struct page *page = page_create();
    if (page == NULL)
        return err_set(err, E_SYSTEM, "no memory for a page");
    if (page_result_add(page, NULL, err) != OK ||
        output_create(&page->out, path, naming, err) != OK) {
        page_destroy(page);
        return err->code;
    }
    *sink = page_listen(page);
    sink->session_end = file_session_end;
    sink->destroy = file_destroy;
    return OK;
}
