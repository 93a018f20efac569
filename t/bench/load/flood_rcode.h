/* Names of response codes. */
#ifndef T_FLOOD_RCODE_H
#define T_FLOOD_RCODE_H

/* The name of a code below FLOOD_RCODES; the last one stands for all above. */
static inline const char *
flood_rcode_name(unsigned rcode)
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "DSOTYPENI",
	};

	if (rcode < sizeof names / sizeof names[0])
		return names[rcode];
	return rcode == 16 ? "BADVERS" : rcode == 23 ? "BADCOOKIE" : "other";
}

#endif
