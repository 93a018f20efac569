/* RCODEs by name (IANA's registry). */
#ifndef SHM_RCODE_H
#define SHM_RCODE_H

enum { RCODE_TEXT_MAX = 16 };

/* "NXDOMAIN", "RCODE11" for one without a name: in `out`, or borrowed for ever. */
__attribute__((nonnull, returns_nonnull)) const char *rcode_text(unsigned rcode,
								 char out[RCODE_TEXT_MAX]);

#endif
