/* Option tables -> values. One option is one row; parsing, range checks, --help, the options
 * reference, shell completion, the config file and the JSON echo all read the same rows.
 *
 * A value comes from, in rising order of weight: the row's default, the config file, the command
 * line. Nothing here connects to anything or prints; callers print what they are given. */
#ifndef ORCHESTRATOR_OPTIONS_OPTIONS_H
#define ORCHESTRATOR_OPTIONS_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "common/spec.h"

enum option_kind {
    OPTION_FLAG,     /* bool; in a config file true or false                                 */
    OPTION_COUNT,    /* uint64_t, powers of ten; min..max                                    */
    OPTION_SIZE,     /* uint64_t bytes, powers of two; min..max                              */
    OPTION_DURATION, /* uint64_t ns; a bare number is in units of bare_unit_ns; min..max     */
    OPTION_REAL,     /* double; least..most                                                  */
    OPTION_TEXT,     /* const char *                                                         */
    OPTION_RATE,     /* uint64_t, millionths of a request per second                         */
    OPTION_WORD,     /* an enum, by the index of the word in value_at                        */
    OPTION_CUSTOM,   /* parse() stores it                                                    */
    OPTION_NOT_YET,  /* known, refused: "not available yet"                                  */
    OPTION_ELSEWHERE /* of another tool, refused: help names the volley option that does it  */
};

struct option_row {
    const char *name;    /* long name without dashes; also the config key                   */
    const char *aliases; /* further long names, separated by blanks; NULL: none              */
    const char *shorts;  /* short letters, each an alias; NULL: none                         */
    /* In an exact table: every spelling, with its dashes, separated by blanks; the names above are
     * keys alone, then. "": it cannot be given, only its default counts. */
    const char *spelled;
    enum option_kind kind;
    const char *argument; /* "N", "FILE" ... in help; NULL: takes none                        */
    size_t offset;        /* into the struct of its group, which begins at base of the target */
    size_t base;          /* set when a table is made of groups                               */
    unsigned commands;    /* of option_group.h; 0: those of its group                         */
    uint64_t min, max;
    double least, most; /* OPTION_REAL */
    bool clamps;        /* a number outside of min..max is taken as the nearest within */
    uint64_t bare_unit_ns;
    const char *unset; /* default as text, parsed like a given value; NULL: zero / false / NULL */
    /* OPTION_CUSTOM: stores value, which lives as long as the values do, over what an earlier call
     * stored into the struct of its group. Its error is the whole sentence for the user and names the option. */
    enum err_code (*parse)(void *target, const char *value, struct err *err);
    /* The value may be left out, and is "true" then: the word behind the option is its value only
     * when this says so; "--name=value" always is. NULL: the value is needed. */
    bool (*takes_next)(const char *word);
    /* Value `index` that shell completion offers, NULL behind the last; may be NULL. Several of
     * them are joined by commas where the option takes a list. */
    const char *(*value_at)(size_t index);
    /* Where it may be left out: there are no values but those of value_at, and a word right behind the
     * option was meant as one of them; a command there needs "--" before it. */
    bool closed;
    const char *hint; /* what is added to the message about a bad or missing value; may be NULL */
    const char *section;    /* heading in help; rows of a section stand together                 */
    const char *help;       /* one or more sentences, wrapped by the printer                     */
    bool secret;            /* never echoed                                                     */
    bool command_line_only; /* not a config key: --help, --config ...                         */
    bool repeats;           /* may be given again: the values are joined by commas            */
    bool zero_counts;       /* 0 does not mean that it is off: options_meant */
    bool told; /* the report says it in a line of its own, or it changes nothing that is measured */
    /* It writes a file, listens, starts a program or reads from a descriptor: a config file may give it
     * with --trust-config only. */
    bool needs_trust;
};

struct option_table {
    const struct option_row *rows;
    size_t row_count;
    const char *command; /* of volley that takes the options: "find-max"; NULL: none is named */
    /* What `command` takes fewer options than: those are said to be of the other one; may be NULL. */
    const struct option_table *wider;
    const char *usage;    /* first line of help, after "usage: " */
    const char *synopsis; /* what the command does, one paragraph */
    const char *epilogue; /* after the options; NULL: none        */
    bool takes_command;   /* the first argument that is no option begins the rest, as "--" does;
                             false: it is refused */
    bool takes_uris;      /* which may be a URI, too: an address, whose login the command hides */
    bool config_is_own; /* --config names a file of the command's own, which has no options in it */
    bool takes_directory; /* that argument is a directory, for shell completion */
    /* That argument is a path, and behind it stands one of these words, NULL behind the last: likewise. NULL: of
     * no command. */
    const char *(*word_at)(size_t index);
    /* The tool of that name has this option, and volley takes its command line; NULL: none has. May be
     * NULL itself. */
    const char *(*tool_with)(const char *spelling);
    bool exact; /* another tool's: each spelling as it is, and the argument behind it is the value,
                   whatever it looks like */
};

enum option_origin_kind {
    ORIGIN_UNSET,
    ORIGIN_DEFAULT,
    ORIGIN_ENVIRONMENT, /* counts as not given: whatever is given wins */
    ORIGIN_CONFIG,
    ORIGIN_COMMAND_LINE
};
struct option_origin {
    enum option_origin_kind kind;
    unsigned line;   /* of the config file */
    char given[128]; /* as spelled by the user: "-c", "clients", or the variable; cut */
    char value[256]; /* as given, cut; "***" when secret             */
};

/* The result of a parse: origins[i] belongs to rows[i]. Owns all text that values point to. */
struct option_values {
    const struct option_table *table;
    void *target;
    struct option_origin *origins;
    const char *const *rest; /* after "--", NULL when there was none */
    size_t rest_count;
    bool rest_marked; /* "--" stood before the rest */
    /* The option in front of a rest that is not marked, when it takes a value that may be left out and the
     * first word of the rest was none; NULL. */
    const struct option_row *rest_behind;
    const char *refused; /* of argv: is no option of an exact table, or lacks its value; or NULL */
    const char **texts;  /* private: the value of each row as given, whole; NULL: unset */
    struct owned_text {
        char *text;
        bool secret; /* of secret_alloc */
    } * owned;       /* private */
    size_t owned_count, owned_capacity;
};

/* Stores defaults, then the config file that --config names, then argv (argv[0] is skipped) into
 * target, which the caller has zeroed. Of an option that is given again the last value counts, unless its
 * row repeats. E_USAGE: unknown option (with the nearest known), missing or bad value, a positional argument; E_CONFIG: config
 * file unreadable, not JSON or YAML, unknown key or bad value (with line), or one that needs the flag
 * named "trust-config" on the command line. A row named "help" or
 * "version" ends it: its flag is stored and nothing else is looked at. options_free in any case.
 *
 * "--name value", "--name=value", "-nvalue", "-n value", flags of one letter in a bunch, and
 * "--flag=false" to take back what a config file says. No abbreviations. */
MUST_USE enum err_code options_parse(struct option_values *values, const struct option_table *table,
                                     void *target, int argc, const char *const *argv,
                                     struct err *err);
void options_free(struct option_values *values);
/* Stores the defaults of a table in target: for the rows that a selection of it leaves out. */
MUST_USE enum err_code options_store_defaults(const struct option_table *table, void *target,
                                              struct err *err);

/* The file of --config, whatever the table: its keys are the rows' names. */
extern const struct file_kind options_config_kind;

/* Row by its name (not alias), -1 when there is none. */
int options_row(const struct option_table *table, const char *name);
/* Whether the config file or the command line gave it. */
bool options_given(const struct option_values *values, const char *name);
/* Whether it was given with a value that asks for something: no flag that is false, no number 0, no word for off
 * and none that is the default anyway. */
bool options_meant(const struct option_values *values, const char *name);
/* Where its value came from. */
const struct option_origin *options_origin(const struct option_values *values, const char *name);
/* Takes the row back to its default, as if it had not been given: for a value from the config file
 * that gives way to another option on the command line. */
void options_drop(struct option_values *values, const char *name);
/* Records that the value of row name came out of row from, as with the host that stands in a URI. The
 * caller has stored the value; text, which lives as long as values, is how it would be given, NULL:
 * the row has no meaning now. */
void options_derive(struct option_values *values, const char *name, const char *from,
                    const char *text);
/* Records that the value of row name, which the caller has stored, came out of this environment
 * variable. For secret rows. */
void options_from_environment(struct option_values *values, const char *name, const char *variable);
/* The effective value as text, from the target; "" when unset, "***" when secret. Returns text. */
char *options_format_value(char *text, size_t text_bytes, const struct option_values *values,
                           size_t row);
/* The range a value must lie in: "1 to 1,000,000", "" when there is none. Returns text. */
char *options_format_range(char *text, size_t text_bytes, const struct option_row *row);

/* The same rows, for people and programs. */
void options_print_help(const struct option_table *table, FILE *out);
void options_print_markdown(const struct option_table *table, FILE *out);
/* .SS headings and .TP entries for man(7). */
void options_print_man(const struct option_table *table, FILE *out);
/* A bash function _volley_<command> that fills COMPREPLY. */
void options_print_completion(const struct option_table *table, const char *command, FILE *out);
/* {"clients": 50, ...}: every effective value, secrets as "***"; and where each came from. */
json_t *options_to_json(const struct option_values *values);
/* Those of them that are not at their defaults, without secrets and what is told elsewhere. */
json_t *options_in_force(const struct option_values *values);
void options_print_origins(const struct option_values *values, FILE *out);

#endif
