/* A screen on a terminal, by ncursesw. Loaded by orchestrator/watch/terminal.c, through common/terminal_driver.h. Signals are
 * the program's: it has handlers before this is opened, and ncurses leaves those that there are. */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>

/* term.h calls members of its own by these words */
#undef columns
#undef lines

#include "common/terminal_driver.h"

#define PUT_CHARACTERS_MAX 512
#define ESCAPE_DELAY_MS 25
#define BACKSPACE_TWO 0x7f /* what most terminals send for it */
#define BACKSPACE_ONE 0x08
#define ESCAPE 0x1b

struct terminal {
    SCREEN *screen;
    FILE *input, *output; /* on descriptors of their own */
    int output_fd;
    unsigned lines, columns;
    attr_t attributes[TERMINAL_STYLES];
    short pairs[TERMINAL_STYLES];
};

static void say(char problem[TERMINAL_PROBLEM_BYTES], const char *what)
{
    const char *type = getenv("TERM");
    snprintf(problem, TERMINAL_PROBLEM_BYTES, "%s (TERM is \"%.40s\")", what,
             type != NULL ? type : "");
}

static bool check(int output_fd, char problem[TERMINAL_PROBLEM_BYTES])
{
    int found = 0;
    if (setupterm(NULL, output_fd, &found) != OK) {
        say(problem, found == 0    ? "a terminal of this type is not known, or too simple"
                     : found == -1 ? "descriptions of terminals (terminfo) are not installed"
                                   : "a terminal of this type cannot be used");
        return false;
    }
    const bool usable = cursor_address != NULL && cursor_address != (char *)-1 &&
                        (clear_screen != NULL || clr_eos != NULL);
    del_curterm(cur_term);
    if (!usable)
        say(problem, "a terminal of this type cannot move its cursor");
    return usable;
}

/* ---- giving it back ---- */

/* Without "$<5>", which asks for a pause that no terminal needs any more. */
static void append(struct terminal_state *state, const char *text)
{
    if (text == NULL || text == (char *)-1)
        return;
    for (const char *at = text; *at != '\0'; at++) {
        const char *end = at[0] == '$' && at[1] == '<' ? strchr(at, '>') : NULL;
        if (end != NULL)
            at = end;
        else if (state->leave_bytes < sizeof state->leave)
            state->leave[state->leave_bytes++] = *at;
    }
}

/* As endwin() does, from wherever the cursor is. */
static void tell_leave(struct terminal_state *state, unsigned lines)
{
    state->leave_bytes = 0;
    append(state, exit_attribute_mode);
    append(state, orig_pair);
    const char *last = tiparm(cursor_address, (int)lines - 1, 0);
    append(state, last);
    append(state, clr_eol);
    append(state, cursor_normal);
    append(state, exit_ca_mode);
    append(state, keypad_local);
}

/* ---- opening ---- */

/* Of 256 colours those of the pictures, as near as they come. */
static const struct {
    short of_256, of_8;
    attr_t attributes;
} looks[TERMINAL_STYLES] = {
    [TERMINAL_PLAIN] = {-1, -1, A_NORMAL},
    [TERMINAL_TITLE] = {-1, -1, A_REVERSE},
    [TERMINAL_STRONG] = {-1, -1, A_BOLD},
    [TERMINAL_FAINT] = {245, -1, A_NORMAL},
    [TERMINAL_RATE] = {36, COLOR_GREEN, A_NORMAL},
    [TERMINAL_P50] = {32, COLOR_BLUE, A_NORMAL},
    [TERMINAL_P99] = {166, COLOR_RED, A_NORMAL},
    [TERMINAL_MAX] = {175, COLOR_MAGENTA, A_NORMAL},
    [TERMINAL_WARNING] = {178, COLOR_YELLOW, A_BOLD},
};

static void choose_colours(struct terminal *terminal, bool wanted)
{
    for (unsigned i = 0; i < TERMINAL_STYLES; i++)
        terminal->attributes[i] = looks[i].attributes;
    if (!wanted || !has_colors() || start_color() != OK || use_default_colors() != OK)
        return;
    for (int i = 0; i < TERMINAL_STYLES; i++) {
        const short colour = COLORS >= 256 ? looks[i].of_256 : looks[i].of_8;
        const short pair = (short)(i + 1);
        if (colour >= 0 && init_pair(pair, colour, -1) == OK)
            terminal->pairs[i] = pair;
    }
}

static void settle(void)
{
    cbreak(); /* Ctrl+C and Ctrl+Z stay signals */
    noecho();
    nonl();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    set_escdelay(ESCAPE_DELAY_MS);
    curs_set(0);
}

static void release(struct terminal *terminal)
{
    if (terminal->input != NULL)
        fclose(terminal->input);
    if (terminal->output != NULL)
        fclose(terminal->output);
    free(terminal);
}

static FILE *stream_of(int fd, const char *mode)
{
    const int own = dup(fd);
    FILE *stream = own >= 0 ? fdopen(own, mode) : NULL;
    if (stream == NULL && own >= 0)
        close(own);
    return stream;
}

static void size_now(struct terminal *terminal)
{
    struct winsize size;
    if (ioctl(terminal->output_fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        terminal->lines = size.ws_row;
        terminal->columns = size.ws_col;
    }
}

static bool open_terminal(void **opened, const struct terminal_setup *setup,
                          struct terminal_state *state, char problem[TERMINAL_PROBLEM_BYTES])
{
    struct terminal *terminal = calloc(1, sizeof *terminal);
    if (terminal != NULL) {
        terminal->input = stream_of(setup->input_fd, "r");
        terminal->output = stream_of(setup->output_fd, "w");
    }
    if (terminal == NULL || terminal->input == NULL || terminal->output == NULL) {
        say(problem, "no memory, or no descriptor left, for the screen");
        if (terminal != NULL)
            release(terminal);
        return false;
    }
    (void)setlocale(LC_CTYPE, "");
    terminal->output_fd = setup->output_fd;
    terminal->screen = newterm(NULL, terminal->output, terminal->input);
    if (terminal->screen == NULL) {
        say(problem, "a terminal of this type cannot be used");
        (void)setlocale(LC_CTYPE, "C");
        release(terminal);
        return false;
    }
    set_term(terminal->screen);
    settle();
    choose_colours(terminal, setup->colour);
    terminal->lines = (unsigned)LINES;
    terminal->columns = (unsigned)COLS;
    state->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    tell_leave(state, terminal->lines);
    *opened = terminal;
    return true;
}

static void close_terminal(void *opened)
{
    struct terminal *terminal = opened;
    endwin();
    delscreen(terminal->screen);
    (void)setlocale(LC_CTYPE, "C");
    release(terminal);
}

static void resume(void *opened)
{
    (void)opened;
    endwin(); /* what was there before is what is to come back: then everything is set anew */
    clearok(stdscr, TRUE);
    refresh();
    curs_set(0);
}

/* ---- cells ---- */

static void size(void *opened, unsigned *lines, unsigned *columns)
{
    struct terminal *terminal = opened;
    size_now(terminal);
    if (terminal->lines != (unsigned)LINES || terminal->columns != (unsigned)COLS) {
        resizeterm((int)terminal->lines, (int)terminal->columns);
        clearok(stdscr, TRUE);
    }
    *lines = terminal->lines;
    *columns = terminal->columns;
}

static void clear_cells(void *opened)
{
    (void)opened;
    werase(stdscr);
}

static void put(void *opened, unsigned line, unsigned column, const char *text,
                enum terminal_style style)
{
    const struct terminal *terminal = opened;
    wchar_t characters[PUT_CHARACTERS_MAX];
    const size_t count = mbstowcs(characters, text, PUT_CHARACTERS_MAX);
    if (count == (size_t)-1)
        return;
    wattr_set(stdscr, terminal->attributes[style], terminal->pairs[style], NULL);
    /* In the last cell of all the cursor has nowhere to go, which is called an error. */
    (void)mvwaddnwstr(stdscr, (int)line, (int)column, characters,
                      (int)(count < PUT_CHARACTERS_MAX ? count : PUT_CHARACTERS_MAX));
    wattr_set(stdscr, A_NORMAL, 0, NULL);
}

static void show(void *opened, unsigned cursor_line, unsigned cursor_column)
{
    const struct terminal *terminal = opened;
    const bool visible = cursor_line < terminal->lines && cursor_column < terminal->columns;
    curs_set(visible ? 1 : 0);
    wmove(stdscr, visible ? (int)cursor_line : 0, visible ? (int)cursor_column : 0);
    wrefresh(stdscr);
}

/* ---- keys ---- */

static uint32_t key_of_code(wint_t code)
{
    switch (code) {
    case KEY_ENTER:
        return TERMINAL_KEY_ENTER;
    case KEY_BACKSPACE:
        return TERMINAL_KEY_BACKSPACE;
    default:
        return TERMINAL_KEY_OTHER;
    }
}

static uint32_t key(void *opened)
{
    wint_t code = 0;
    (void)opened;
    switch (wget_wch(stdscr, &code)) {
    case KEY_CODE_YES:
        return key_of_code(code);
    case OK:
        break;
    default:
        return TERMINAL_KEY_NONE;
    }
    switch (code) {
    case L'\r':
    case L'\n':
        return TERMINAL_KEY_ENTER;
    case L'\t':
        return TERMINAL_KEY_TAB;
    case BACKSPACE_ONE:
    case BACKSPACE_TWO:
        return TERMINAL_KEY_BACKSPACE;
    case ESCAPE:
        return TERMINAL_KEY_ESCAPE;
    default:
        return code < TERMINAL_KEY_NONE ? (uint32_t)code : TERMINAL_KEY_OTHER;
    }
}

extern const struct terminal_driver volley_terminal_driver;
__attribute__((visibility("default"))) const struct terminal_driver volley_terminal_driver = {
    .abi = TERMINAL_DRIVER_ABI,
    .check = check,
    .open = open_terminal,
    .close = close_terminal,
    .resume = resume,
    .size = size,
    .clear = clear_cells,
    .put = put,
    .show = show,
    .key = key,
};
