/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C, SIGTERM and SIGHUP end a command as they would anyway: it dies of the signal, which a shell
 * reports as status 130 (143, 129) and which stops a script as well. But temporary files are removed
 * before, and one line says so.
 */
#ifndef ONNXRUN_TOOLS_INTERRUPT_H
#define ONNXRUN_TOOLS_INTERRUPT_H

/* Begins to catch these signals, but for those that are ignored (nohup). name stands in the line. */
void interrupt_begin(const char *name);

/* The same in a child made by fork: for its own files, and without the line, which the parent has. */
void interrupt_begin_child(void);

/* A file to remove. */
struct interrupt_file {
    char *path; /* owned by who adds it */
    struct interrupt_file *next;
};

/*
 * A time during which no signal ends the command, from the making of a temporary file to its
 * addition here, and from its new name to its removal: a few calls, on one thread at a time.
 */
void interrupt_pause(void);
void interrupt_resume(void);

/* Adds or removes a file during a pause; the struct stays where it is in between. */
void interrupt_add(struct interrupt_file *file);
void interrupt_remove(struct interrupt_file *file);

#endif
