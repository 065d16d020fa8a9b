#include "orchestrator/watch/terminal.h"

#include <dlfcn.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/schedule.h"
#include "common/terminal_driver.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/machine/program_path.h"
#include "orchestrator/watch/screen.h"
#include "orchestrator/watch/terminal_guard.h"

#define TICK_MS 200
/* Of what is printed behind the screen: reports of all steps that a sweep can have, or some weeks of a monitor's lines. */
#define KEPT_BYTES_MAX (4u << 20)
/* A press of + or -. */
#define RATE_STEP 1.1

struct terminal {
    struct terminal_plan plan;
    const struct terminal_driver *driver;
    void *opened; /* NULL: the terminal is not ours */
    bool unicode;
    struct event *tick, *typed;
    bool listening, hung_up; /* to the keyboard; nobody will type any more */
    struct screen screen;
    struct grid grid;
    const struct run_facts *run; /* under way; NULL: none */
    struct run_result *so_far;
    bool changed, judge; /* since it was drawn; since it was judged */
    unsigned lines, columns;
    double rate_now, rate_before_pause; /* requests per second; 0: none */
    bool paused;
};

/* ---- the module ---- */

/* The folder of the program has it when built, the other one when installed. */
static const char *const module_places[] = {".", "../lib/volley"};

static enum err_code load(const struct terminal_driver **driver, struct err *err)
{
    static void *library; /* stays until the process ends */
    char path[PATH_MAX];
    if (!program_path_beside(path, sizeof path, module_places,
                             sizeof module_places / sizeof module_places[0], "volley-terminal.so"))
        return err_set(err, E_SYSTEM,
                       "--tui needs the module volley-terminal.so, which is not there: install "
                       "libncurses-dev (`make deps ALL=1`) and build volley again");
    if (library == NULL)
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    *driver = library != NULL ? dlsym(library, TERMINAL_DRIVER_SYMBOL) : NULL;
    if (*driver == NULL)
        return err_set(err, E_SYSTEM, "%s cannot be loaded: %s", PRINTABLE(path),
                       PRINTABLE(dlerror()));
    if ((*driver)->abi != TERMINAL_DRIVER_ABI)
        return err_set(err, E_SYSTEM, "%s is of another volley: build both together",
                       PRINTABLE(path));
    return OK;
}

enum err_code terminal_check(const char *command, struct err *err)
{
    const char *instead = strcmp(command, "monitor") == 0 ? "a monitor tells by line what it sees"
                                                          : "there is --progress";
    const struct terminal_driver *driver = NULL;
    char problem[TERMINAL_PROBLEM_BYTES] = "";
    const int output_fd = terminal_guard_output();
    if (isatty(STDIN_FILENO) != 1)
        return err_set(err, E_USAGE,
                       "--tui reads keys, and standard input is no terminal; without --tui %s",
                       instead);
    if (output_fd < 0)
        return err_set(err, E_USAGE,
                       "--tui draws on standard output or standard error, and neither is a "
                       "terminal; without --tui %s",
                       instead);
    enum err_code code = load(&driver, err);
    if (code == OK && !driver->check(output_fd, problem))
        code = err_set(err, E_USAGE, "--tui: %s", PRINTABLE(problem));
    return code;
}

/* ---- drawing ---- */

static void judge(struct terminal *terminal)
{
    struct run_result *result = terminal->so_far;
    terminal->judge = false;
    if (terminal->run == NULL || terminal->screen.warming || terminal->screen.prefill ||
        terminal->screen.watching)
        return;
    memset(result, 0, sizeof *result);
    timeline_look(terminal->plan.timeline, result);
    screen_judge(&terminal->screen, &result->verdict);
}

static void draw(struct terminal *terminal)
{
    struct grid *grid = &terminal->grid;
    struct grid_piece piece;
    if (terminal->judge)
        judge(terminal);
    if (terminal->plan.alerts != NULL)
        screen_set_alerts(&terminal->screen, terminal->plan.alerts);
    grid_clear(grid, terminal->lines, terminal->columns, !terminal->unicode);
    const struct screen_cursor cursor =
        screen_draw(&terminal->screen, terminal->plan.samples, grid);
    terminal->driver->clear(terminal->opened);
    for (unsigned line = 0; line < grid->lines; line++)
        for (unsigned column = 0; grid_next(&piece, grid, line, &column);)
            terminal->driver->put(terminal->opened, line, piece.column, piece.text, piece.style);
    terminal->driver->show(terminal->opened, cursor.line, cursor.column);
    terminal->changed = false;
}

static void draw_if_possible(struct terminal *terminal)
{
    if (terminal->opened == NULL)
        return;
    if (terminal_guard_returned()) {
        terminal->driver->resume(terminal->opened);
        terminal->changed = true;
    }
    if (terminal_guard_is_away() || !terminal_guard_foreground())
        return;
    const unsigned lines = terminal->lines, columns = terminal->columns;
    terminal->driver->size(terminal->opened, &terminal->lines, &terminal->columns);
    terminal->changed |= lines != terminal->lines || columns != terminal->columns;
    if (terminal->changed && terminal_guard_takes())
        draw(terminal);
}

/* ---- what is asked of the run ---- */

static void say(struct terminal *terminal, bool warning, const char *text)
{
    screen_say(&terminal->screen, warning, text);
    terminal->changed = true;
}

/* A monitor has no load to steer. */
static bool steers(const struct terminal *terminal)
{
    return terminal->plan.interrupts->control != NULL;
}

/* What became of it is told by a note, and a refusal by its sentence. False: it was refused. */
static bool command(struct terminal *terminal, const struct control_command *wanted)
{
    struct control_command own = *wanted;
    struct err err = {.code = OK};
    json_t *members = NULL;
    own.by = NOTE_BY_TERMINAL;
    const enum err_code code =
        run_control_command(terminal->plan.interrupts->control, &members, &own, &err);
    json_decref(members);
    if (code != OK)
        say(terminal, true, err.text);
    return code == OK;
}

/* Others steer, too: over the control socket, or at the page. */
static void ask_status(struct terminal *terminal)
{
    const struct control_command status = {.action = CONTROL_STATUS};
    struct err err = {.code = OK};
    json_t *members = NULL;
    const char *state = NULL;
    double rate = 0;
    if (run_control_command(terminal->plan.interrupts->control, &members, &status, &err) == OK) {
        const json_t *told = json_object_get(members, "status");
        state = json_string_value(json_object_get(told, "state"));
        rate = json_number_value(json_object_get(json_object_get(told, "rate"), "target"));
    }
    struct screen *screen = &terminal->screen;
    terminal->paused = state != NULL && strcmp(state, "paused") == 0;
    terminal->rate_now = rate;
    if (rate > 0)
        terminal->rate_before_pause = rate;
    if (strcmp(screen->state, state != NULL ? state : "") != 0)
        terminal->changed = true;
    snprintf(screen->state, sizeof screen->state, "%s", state != NULL ? state : "");
    json_decref(members);
}

static void pause_or_resume(struct terminal *terminal)
{
    ask_status(terminal);
    (void)command(terminal, &(struct control_command){.action = terminal->paused ? CONTROL_RESUME
                                                                                 : CONTROL_PAUSE});
    ask_status(terminal);
}

static void change_rate(struct terminal *terminal, double factor)
{
    ask_status(terminal);
    if (terminal->paused) {
        say(terminal, true, "the load is paused: space resumes it, and then its rate can change");
        return;
    }
    /* Of a run without a rate any command is refused, and says why. */
    const double wanted = terminal->rate_now > 0 ? terminal->rate_now * factor : 1;
    double micro = wanted * (double)SCHEDULE_MICRO + 0.5;
    if (micro < 1)
        micro = 1;
    if (micro > (double)SCHEDULE_RATE_MAX_MICRO)
        micro = (double)SCHEDULE_RATE_MAX_MICRO;
    (void)command(terminal,
                  &(struct control_command){.action = CONTROL_RATE, .rate_micro = (uint64_t)micro});
    ask_status(terminal);
}

static void stop(struct terminal *terminal)
{
    terminal->plan.interrupts->count = terminal->plan.interrupts->count + 1;
    terminal->screen.stopping = true;
    say(terminal, false, "");
}

/* ---- keys ---- */

static void append_character(struct screen *screen, uint32_t character)
{
    char bytes[4];
    size_t count = 0;
    const size_t used = strlen(screen->note);
    if (character < ' ' || (character >= 0x7f && character < 0xa0))
        return;
    if (character < 0x80) {
        bytes[count++] = (char)character;
    } else {
        const unsigned behind = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
        static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
        bytes[count++] = (char)(leads[behind] | character >> 6 * behind);
        for (unsigned i = behind; i > 0; i--)
            bytes[count++] = (char)(0x80 | (character >> 6 * (i - 1) & 0x3f));
    }
    if (used + count >= sizeof screen->note)
        return;
    memcpy(screen->note + used, bytes, count);
    screen->note[used + count] = '\0';
}

static void take_last_character(char *text)
{
    size_t end = strlen(text);
    while (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0x80)
        end--;
    text[end > 0 ? end - 1 : 0] = '\0';
}

static void keep_note(struct terminal *terminal)
{
    struct screen *screen = &terminal->screen;
    struct control_command note = {.action = CONTROL_NOTE};
    screen->noting = false;
    if (screen->note[strspn(screen->note, " ")] == '\0')
        return;
    snprintf(note.note, sizeof note.note, "%s", screen->note);
    printable_line(note.note);
    if (steers(terminal))
        (void)command(terminal, &note);
    else
        terminal->plan.take_note(terminal->plan.taker, note.note);
}

static void take_key_of_note(struct terminal *terminal, uint32_t key)
{
    struct screen *screen = &terminal->screen;
    if (key == TERMINAL_KEY_ENTER)
        keep_note(terminal);
    else if (key == TERMINAL_KEY_ESCAPE)
        screen->noting = false;
    else if (key == TERMINAL_KEY_BACKSPACE)
        take_last_character(screen->note);
    else if (key < TERMINAL_KEY_NONE)
        append_character(screen, key);
}

static void steer(struct terminal *terminal, uint32_t key)
{
    if (!steers(terminal))
        return;
    if (key == ' ' || key == 'p')
        pause_or_resume(terminal);
    else
        change_rate(terminal, key == '-' ? 1 / RATE_STEP : RATE_STEP);
}

static void take_key(struct terminal *terminal, uint32_t key)
{
    terminal->changed = true;
    if (terminal->screen.noting) {
        take_key_of_note(terminal, key);
        return;
    }
    switch (key) {
    case ' ':
    case 'p':
    case '+':
    case '=': /* where + needs a shift */
    case '-':
        steer(terminal, key);
        break;
    case 'n':
        if (!terminal->screen.takes_notes)
            break;
        terminal->screen.noting = true;
        terminal->screen.note[0] = '\0';
        break;
    case TERMINAL_KEY_TAB:
        screen_turn(&terminal->screen);
        break;
    case 'q':
        stop(terminal);
        break;
    default:
        break;
    }
}

static void on_typed(evutil_socket_t fd, short what, void *argument)
{
    struct terminal *terminal = argument;
    struct pollfd input = {.fd = fd, .events = POLLIN};
    bool typed = false;
    (void)what;
    if (poll(&input, 1, 0) == 1 && (input.revents & (POLLHUP | POLLERR)) != 0)
        terminal->hung_up = true;
    if (terminal->hung_up || terminal_guard_is_away() || !terminal_guard_foreground()) {
        event_del(terminal->typed); /* what is typed is somebody else's; on_tick listens again */
        terminal->listening = false;
        return;
    }
    for (uint32_t key;
         (key = terminal->driver->key(terminal->opened)) != (uint32_t)TERMINAL_KEY_NONE;) {
        take_key(terminal, key);
        typed = true;
    }
    if (typed)
        draw_if_possible(terminal);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct terminal *terminal = argument;
    (void)fd;
    (void)what;
    if (steers(terminal))
        ask_status(terminal);
    terminal_guard_trim();
    draw_if_possible(terminal);
    if (!terminal->listening && !terminal->hung_up && !terminal_guard_is_away() &&
        terminal_guard_foreground())
        terminal->listening = event_add(terminal->typed, NULL) == 0;
}

/* ---- the terminal ---- */

static void hear_log(void *state, enum log_level level, const char *text)
{
    if (level <= LOG_WARNING)
        say(state, true, text);
}

static void give_back(struct terminal *terminal)
{
    if (terminal->tick != NULL)
        event_free(terminal->tick);
    if (terminal->typed != NULL)
        event_free(terminal->typed);
    terminal->tick = terminal->typed = NULL;
    if (terminal->opened == NULL)
        return;
    /* In the background somebody else has it already, as it was. */
    if (!terminal_guard_is_away())
        terminal->driver->close(terminal->opened);
    terminal->opened = NULL;
    terminal_guard_end();
}

static enum err_code take(struct terminal *terminal, struct err *err)
{
    const struct timeval each = {.tv_usec = TICK_MS * 1000};
    const char *no_colour = getenv("NO_COLOR");
    struct terminal_setup setup = {.input_fd = STDIN_FILENO,
                                   .colour = no_colour == NULL || no_colour[0] == '\0'};
    struct terminal_state state;
    char problem[TERMINAL_PROBLEM_BYTES] = "";
    enum err_code code = terminal_guard_begin(&setup.output_fd, KEPT_BYTES_MAX, err);
    if (code != OK)
        return code;
    if (!terminal->driver->open(&terminal->opened, &setup, &state, problem)) {
        terminal->opened = NULL;
        terminal_guard_end();
        return err_set(err, E_SYSTEM, "--tui: %s", PRINTABLE(problem));
    }
    terminal_guard_arm(state.leave, state.leave_bytes);
    terminal->unicode = state.unicode;
    terminal->tick = event_new(terminal->plan.base, -1, EV_PERSIST, on_tick, terminal);
    terminal->typed =
        event_new(terminal->plan.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_typed, terminal);
    if (terminal->tick == NULL || terminal->typed == NULL ||
        event_add(terminal->tick, &each) != 0 || event_add(terminal->typed, NULL) != 0) {
        give_back(terminal);
        return err_set(err, E_SYSTEM, "--tui cannot listen to the keyboard");
    }
    terminal->listening = terminal->changed = true;
    draw_if_possible(terminal);
    return OK;
}

/* ---- what is heard ---- */

static enum err_code session_begin(void *state, const struct session_facts *session,
                                   struct err *err)
{
    (void)session;
    return take(state, err);
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct terminal *terminal = state;
    (void)err;
    terminal->run = run;
    screen_begin_run(&terminal->screen, run);
    if (steers(terminal))
        ask_status(terminal);
    terminal->changed = true;
    return OK;
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct terminal *terminal = state;
    (void)error_kinds;
    (void)err;
    screen_add_row(&terminal->screen, terminal->run, row);
    terminal->changed = terminal->judge = true;
    return OK;
}

static enum err_code live(void *state, const struct run_live *live_now, struct err *err)
{
    struct terminal *terminal = state;
    (void)err;
    terminal->screen.elapsed_ns = live_now->elapsed_ns;
    terminal->changed = true;
    return OK;
}

static enum err_code note(void *state, const struct note *heard, struct err *err)
{
    struct terminal *terminal = state;
    (void)err;
    screen_hear(&terminal->screen, heard);
    terminal->changed = true;
    return OK;
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct terminal *terminal = state;
    (void)err;
    screen_end_run(&terminal->screen, result);
    terminal->run = NULL;
    terminal->changed = true;
    terminal->judge = false;
    draw_if_possible(terminal);
    return OK;
}

static enum err_code session_end(void *state, struct err *err)
{
    (void)err;
    give_back(state);
    return OK;
}

struct sink terminal_sink(struct terminal *terminal)
{
    return (struct sink){.name = "terminal",
                         .state = terminal,
                         .session_begin = session_begin,
                         .run_begin = run_begin,
                         .interval = interval,
                         .live = live,
                         .note = note,
                         .run_end = run_end,
                         .session_end = session_end};
}

enum err_code terminal_create(struct terminal **terminal, const struct terminal_plan *plan,
                              struct err *err)
{
    *terminal = calloc(1, sizeof **terminal);
    struct run_result *so_far = calloc(1, sizeof *so_far);
    if (*terminal == NULL || so_far == NULL) {
        free(*terminal);
        free(so_far);
        *terminal = NULL;
        return err_set(err, E_SYSTEM, "no memory for the screen");
    }
    (*terminal)->plan = *plan;
    (*terminal)->so_far = so_far;
    screen_init(&(*terminal)->screen, plan->command);
    (*terminal)->screen.takes_notes = steers(*terminal) || plan->take_note != NULL;
    log_tell(hear_log, *terminal);
    return load(&(*terminal)->driver, err);
}

void terminal_tell_phase(struct terminal *terminal, const char *text)
{
    snprintf(terminal->screen.phase, sizeof terminal->screen.phase, "%s", text);
    terminal->changed = true;
}

void terminal_tell_servers(struct terminal *terminal, const struct screen_server *servers,
                           uint32_t count, uint64_t elapsed_ns)
{
    screen_set_servers(&terminal->screen, servers, count);
    terminal->screen.elapsed_ns = elapsed_ns;
    terminal->changed = true;
}

void terminal_free(struct terminal *terminal)
{
    if (terminal == NULL)
        return;
    log_tell(NULL, NULL);
    give_back(terminal);
    free(terminal->so_far);
    free(terminal);
}
