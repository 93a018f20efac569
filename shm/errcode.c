/* Texts of the error codes, and their translation from errno. */
#include "shm/errcode.h"

#include <errno.h>

const char *
errcode_text(int code)
{
	switch (code) {
	case ERR_OK:
		return "done";
#define X(name, value, text) \
	case name:           \
		return text;
		ERRCODE_TABLE(X)
#undef X
	}
	return "failed for an unknown reason";
}

int
errcode_from_errno(int saved_errno)
{
	switch (saved_errno) {
	case ENOMEM:
		return ERR_NOMEM;
	case ENOENT:
	case ENOTDIR:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_RIGHTS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_NOSPACE;
	case EADDRINUSE:
	case EBUSY:
	case EAGAIN:
		return ERR_BUSY;
	}
	return ERR_IO;
}
