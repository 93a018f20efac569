/* The names. */
#include "shm/rcode.h"

#include <stdio.h>

#include "shm/dns.h"

const char *
rcode_text(unsigned rcode, char out[RCODE_TEXT_MAX])
{
	static const char *const names[] = {
		[RCODE_NOERROR] = "NOERROR",   [RCODE_FORMERR] = "FORMERR",
		[RCODE_SERVFAIL] = "SERVFAIL", [RCODE_NXDOMAIN] = "NXDOMAIN",
		[RCODE_NOTIMP] = "NOTIMP",     [RCODE_REFUSED] = "REFUSED",
		[RCODE_YXDOMAIN] = "YXDOMAIN", [RCODE_NOTAUTH] = "NOTAUTH",
		[RCODE_BADVERS] = "BADVERS",   [RCODE_BADCOOKIE] = "BADCOOKIE",
	};

	if (rcode < sizeof names / sizeof *names && names[rcode])
		return names[rcode];
	snprintf(out, RCODE_TEXT_MAX, "RCODE%u", rcode);
	return out;
}
