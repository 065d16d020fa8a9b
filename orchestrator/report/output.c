#include "orchestrator/report/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum err_code output_borrow(struct output *output, FILE *file, const char *name, struct err *err)
{
    *output = (struct output){.file = file, .path = strdup(name)};
    if (output->path == NULL)
        return err_set(err, E_SYSTEM, "no memory for an output");
    return OK;
}

enum err_code output_create(struct output *output, const char *path, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return output_borrow(output, stdout, "standard output", err);
    *output = (struct output){.owned = true, .path = strdup(path)};
    size_t temporary_bytes = strlen(path) + sizeof ".tmp";
    char *temporary = malloc(temporary_bytes);
    if (output->path == NULL || temporary == NULL) {
        free(temporary);
        output_discard(output);
        return err_set(err, E_SYSTEM, "no memory for an output");
    }
    snprintf(temporary, temporary_bytes, "%s.tmp", path);
    output->file = fopen(temporary, "we");
    if (output->file == NULL) {
        enum err_code code = err_set_errno(err, E_USAGE, errno, "cannot create %s", temporary);
        free(temporary);
        output_discard(output);
        return code;
    }
    output->temporary = temporary;
    return OK;
}

static bool writable(const struct output *output)
{
    return output->file != NULL && !output->gone && output->sys_errno == 0;
}

static void failed(struct output *output, int sys_errno)
{
    if (!output->owned && sys_errno == EPIPE)
        output->gone = true;
    else
        output->sys_errno = sys_errno != 0 ? sys_errno : EIO;
}

void output_write(struct output *output, const void *bytes, size_t byte_count)
{
    if (!writable(output))
        return;
    errno = 0;
    if (fwrite(bytes, 1, byte_count, output->file) != byte_count)
        failed(output, errno);
}

void output_printf(struct output *output, const char *format, ...)
{
    if (!writable(output))
        return;
    va_list args;
    va_start(args, format);
    errno = 0;
    if (vfprintf(output->file, format, args) < 0)
        failed(output, errno);
    va_end(args);
}

enum err_code output_status(struct output *output, struct err *err)
{
    if (writable(output)) {
        errno = 0;
        if (fflush(output->file) != 0)
            failed(output, errno);
    }
    if (output->sys_errno != 0)
        return err_set_errno(err, E_SYSTEM, output->sys_errno, "cannot write %s", output->path);
    return OK;
}

enum err_code output_commit(struct output *output, struct err *err)
{
    enum err_code code = output_status(output, err);
    if (!output->owned || code != OK || output->file == NULL)
        return code;
    FILE *file = output->file;
    output->file = NULL;
    if (fclose(file) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot write %s", output->path);
    if (rename(output->temporary, output->path) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot rename %s to %s", output->temporary,
                             output->path);
    free(output->temporary);
    output->temporary = NULL;
    return OK;
}

void output_discard(struct output *output)
{
    if (output->owned && output->file != NULL)
        fclose(output->file);
    if (output->temporary != NULL)
        unlink(output->temporary);
    free(output->temporary);
    free(output->path);
    *output = (struct output){0};
}
