/* The data of a page, packed into it: docs/design/pictures.md says what stands in them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/page/page_live.h"
#include "orchestrator/page/page_pack.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/report/json_value.h"

static void put_text(struct page_pack *pack, const char *text)
{
    json_t *json = json_value_text(text);
    page_pack_json(pack, json);
    json_decref(json);
}

/* A member of a name of ours. */
static void put_member(struct page_pack *pack, const char *name, bool first)
{
    page_pack_text(pack, first ? "\"" : ",\"");
    page_pack_text(pack, name);
    page_pack_text(pack, "\":");
}

static void put_json(struct page_pack *pack, const char *name, const json_t *value)
{
    if (value == NULL)
        return;
    put_member(pack, name, false);
    page_pack_json(pack, value);
}

/* With a millisecond's digits: six would not do for a day. */
static void put_seconds(struct page_pack *pack, const char *name, const double *seconds,
                        size_t count, bool first)
{
    char text[48];
    put_member(pack, name, first);
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "%s%.10g", i > 0 ? "," : "[", round(seconds[i] * 1e3) / 1e3);
        page_pack_text(pack, text);
    }
    page_pack_text(pack, count > 0 ? "]" : "[]");
}

static void put_values(struct page_pack *pack, const char *name, const struct page_table *table,
                       const double *values, uint32_t column)
{
    put_member(pack, name, false);
    for (size_t i = 0; i < table->rows; i++) {
        page_pack_text(pack, i > 0 ? "," : "[");
        page_pack_number(pack, values[i * table->columns_max + column]);
    }
    page_pack_text(pack, table->rows > 0 ? "]" : "[]");
}

/* Rows that a line begins anew at, where there are any. */
static void put_gaps(struct page_pack *pack, const struct page_table *table)
{
    const double gap_seconds = page_table_gap_seconds(table);
    char text[24];
    bool any = false;
    for (size_t row = 1; row < table->rows; row++) {
        if (!page_table_gap_before(table, row, gap_seconds))
            continue;
        if (!any)
            put_member(pack, "gaps", false);
        snprintf(text, sizeof text, "%s%zu", any ? "," : "[", row);
        page_pack_text(pack, text);
        any = true;
    }
    page_pack_text(pack, any ? "]" : "");
}

/* What whoever adds rows has to know to join them as this table does. */
static void put_joining(struct page_pack *pack, uint64_t joined, uint64_t last)
{
    char text[80];
    snprintf(text, sizeof text, ",\"joined\":%llu,\"last\":%llu", (unsigned long long)joined,
             (unsigned long long)last);
    page_pack_text(pack, text);
}

static void put_table(struct page_pack *pack, const struct page_table *table, bool first)
{
    bool first_column = true;
    page_pack_text(pack, first ? "{\"of\":" : ",{\"of\":");
    put_text(pack, table->of);
    put_member(pack, "name", false);
    put_text(pack, table->name);
    put_seconds(pack, "start", table->start, table->rows, false);
    put_seconds(pack, "end", table->end, table->rows, false);
    put_gaps(pack, table);
    if (pack->plain) {
        put_joining(pack, table->joined, table->last);
        put_member(pack, "rows_max", false);
        page_pack_number(pack, (double)table->rows_max);
        put_member(pack, "gap_seconds", false);
        page_pack_number(pack, page_table_gap_seconds(table));
    }
    put_member(pack, "columns", false);
    page_pack_text(pack, "{");
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct page_column *column = &table->columns[i];
        if (!column->seen)
            continue;
        put_member(pack, column->name, first_column);
        page_pack_text(pack, "{\"unit\":");
        put_text(pack, column->unit);
        put_member(pack, "help", false);
        put_text(pack, column->help);
        put_values(pack, "low", table, table->low, i);
        if (table->thinned)
            put_values(pack, "high", table, table->high, i);
        page_pack_text(pack, "}");
        first_column = false;
    }
    page_pack_text(pack, "}}");
}

static void put_heat(struct page_pack *pack, const struct page_heat *heat)
{
    double top_us[PAGE_HEAT_ROWS];
    char text[64];
    bool first = true;
    for (uint32_t i = 0; i < PAGE_HEAT_ROWS; i++)
        top_us[i] = page_heat_top_us(i);
    put_member(pack, "heat", false);
    page_pack_text(pack, "{");
    put_seconds(pack, "start", heat->start, heat->columns, true);
    put_seconds(pack, "end", heat->end, heat->columns, false);
    put_seconds(pack, "top_us", top_us, PAGE_HEAT_ROWS, false);
    if (pack->plain)
        put_joining(pack, heat->joined, heat->last);
    put_member(pack, "cells", false);
    page_pack_text(pack, "[");
    for (uint32_t column = 0; column < heat->columns; column++)
        for (uint32_t row = 0; row < PAGE_HEAT_ROWS; row++) {
            if (heat->cells[column][row] == 0)
                continue;
            snprintf(text, sizeof text, "%s%u,%u,%llu", first ? "" : ",", column, row,
                     (unsigned long long)heat->cells[column][row]);
            page_pack_text(pack, text);
            first = false;
        }
    page_pack_text(pack, "]}");
}

static void put_result(struct page_pack *pack, const struct page_result *result)
{
    char started[40];
    page_pack_text(pack, "{\"name\":");
    put_text(pack, result->name);
    put_member(pack, "started_ms", false);
    snprintf(started, sizeof started, "%llu",
             (unsigned long long)(result->started_wall_ns / NS_PER_MS));
    page_pack_text(pack, started);
    put_json(pack, "regions", result->regions);
    put_json(pack, "marks", result->marks);
    put_json(pack, "spectra", result->spectra);
    put_json(pack, "checks", result->checks);
    put_json(pack, "curve", result->curve);
    put_json(pack, "comparison", result->comparison);
    put_json(pack, "history", result->history);
    if (result->ratios_left_out) {
        put_member(pack, "ratios_left_out", false);
        put_text(pack, page_ratios_left_out);
    }
    put_member(pack, "tables", false);
    page_pack_text(pack, "[");
    put_table(pack, &result->load, true);
    for (uint32_t i = 0; i < result->lane_count; i++)
        put_table(pack, &result->lanes[i], false);
    if (result->samples.columns_max > 0)
        put_table(pack, &result->samples, false);
    page_pack_text(pack, "]");
    if (result->heat.columns > 0)
        put_heat(pack, &result->heat);
    page_pack_text(pack, "}");
}

static void put_page(struct page_pack *pack, const struct page *page, const char *kind,
                     const char *title)
{
    page_pack_text(pack, "{\"schema\":\"volley.page/1\"");
    put_member(pack, "kind", false);
    put_text(pack, kind);
    put_member(pack, "title", false);
    put_text(pack, title);
    put_member(pack, "results", false);
    page_pack_text(pack, "[");
    for (uint32_t i = 0; i < page->count; i++) {
        page_pack_text(pack, i > 0 ? "," : "");
        put_result(pack, page->results[i]);
    }
    page_pack_text(pack, "]");
}

enum err_code page_data_write(const struct page *page, const char *kind, const char *title,
                              struct output *out, struct err *err)
{
    struct page_pack pack;
    if (page_pack_begin(&pack, out, err) != OK)
        return err->code;
    put_page(&pack, page, kind, title);
    page_pack_text(&pack, "}");
    page_pack_end(&pack);
    return OK;
}

void page_live_snapshot(const struct page *page, const char *kind, const char *title,
                        const json_t *live, struct output *out)
{
    struct page_pack pack;
    page_pack_begin_plain(&pack, out);
    put_page(&pack, page, kind, title);
    put_json(&pack, "live", live);
    page_pack_text(&pack, "}");
    page_pack_end(&pack);
}

/* ---- What a row has added. ---- */

static void put_row_values(struct page_pack *pack, const struct page_table *table)
{
    page_pack_text(pack, "[");
    for (uint32_t i = 0; i < table->column_count; i++) {
        page_pack_text(pack, i > 0 ? "," : "");
        page_pack_number(pack, table->newest[i]);
    }
    page_pack_text(pack, "]");
}

static void put_lanes(struct page_pack *pack, const struct page_result *result)
{
    put_member(pack, "lanes", false);
    page_pack_text(pack, "[");
    for (uint32_t i = 0; i < result->lane_count; i++) {
        page_pack_text(pack, i > 0 ? "," : "");
        if (strcmp(result->lanes[i].of, "scraped") == 0) /* comes by itself */
            page_pack_text(pack, "null");
        else
            put_row_values(pack, &result->lanes[i]);
    }
    page_pack_text(pack, "]");
}

static void put_newest_heat(struct page_pack *pack, const struct page_heat *heat)
{
    char text[48];
    bool first = true;
    put_member(pack, "heat", false);
    page_pack_text(pack, "[");
    for (uint32_t row = 0; row < PAGE_HEAT_ROWS; row++) {
        if (heat->newest[row] == 0)
            continue;
        snprintf(text, sizeof text, "%s%u,%llu", first ? "" : ",", row,
                 (unsigned long long)heat->newest[row]);
        page_pack_text(pack, text);
        first = false;
    }
    page_pack_text(pack, "]");
}

void page_live_row(const struct page *page, const struct interval_row *row, struct output *out)
{
    const struct page_result *result = page->newest;
    struct page_pack pack;
    char text[96];
    page_pack_begin_plain(&pack, out);
    snprintf(text, sizeof text, "{\"start\":%.10g,\"end\":%.10g,\"load\":",
             page->offset_seconds + clock_seconds(row->header.start_ns),
             page->offset_seconds + clock_seconds(row->header.end_ns));
    page_pack_text(&pack, text);
    put_row_values(&pack, &result->load);
    put_lanes(&pack, result);
    put_newest_heat(&pack, &result->heat);
    page_pack_text(&pack, "}");
    page_pack_end(&pack);
}

json_t *page_live_columns(const struct page *page)
{
    const struct page_table *table = &page->newest->load;
    json_t *list = json_array();
    for (uint32_t i = 0; i < table->column_count; i++)
        json_array_append_new(list, json_string(table->columns[i].name));
    return list;
}

bool page_live_drawn(const struct page *page)
{
    return page->run_drawn;
}
