#include "orchestrator/page/picture.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page_state.h"

const struct picture pictures_of_runs[PICTURES_OF_RUNS] = {
    {"latency", "times of requests", picture_latency},
    {"throughput", "requests", picture_throughput},
    {"percentiles", "requests that were answered", picture_percentiles}};

const struct picture pictures_of_scenarios[PICTURES_OF_SCENARIOS] = {
    {"memory_analysis", "samples of memory", picture_memory},
    {"performance_correlation", "samples of memory and load", picture_correlation},
    {"phase_heatmap", "phases with figures", picture_phases}};

const struct picture pictures_of_curves[PICTURES_OF_CURVES] = {
    {"curve", "loads", picture_load}, {"memory", "memory of both modes", picture_load_memory}};

const struct picture picture_of_modes = {"modes", "runs of two modes", picture_modes};

#define PREFIX_BYTES 100u

enum err_code picture_directory_make(const char *directory, struct err *err)
{
    int fd = -1;
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return err_set_errno(err, E_USAGE, errno, "cannot make %.300s", directory);
    enum err_code code = output_directory_open(&fd, directory, err);
    if (code == OK && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        code = err_set_errno(err, E_USAGE, errno, "cannot write to %.300s", directory);
    if (fd >= 0)
        close(fd);
    return code;
}

static void plain_name(char *name, const char *from)
{
    size_t length = 0;
    for (; *from != '\0' && length < PREFIX_BYTES - 1; from++)
        name[length++] = isalnum((unsigned char)*from) || *from == '-' ? *from : '_';
    name[length] = '\0';
}

enum err_code picture_draw(char path[PICTURE_PATH_BYTES], const struct picture *picture,
                           enum picture_format format, const struct page_result *result,
                           const char *directory, const char *prefix, struct err *err)
{
    char name[PREFIX_BYTES];
    plain_name(name, prefix);
    const int needed = snprintf(path, PICTURE_PATH_BYTES, "%s/%s_%s.%s", directory, name,
                                picture->name, format == PICTURE_PNG ? "png" : "svg");
    if (needed < 0 || needed >= PICTURE_PATH_BYTES)
        return err_set(err, E_USAGE, "the path of a picture is longer than %d bytes",
                       PICTURE_PATH_BYTES);
    FILE *script = gnuplot_script_open();
    if (script == NULL)
        return err_set_errno(err, E_SYSTEM, errno, "no file for the script of a picture");
    const bool drawn = picture->write(script, format, result);
    const enum err_code code = drawn ? gnuplot_draw(script, path, OUTPUT_OWN, err) : OK;
    fclose(script);
    if (!drawn)
        path[0] = '\0';
    return code;
}

/* ---- of a session ---- */

static enum err_code draw_all(const struct page *page, enum picture_format format, struct err *err)
{
    char path[PICTURE_PATH_BYTES];
    enum err_code code = OK;
    const char *directory = page->picture_directories[format];
    for (size_t i = 0; i < PICTURES_OF_RUNS && code == OK && directory != NULL; i++) {
        const struct picture *picture = &pictures_of_runs[i];
        code = picture_draw(path, picture, format, page->newest, directory,
                            page->newest->labelled ? page->newest->name : "run", err);
        if (code == OK && path[0] == '\0')
            log_line(LOG_WARNING, "there is no picture %s: the run has no %s", picture->name,
                     picture->what);
    }
    return code;
}

static enum err_code session_end(void *state, struct err *err)
{
    struct page *page = state;
    enum err_code code = page_listen(page).session_end(page, err);
    if (code == OK)
        code = draw_all(page, PICTURE_PNG, err);
    if (code == OK)
        code = draw_all(page, PICTURE_SVG, err);
    return code;
}

static void destroy(void *state)
{
    struct page *page = state;
    free(page->picture_directories[PICTURE_PNG]);
    free(page->picture_directories[PICTURE_SVG]);
    page_destroy(page);
}

enum err_code sink_pictures(struct sink *sink, const char *png_directory, const char *svg_directory,
                            struct err *err)
{
    const char *const asked[] = {png_directory, svg_directory};
    struct page *page = page_create();
    enum err_code code = page != NULL ? OK : err_set(err, E_SYSTEM, "no memory for pictures");
    if (code == OK)
        code = page_result_add(page, NULL, err);
    for (size_t i = 0; i < PICTURE_FORMATS && code == OK; i++) {
        if (asked[i] == NULL)
            continue;
        code = picture_directory_make(asked[i], err);
        page->picture_directories[i] = strdup(asked[i]);
        if (code == OK && page->picture_directories[i] == NULL)
            code = err_set(err, E_SYSTEM, "no memory for pictures");
    }
    if (code != OK) {
        if (page != NULL)
            destroy(page);
        return code;
    }
    *sink = page_listen(page);
    sink->name = "pictures";
    sink->session_end = session_end;
    sink->destroy = destroy;
    return OK;
}
