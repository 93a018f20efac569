/* One enum for everything that can fail.  Functions return 0 or one of these
 * negative codes; foreign codes (errno, LMDB, zscanner) are translated in the
 * file that owns the library. */
#ifndef SHM_ERRCODE_H
#define SHM_ERRCODE_H

/* code, text for people: the rest of a sentence that begins with the object */
#define ERRCODE_TABLE(X)                                                            \
	X(ERR_NOMEM, -1, "not enough memory")                                       \
	X(ERR_IO, -2, "read or write failed")                                       \
	X(ERR_NOTFOUND, -3, "not found")                                            \
	X(ERR_EXISTS, -4, "exists already")                                         \
	X(ERR_RIGHTS, -5, "permission denied")                                      \
	X(ERR_NOSPACE, -6, "no space left on the device")                           \
	X(ERR_FORMAT, -7, "is not a martlet file")                                  \
	X(ERR_NEWER, -8, "was written by a newer version of martlet")               \
	X(ERR_FOREIGN, -9, "was written on a machine of another byte order")        \
	X(ERR_DAMAGED, -10, "is damaged")                                           \
	X(ERR_RANGE, -11, "is out of range")                                        \
	X(ERR_SYNTAX, -12, "cannot be parsed")                                      \
	X(ERR_FULL, -13, "is full")                                                 \
	X(ERR_BUSY, -14, "is in use")                                               \
	X(ERR_TIMEOUT, -15, "did not finish in time")                               \
	X(ERR_CLOSED, -16, "was closed by the other side")                          \
	X(ERR_OLDER, -17, "was written by an older version of martlet")

enum errcode {
	ERR_OK = 0,
#define X(name, value, text) name = value,
	ERRCODE_TABLE(X)
#undef X
};

/* The text of a code, never NULL; borrowed for ever. */
const char *errcode_text(int code) __attribute__((const));

/* The code that fits an errno; ERR_IO where none does. */
int errcode_from_errno(int saved_errno) __attribute__((const));

#endif
