/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a command line. */
#include "common/args.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

int args_refuse(const char *command, int code, char *const *argv)
{
    const char *option = argv[optind - 1];
    if (code == ':') {
        return tool_usage_error(command, "the option %s needs a value", option);
    }
    if (optopt > 0 && optopt < 256) {
        return tool_usage_error(command, "there is no option -%c", optopt);
    }
    return tool_usage_error(command, "the option %s is unknown, ambiguous or takes no value",
                            option);
}

int args_parse(int argc, char **argv, const struct args_form *form, void *user, bool *is_done)
{
    int option, code = EXIT_CODE_OK;
    *is_done = false;
    opterr = 0;
    while (!*is_done && code == EXIT_CODE_OK &&
           (option = getopt_long(argc, argv, form->letters, form->options, NULL)) != -1) {
        *is_done = option == 'h' || option == OPTION_VERSION;
        if (option == 'h') {
            fputs(form->help, stdout);
        } else if (option == OPTION_VERSION) {
            tool_print_version();
        } else {
            code = form->take(user, option, argv);
        }
    }
    return code;
}

char *args_split(const char *argument, const char **value)
{
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals == argument || equals[1] == '\0') {
        return NULL;
    }
    *value = equals + 1;
    return tool_printf("%.*s", (int)(equals - argument), argument);
}

int args_int(const char *command, const char *option, const char *text, int64_t low, int64_t high,
             int64_t *number)
{
    return tool_parse_int(text, low, high, number)
               ? EXIT_CODE_OK
               : tool_usage_error(command, "%s %s: expected a number from %" PRId64 " to %" PRId64,
                                  option, text, low, high);
}

int args_real(const char *command, const char *option, const char *text, double low, double *number)
{
    return tool_parse_real(text, low, number)
               ? EXIT_CODE_OK
               : tool_usage_error(command, "%s %s: expected a number of at least %g", option, text,
                                  low);
}
