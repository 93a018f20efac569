/* What ps and top show of a process: its name and, instead of the command line that all
 * processes of a server share, "martletd: NAME". */
#ifndef SHM_TITLE_H
#define SHM_TITLE_H

/* Make room for titles where the command line stands, and move the environment out of
 * the way.  Once, before getenv(), with the arguments of main(); without it, title_set
 * sets the short name only. */
__attribute__((nonnull)) void title_init(int argc, char **argv);

/* Name this process; the first 15 octets are its short name.  Overwrites the strings
 * behind argv: for a child, which needs them no more. */
__attribute__((nonnull)) void title_set(const char *name);

#endif
