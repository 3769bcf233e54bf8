/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of onnxrun. argv[0] is the subcommand's name; the result is the exit code. */
#ifndef ONNXRUN_TOOLS_COMMANDS_H
#define ONNXRUN_TOOLS_COMMANDS_H

int cmd_run(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_compare(int argc, char **argv);

#endif
