/* Static probes of the answer path (man/martlet-probes.7), for bpftrace, perf and
 * SystemTap: a nop each, and a note in the program of where its arguments are. */
#ifndef WORKER_PROBES_H
#define WORKER_PROBES_H

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#ifdef __clang__
/* it counts arguments by macros that may be left without any */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define PROBE1(name, a) DTRACE_PROBE1(martlet, name, a)
#define PROBE2(name, a, b) DTRACE_PROBE2(martlet, name, a, b)
#define PROBE3(name, a, b, c) DTRACE_PROBE3(martlet, name, a, b, c)
#endif
#endif

/* Built without that header: there are none. */
#ifndef PROBE1
#define PROBE1(name, a) ((void)(a))
#define PROBE2(name, a, b) ((void)(a), (void)(b))
#define PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

#endif
