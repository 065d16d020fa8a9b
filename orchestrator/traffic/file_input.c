#include "orchestrator/traffic/file_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/printable.h"

#define FIRST_ROOM_BYTES (256u << 10)

enum err_code file_input_open(struct file_input *input, const char *path, struct err *err)
{
    struct stat status;
    bool standard = strcmp(path, "-") == 0;
    *input =
        (struct file_input){.fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)};
    if (input->fd < 0 || fstat(input->fd, &status) != 0)
        return err_set_errno(err, E_CONFIG, errno, "cannot read %s", PRINTABLE(path));
    if (S_ISDIR(status.st_mode))
        return err_set(
            err, E_CONFIG,
            "%s is a directory; name a file (of a multi-part append-only file its manifest)",
            PRINTABLE(path));
    return OK;
}

void file_input_close(struct file_input *input)
{
    if (input->fd >= 0)
        close(input->fd);
    free(input->buffer);
    *input = (struct file_input){.fd = -1};
}

/* Makes room behind `end`; false: no memory. */
static bool make_room(struct file_input *input, size_t byte_count)
{
    size_t have = input->end - input->start;
    if (input->start > 0 && (have == 0 || input->room - input->end < byte_count)) {
        memmove(input->buffer, input->buffer + input->start, have);
        input->start = 0;
        input->end = have;
    }
    if (input->room - input->end >= byte_count && input->room > 0)
        return true;
    size_t room = input->room == 0 ? FIRST_ROOM_BYTES : input->room * 2;
    while (room - input->end < byte_count)
        room *= 2;
    char *larger = realloc(input->buffer, room);
    if (larger == NULL)
        return false;
    input->buffer = larger;
    input->room = room;
    return true;
}

/* Reads what there is, one byte at least, or notes the end. */
static void read_more(struct file_input *input)
{
    if (!make_room(input, 1)) {
        input->failed = ENOMEM;
        input->ended = true;
        return;
    }
    ssize_t now;
    do {
        now = read(input->fd, input->buffer + input->end, input->room - input->end);
    } while (now < 0 && errno == EINTR);
    input->failed = now < 0 ? errno : 0;
    input->ended = now <= 0;
    input->end += now > 0 ? (size_t)now : 0;
}

size_t file_input_have(struct file_input *input, size_t byte_count)
{
    while (input->end - input->start < byte_count && !input->ended) {
        if (!make_room(input, byte_count - (input->end - input->start))) {
            input->failed = ENOMEM;
            input->ended = true;
            break;
        }
        read_more(input);
    }
    size_t have = input->end - input->start;
    return have < byte_count ? have : byte_count;
}

void file_input_pass(struct file_input *input, size_t byte_count)
{
    input->start += byte_count;
    input->offset += byte_count;
}

uint64_t file_input_skip(struct file_input *input, uint64_t byte_count)
{
    uint64_t skipped = 0;
    while (skipped < byte_count) {
        size_t have = input->end - input->start;
        if (have == 0 && input->ended)
            break;
        if (have == 0) {
            read_more(input);
            continue;
        }
        size_t step = have < byte_count - skipped ? have : (size_t)(byte_count - skipped);
        file_input_pass(input, step);
        skipped += step;
    }
    return skipped;
}

enum file_line file_input_line(struct file_input *input, size_t most_bytes, char **text,
                               size_t *text_bytes)
{
    size_t looked = 0;
    bool too_long = false;
    for (;;) {
        size_t have = input->end - input->start;
        const char *from = input->buffer + input->start;
        const char *end = have > looked ? memchr(from + looked, '\n', have - looked) : NULL;
        if (end != NULL || (input->ended && have > 0)) {
            *text = input->buffer + input->start;
            *text_bytes = end != NULL ? (size_t)(end + 1 - from) : have;
            file_input_pass(input, *text_bytes);
            return too_long || *text_bytes > most_bytes ? FILE_LINE_TOO_LONG : FILE_LINE;
        }
        if (input->ended)
            return too_long ? FILE_LINE_TOO_LONG : FILE_LINE_END;
        looked = have;
        if (have > most_bytes) {
            too_long = true;
            file_input_pass(input, have);
            looked = 0;
        }
        read_more(input);
    }
}
