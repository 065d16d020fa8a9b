#include "orchestrator/report/live_line.h"

#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/log.h"

#define LINE_BYTES 640u
#define COLUMNS_UNKNOWN 79u /* of a terminal that does not say */

struct live_line live_line_on(FILE *out)
{
    return (struct live_line){.out = out, .terminal = isatty(fileno(out)) == 1};
}

/* The last column stays free, or the terminal begins a new line. */
size_t live_line_room(const struct live_line *line)
{
    struct winsize size;
    if (!line->terminal)
        return SIZE_MAX;
    if (ioctl(fileno(line->out), TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
        return COLUMNS_UNKNOWN;
    return size.ws_col - 1u;
}

void live_line_show(struct live_line *line, const char *text, size_t room)
{
    const int width = (int)strlen(text);
    if (!line->terminal) {
        fprintf(line->out, "%s\n", text);
    } else {
        /* Blanks wipe out what a longer line before left behind. */
        const int before = (size_t)line->columns > room ? (int)room : line->columns;
        fprintf(line->out, "\r%-*s", before > width ? before : width, text);
        line->columns = width;
        log_progress_line((unsigned)width);
    }
    fflush(line->out);
}

void live_line_show_parts(struct live_line *line, const char *const *parts, size_t count)
{
    const size_t room = live_line_room(line);
    char text[LINE_BYTES] = "";
    for (size_t i = 0, used = 0; i < count; i++) {
        const size_t bytes = strlen(parts[i]);
        if (bytes > room - used || bytes >= sizeof text - used)
            break;
        memcpy(text + used, parts[i], bytes + 1);
        used += bytes;
    }
    live_line_show(line, text, room);
}

void live_line_end(struct live_line *line)
{
    const size_t room = live_line_room(line), width = (size_t)line->columns;
    if (line->terminal && log_progress_stands()) {
        fprintf(line->out, "\r%*s\r", (int)(width < room ? width : room), "");
        fflush(line->out);
        log_progress_line(0);
    }
    line->columns = 0;
}
