/* The module volley-lua.so: a plug-in whose functions stand in a file of Lua. docs/reference/lua.md is its manual.
 *
 * All that Lua can fail at happens within one protected call for each function of the plug-in: an error comes out
 * of it as text, whoever raised it. Frames that an error may unwind hold no arrays: AddressSanitizer would take
 * them for being alive still. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/volley_plugin.h"

#define ERROR_BYTES sizeof((struct volley_request *)0)->error
/* Lua writes whole numbers with 14 digits, and they are exact up to 2^53. */
#define SHORT_NUMBER 1e14
#define EXACT_NUMBER 9007199254740992.0

struct script {
    lua_State *lua;
    uint32_t class_count;
    struct class_name {
        const char *text; /* Lua's, held by the table of classes */
        size_t byte_count;
    } classes[VOLLEY_PLUGIN_CLASSES_MAX];
    bool responds, delays;     /* the file has these functions */
    uint32_t strings_shown;    /* how many the table of the last reply has */
    char failure[ERROR_BYTES]; /* of response or delay, for the next request to tell */
    /* What a protected call is about, and what comes of it. */
    const struct volley_settings *settings;
    struct volley_setup *setup;
    uint64_t ticket;
    struct volley_request *request;
    const struct volley_reply *reply;
    bool accepted;
    double delay_ms;
};

/* On Lua's stack, from init to close. */
enum { AT_HANDLER = 1, AT_REQUEST, AT_RESPONSE, AT_DELAY };

/* What each of the last three has as its upvalues. */
#define UP_SCRIPT lua_upvalueindex(1)
#define UP_FUNCTION lua_upvalueindex(2) /* of the file */
#define UP_OTHER lua_upvalueindex(3)    /* of request: marks; of response: the reply */
#define UP_CLASSES lua_upvalueindex(4)

static struct script *script_of(lua_State *lua)
{
    return (struct script *)lua_touserdata(lua, UP_SCRIPT);
}

/* Marks of keys are kept in Lua, where a compiled function reaches them without a call. */
static const char prelude[] =
    "local volley, marks, file, seed = ...\n"
    "function volley.key(text)\n"
    "  if type(text) ~= 'string' then error('volley.key() wants a string, not a ' .. type(text), "
    "2) end\n"
    "  if not marks[1] then marks[1] = text end\n"
    "  return text\n"
    "end\n"
    "function os.exit() error('os.exit() would end a worker: error(\"why\") ends the run', 2) end\n"
    "function print(...)\n"
    "  local words = {...}\n"
    "  for i = 1, select('#', ...) do words[i] = tostring(words[i]) end\n"
    "  io.stderr:write(table.concat(words, '\\t'), '\\n')\n"
    "end\n"
    "package.path = (file:match('^(.*/)[^/]*$') or './') .. '?.lua;' .. package.path\n"
    "math.randomseed(seed)\n";

/* ---- errors */

/* Whether a text says "file:12:". */
static bool has_place(const char *text)
{
    for (const char *at = strchr(text, ':'); at != NULL; at = strchr(at, ':')) {
        const size_t digits = strspn(++at, "0123456789");
        if (digits > 0 && at[digits] == ':')
            return true;
    }
    return false;
}

/* What went wrong becomes a text, with the line of the file where it was, if there is one. */
static int describe_error(lua_State *lua)
{
    enum { AT_ERROR = 1, AT_TEXT };
    if (lua_type(lua, AT_ERROR) == LUA_TSTRING)
        lua_pushvalue(lua, AT_ERROR);
    else if (!luaL_callmeta(lua, AT_ERROR, "__tostring") || !lua_isstring(lua, AT_TEXT))
        lua_pushfstring(lua, "the error is a %s", luaL_typename(lua, AT_ERROR));
    if (has_place(lua_tostring(lua, -1)))
        return 1;
    const int text = lua_gettop(lua);
    for (int level = 1; level < 20; level++) {
        luaL_where(lua, level);
        if (lua_objlen(lua, -1) != 0) {
            lua_pushvalue(lua, text);
            lua_concat(lua, 2);
            return 1;
        }
        lua_pop(lua, 1);
    }
    return 1;
}

static void take_error(lua_State *lua, char *error)
{
    const char *text = lua_tostring(lua, -1);
    snprintf(error, ERROR_BYTES, "%s", text != NULL ? text : "an error without a text");
    printable_line(error);
    lua_pop(lua, 1);
}

/* "file:line: " of the function on top, which is taken off. */
static const char *push_place(lua_State *lua)
{
    lua_Debug place;
    lua_getinfo(lua, ">S", &place);
    if (place.linedefined < 1)
        return lua_pushfstring(lua, "");
    return lua_pushfstring(lua, "%s:%d: ", place.short_src, place.linedefined);
}

/* ---- requests */

static void refuse_request(lua_State *lua, const char *returned)
{
    lua_pushvalue(lua, UP_FUNCTION);
    const char *place = push_place(lua);
    luaL_error(
        lua,
        "%srequest() returned %s; a table of strings is wanted, as {\"GET\", \"key:1\"}, or a "
        "table of such tables",
        place, returned);
}

static const char *a_type(lua_State *lua, int index)
{
    if (lua_isnil(lua, index))
        return "nil";
    return lua_pushfstring(lua, "a %s", luaL_typename(lua, index));
}

/* The number on top, as text in its place. */
static void write_number(lua_State *lua)
{
    const lua_Number number = lua_tonumber(lua, -1);
    const lua_Number size = number < 0 ? -number : number;
    char text[24];
    if (size >= SHORT_NUMBER && size <= EXACT_NUMBER && (lua_Number)(int64_t)number == number) {
        snprintf(text, sizeof text, "%.0f", number);
        lua_pop(lua, 1);
        lua_pushstring(lua, text);
    }
}

/* Where the marked key stands on the stack, and whether it has been seen. */
enum { AT_TABLE = 1, AT_CLASS, AT_KEY };

/* Adds the command on top of the stack. Returns whether the marked key is in it. */
static bool add_command(lua_State *lua, struct volley_request *request, int command)
{
    const int table = lua_gettop(lua);
    const int count = (int)lua_objlen(lua, table);
    const bool marked = !lua_isnil(lua, AT_KEY);
    bool found = false;
    if (count == 0)
        refuse_request(lua, "a command without a name");
    lua_pushnumber(lua, count);
    if (lua_next(lua, table)) {
        if (lua_isnumber(lua, -2))
            refuse_request(
                lua, lua_pushfstring(lua, "nil as element %d of command %d", count + 1, command));
        lua_pop(lua, 2);
    }
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(lua, table, i);
        const int type = lua_type(lua, -1);
        if (type == LUA_TNUMBER)
            write_number(lua);
        else if (type != LUA_TSTRING)
            refuse_request(lua, lua_pushfstring(lua, "%s as element %d of command %d",
                                                a_type(lua, -1), i, command));
        size_t byte_count;
        const char *bytes = lua_tolstring(lua, -1, &byte_count);
        const bool is_key = marked && i > 1 && lua_rawequal(lua, -1, AT_KEY);
        (is_key ? request->add_key : request->add)(request, bytes, byte_count);
        found = found || is_key;
        lua_pop(lua, 1);
    }
    return found;
}

static void choose_class(lua_State *lua, struct script *script)
{
    if (lua_isnil(lua, AT_CLASS))
        return;
    if (lua_type(lua, AT_CLASS) != LUA_TSTRING)
        refuse_request(lua, lua_pushfstring(lua, "%s as its class", a_type(lua, AT_CLASS)));
    size_t byte_count;
    const char *name = lua_tolstring(lua, AT_CLASS, &byte_count);
    for (uint32_t i = 0; i < script->class_count; i++) {
        if (script->classes[i].byte_count == byte_count &&
            memcmp(script->classes[i].text, name, byte_count) == 0) {
            script->request->class_index = i;
            return;
        }
    }
    lua_pushvalue(lua, UP_FUNCTION);
    const char *place = push_place(lua);
    luaL_error(lua,
               "%srequest() returned the class \"%s\", which the table `classes` does not have",
               place, name);
}

/* The protected half of make_request. */
static int protected_request(lua_State *lua)
{
    struct script *script = script_of(lua);
    lua_pushvalue(lua, UP_FUNCTION);
    lua_pushnumber(lua, (lua_Number)script->ticket);
    lua_call(lua, 1, 2);
    if (!lua_istable(lua, AT_TABLE))
        refuse_request(lua, a_type(lua, AT_TABLE));
    choose_class(lua, script);
    lua_rawgeti(lua, UP_OTHER, 1);
    const bool marked = !lua_isnil(lua, AT_KEY);
    bool found = false;

    lua_rawgeti(lua, AT_TABLE, 1);
    if (lua_istable(lua, -1)) {
        const int count = (int)lua_objlen(lua, AT_TABLE);
        for (int i = 1; i <= count; i++) {
            lua_settop(lua, AT_KEY);
            lua_rawgeti(lua, AT_TABLE, i);
            if (!lua_istable(lua, -1))
                refuse_request(lua, lua_pushfstring(lua, "%s as command %d", a_type(lua, -1), i));
            if (i > 1)
                script->request->begin_command(script->request);
            found = add_command(lua, script->request, i) || found;
        }
    } else {
        if (lua_isnil(lua, -1))
            refuse_request(lua, "an empty table");
        lua_settop(lua, AT_KEY);
        lua_pushvalue(lua, AT_TABLE);
        found = add_command(lua, script->request, 1);
    }
    if (marked && !found)
        refuse_request(lua, lua_pushfstring(lua, "no argument that is the marked key \"%s\"",
                                            lua_tostring(lua, AT_KEY)));
    if (marked) {
        lua_pushnil(lua);
        lua_rawseti(lua, UP_OTHER, 1);
    }
    return 0;
}

static bool make_request(void *state, uint64_t ticket, struct volley_request *request)
{
    struct script *script = (struct script *)state;
    if (script->failure[0] != '\0') {
        snprintf(request->error, sizeof request->error, "%s", script->failure);
        return false;
    }
    script->ticket = ticket;
    script->request = request;
    lua_pushvalue(script->lua, AT_REQUEST);
    if (lua_pcall(script->lua, 0, 0, AT_HANDLER) == 0)
        return true;
    take_error(script->lua, request->error);
    return false;
}

/* ---- replies and delays */

enum { AT_REPLY = 2, AT_STRINGS };

/* The array's strings, a null among them as false; those of a longer one before go. */
static void show_strings(lua_State *lua, struct script *script)
{
    const struct volley_reply *reply = script->reply;
    const uint32_t count = reply->string_count;
    lua_getfield(lua, AT_REPLY, "strings");
    for (uint32_t i = 0; i < count || i < script->strings_shown; i++) {
        if (i >= count)
            lua_pushnil(lua);
        else if (reply->strings[i].bytes == NULL)
            lua_pushboolean(lua, false);
        else
            lua_pushlstring(lua, reply->strings[i].bytes, reply->strings[i].byte_count);
        lua_rawseti(lua, AT_STRINGS, (int)i + 1);
    }
    script->strings_shown = count;
    lua_pop(lua, 1);
}

static void show_reply(lua_State *lua, struct script *script)
{
    const struct volley_reply *reply = script->reply;
    lua_pushlstring(lua, &reply->type, 1);
    lua_setfield(lua, AT_REPLY, "type");
    lua_pushboolean(lua, reply->is_error);
    lua_setfield(lua, AT_REPLY, "error");
    lua_pushboolean(lua, reply->is_null);
    lua_setfield(lua, AT_REPLY, "null");
    lua_pushnumber(lua, (lua_Number)reply->integer);
    lua_setfield(lua, AT_REPLY, "integer");
    if (reply->text != NULL)
        lua_pushlstring(lua, reply->text, reply->text_bytes);
    else
        lua_pushnil(lua);
    lua_setfield(lua, AT_REPLY, "text");
    lua_pushnumber(lua, (lua_Number)script->ticket);
    lua_setfield(lua, AT_REPLY, "ticket");
    lua_pushnumber(lua, (lua_Number)reply->command + 1);
    lua_setfield(lua, AT_REPLY, "command");
    if (script->class_count != 0) {
        lua_rawgeti(lua, UP_CLASSES, (int)reply->class_index + 1);
        lua_setfield(lua, AT_REPLY, "class");
    }
    if (reply->string_count != 0 || script->strings_shown != 0)
        show_strings(lua, script);
}

/* The protected half of take_reply. */
static int protected_reply(lua_State *lua)
{
    struct script *script = script_of(lua);
    lua_pushvalue(lua, UP_FUNCTION);
    lua_pushvalue(lua, UP_OTHER);
    show_reply(lua, script);
    lua_call(lua, 1, 1);
    script->accepted = lua_isnil(lua, -1) || lua_toboolean(lua, -1);
    return 0;
}

static bool take_reply(void *state, uint64_t ticket, const struct volley_reply *reply)
{
    struct script *script = (struct script *)state;
    if (!script->responds || script->failure[0] != '\0')
        return true;
    script->ticket = ticket;
    script->reply = reply;
    lua_pushvalue(script->lua, AT_RESPONSE);
    if (lua_pcall(script->lua, 0, 0, AT_HANDLER) == 0)
        return script->accepted;
    take_error(script->lua, script->failure);
    return false;
}

/* The protected half of ask_delay. */
static int protected_delay(lua_State *lua)
{
    struct script *script = script_of(lua);
    lua_pushvalue(lua, UP_FUNCTION);
    lua_call(lua, 0, 1);
    script->delay_ms = lua_type(lua, -1) == LUA_TNUMBER ? lua_tonumber(lua, -1) : -1;
    if (script->delay_ms >= 0)
        return 0;
    const char *returned = lua_isnumber(lua, -1) ? lua_tostring(lua, -1) : a_type(lua, -1);
    lua_pushvalue(lua, UP_FUNCTION);
    const char *place = push_place(lua);
    return luaL_error(lua, "%sdelay() returned %s; milliseconds are wanted, as 10 or 0.5", place,
                      returned);
}

static double ask_delay(void *state)
{
    struct script *script = (struct script *)state;
    if (!script->delays || script->failure[0] != '\0')
        return 0;
    lua_pushvalue(script->lua, AT_DELAY);
    if (lua_pcall(script->lua, 0, 0, AT_HANDLER) == 0)
        return script->delay_ms;
    take_error(script->lua, script->failure);
    return 0;
}

/* ---- init */

static void set_number(lua_State *lua, const char *name, uint64_t number)
{
    lua_pushnumber(lua, (lua_Number)number);
    lua_setfield(lua, -2, name);
}

/* The table `volley`, which stays on the stack. */
static void push_settings(lua_State *lua, const struct volley_settings *settings)
{
    lua_newtable(lua);
    set_number(lua, "worker", settings->worker);
    set_number(lua, "seed", settings->seed);
    set_number(lua, "data_size", settings->data_bytes);
    set_number(lua, "keyspace", settings->key_count);
    set_number(lua, "keyspace_offset", settings->first_key);
    lua_pushboolean(lua, settings->sequential);
    lua_setfield(lua, -2, "sequential");
    lua_pushboolean(lua, settings->trial);
    lua_setfield(lua, -2, "trial");
}

/* The argument of init: all of it as [0], name=value by name, what has no name from [1] on. */
static void push_arguments(lua_State *lua, const char *arguments)
{
    int number = 0;
    lua_newtable(lua);
    lua_pushstring(lua, arguments);
    lua_rawseti(lua, -2, 0);
    for (const char *at = arguments; *at != '\0'; at += *at == ',') {
        const size_t byte_count = strcspn(at, ",");
        const char *equals = memchr(at, '=', byte_count);
        if (equals != NULL) {
            lua_pushlstring(lua, at, (size_t)(equals - at));
            lua_pushlstring(lua, equals + 1, byte_count - (size_t)(equals - at) - 1);
            lua_rawset(lua, -3);
        } else {
            lua_pushlstring(lua, at, byte_count);
            lua_rawseti(lua, -2, ++number);
        }
        at += byte_count;
    }
}

/* A global function on the stack, or nil; anything else is refused. */
static bool push_function(lua_State *lua, const char *name, const char *file)
{
    lua_getglobal(lua, name);
    if (!lua_isnil(lua, -1) && !lua_isfunction(lua, -1))
        luaL_error(lua, "%s: %s is %s; a function is wanted", file, name, a_type(lua, -1));
    return lua_isfunction(lua, -1);
}

static void refuse_function(lua_State *lua, const char *name, const char *instead)
{
    lua_getglobal(lua, name);
    if (!lua_isfunction(lua, -1)) {
        lua_pop(lua, 1);
        return;
    }
    const char *place = push_place(lua);
    luaL_error(lua, "%s%s() is wrk's, and volley never calls it: %s", place, name, instead);
}

/* The table of classes, or nil, on the stack. */
static void take_classes(lua_State *lua, struct script *script, const char *file)
{
    lua_getglobal(lua, "classes");
    if (lua_isnil(lua, -1))
        return;
    if (!lua_istable(lua, -1))
        luaL_error(lua, "%s: classes is %s; a table of names is wanted", file, a_type(lua, -1));
    const size_t count = lua_objlen(lua, -1);
    if (count == 0 || count > VOLLEY_PLUGIN_CLASSES_MAX)
        luaL_error(lua, "%s: classes has %d names; 1 to %d are possible", file, (int)count,
                   (int)VOLLEY_PLUGIN_CLASSES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        lua_rawgeti(lua, -1, (int)i + 1);
        if (lua_type(lua, -1) != LUA_TSTRING)
            luaL_error(lua, "%s: classes[%d] is %s; a name is wanted", file, (int)i + 1,
                       a_type(lua, -1));
        /* The string stays where it is while the table holds it: in a copy that the file cannot change. */
        struct class_name *name = &script->classes[i];
        name->text = lua_tolstring(lua, -1, &name->byte_count);
        script->setup->classes[i].name = name->text;
        lua_pop(lua, 1);
    }
    script->class_count = script->setup->class_count = (uint32_t)count;
    lua_createtable(lua, (int)count, 0);
    for (int i = 1; i <= (int)count; i++) {
        lua_rawgeti(lua, -2, i);
        lua_rawseti(lua, -2, i);
    }
    lua_remove(lua, -2);
}

static void run_file(lua_State *lua, const struct volley_settings *settings)
{
    if (luaL_loadfilex(lua, settings->file, "t") != 0)
        lua_error(lua);
    lua_call(lua, 0, 0);
    refuse_function(lua, "setup",
                    "there are processes in place of threads; init(args) is called in each");
    refuse_function(lua, "done",
                    "what was measured is in the report, and for programs in --json FILE");
    if (push_function(lua, "init", settings->file)) {
        push_arguments(lua, settings->arguments);
        lua_call(lua, 1, 0);
    } else {
        lua_pop(lua, 1);
    }
}

/* Pushes a closure over the script and the values on top. */
static void wrap(lua_State *lua, struct script *script, lua_CFunction function, int value_count)
{
    lua_pushlightuserdata(lua, script);
    lua_insert(lua, -value_count - 1);
    lua_pushcclosure(lua, function, value_count + 1);
}

/* The protected half of open_script: returns what stays on the stack. */
static int protected_open(lua_State *lua)
{
    enum { AT_SCRIPT = 1, AT_MARKS, AT_CLASS_TABLE };
    struct script *script = (struct script *)lua_touserdata(lua, AT_SCRIPT);
    const struct volley_settings *settings = script->settings;
    luaL_openlibs(lua);
    lua_createtable(lua, 1, 0); /* marks */
    if (luaL_loadbuffer(lua, prelude, sizeof prelude - 1, "=volley") != 0)
        lua_error(lua);
    push_settings(lua, settings);
    lua_pushvalue(lua, -1);
    lua_setglobal(lua, "volley");
    lua_pushvalue(lua, AT_MARKS);
    lua_pushstring(lua, settings->file);
    lua_pushnumber(lua, (lua_Number)(settings->seed + settings->worker));
    lua_call(lua, 4, 0);
    run_file(lua, settings);
    take_classes(lua, script, settings->file);

    if (!push_function(lua, "request", settings->file))
        luaL_error(lua, "%s: has no function request(ticket), which makes the requests",
                   settings->file);
    lua_pushvalue(lua, AT_MARKS);
    wrap(lua, script, protected_request, 2);
    script->responds = push_function(lua, "response", settings->file);
    lua_createtable(lua, 0, 9);
    lua_newtable(lua);
    lua_setfield(lua, -2, "strings");
    lua_pushvalue(lua, AT_CLASS_TABLE);
    wrap(lua, script, protected_reply, 3);
    script->delays = push_function(lua, "delay", settings->file);
    wrap(lua, script, protected_delay, 1);
    return 3;
}

static void close_script(void *state)
{
    struct script *script = (struct script *)state;
    if (script == NULL)
        return;
    lua_close(script->lua);
    free(script);
}

static bool open_script(void **state, const struct volley_settings *settings,
                        struct volley_setup *setup)
{
    *state = NULL;
    struct script *script = (struct script *)calloc(1, sizeof *script);
    lua_State *lua = script != NULL ? luaL_newstate() : NULL;
    if (lua == NULL) {
        free(script);
        snprintf(setup->error, sizeof setup->error, "there is no memory for Lua");
        return false;
    }
    script->lua = lua;
    script->settings = settings;
    script->setup = setup;
    lua_pushcfunction(lua, describe_error);
    lua_pushcfunction(lua, protected_open);
    lua_pushlightuserdata(lua, script);
    if (lua_pcall(lua, 1, 3, AT_HANDLER) != 0) {
        take_error(lua, setup->error);
        memset(setup->classes, 0, sizeof setup->classes); /* names that go with the script */
        setup->class_count = 0;
        close_script(script);
        return false;
    }
    setup->without_replies = !script->responds;
    setup->without_delay = !script->delays;
    *state = script;
    return true;
}

__attribute__((visibility("default")))
const struct volley_plugin volley_plugin = {.version = VOLLEY_PLUGIN_VERSION,
                                            .init = open_script,
                                            .next = make_request,
                                            .reply = take_reply,
                                            .delay_ms = ask_delay,
                                            .close = close_script};
