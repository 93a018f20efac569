/* RR types: numbers, names, and the shape of their rdata (IANA registry "Resource
 * Record (RR) TYPEs").  One table feeds the enum, the names and the shapes.
 *
 * A shape describes rdata from its start to its end, item by item:
 *
 *	4, 16, ...	that many octets
 *	d		a domain name, never compressed
 *	D		a domain name that may be compressed (RFC 3597, section 4)
 *	>		before a name: its addresses belong into the additional section
 *	s H		one octet of length, that many octets; H: not empty
 *	S		one or more of "s", up to the end
 *	r R		anything up to the end; R: not empty
 *	b		type bitmap (RFC 4034, section 4.1.2), may be empty
 *	m		DS digest behind its type, at least as long as the type demands
 *	p		SvcParams (RFC 9460, section 2.2)
 *	l		address prefix list (RFC 3123)
 *	g a h		rdata of IPSECKEY, AMTRELAY, HIP
 *
 * A type that is not here has rdata without names (RFC 3597) of any content. */
#ifndef SHM_RRTYPE_H
#define SHM_RRTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* clang-format off */
/* identifier, number, name, shape (NULL: not data, only asked for or metadata) */
#define RRTYPE_TABLE(X)                             \
	X(A, 1, "A", "4")                           \
	X(NS, 2, "NS", ">D")                        \
	X(MD, 3, "MD", "D")                         \
	X(MF, 4, "MF", "D")                         \
	X(CNAME, 5, "CNAME", "D")                   \
	X(SOA, 6, "SOA", "DD20")                    \
	X(MB, 7, "MB", "D")                         \
	X(MG, 8, "MG", "D")                         \
	X(MR, 9, "MR", "D")                         \
	X(NULL, 10, "NULL", "r")                    \
	X(WKS, 11, "WKS", "5r")                     \
	X(PTR, 12, "PTR", "D")                      \
	X(HINFO, 13, "HINFO", "ss")                 \
	X(MINFO, 14, "MINFO", "DD")                 \
	X(MX, 15, "MX", "2>D")                      \
	X(TXT, 16, "TXT", "S")                      \
	X(RP, 17, "RP", "dd")                       \
	X(AFSDB, 18, "AFSDB", "2d")                 \
	X(X25, 19, "X25", "s")                      \
	X(ISDN, 20, "ISDN", "S")                    \
	X(RT, 21, "RT", "2d")                       \
	X(NSAP, 22, "NSAP", "r")                    \
	X(NSAP_PTR, 23, "NSAP-PTR", "d")            \
	X(SIG, 24, "SIG", "18dr")                   \
	X(KEY, 25, "KEY", "4r")                     \
	X(PX, 26, "PX", "2dd")                      \
	X(GPOS, 27, "GPOS", "sss")                  \
	X(AAAA, 28, "AAAA", "16")                   \
	X(LOC, 29, "LOC", "16")                     \
	X(NXT, 30, "NXT", "dr")                     \
	X(EID, 31, "EID", "r")                      \
	X(NIMLOC, 32, "NIMLOC", "r")                \
	X(SRV, 33, "SRV", "6>d")                    \
	X(ATMA, 34, "ATMA", "r")                    \
	X(NAPTR, 35, "NAPTR", "4sss>d")             \
	X(KX, 36, "KX", "2d")                       \
	X(CERT, 37, "CERT", "5r")                   \
	X(A6, 38, "A6", "r")                        \
	X(DNAME, 39, "DNAME", "d")                  \
	X(SINK, 40, "SINK", "r")                    \
	X(OPT, 41, "OPT", NULL)                     \
	X(APL, 42, "APL", "l")                      \
	X(DS, 43, "DS", "4m")                       \
	X(SSHFP, 44, "SSHFP", "2R")                 \
	X(IPSECKEY, 45, "IPSECKEY", "g")            \
	X(RRSIG, 46, "RRSIG", "18dR")               \
	X(NSEC, 47, "NSEC", "db")                   \
	X(DNSKEY, 48, "DNSKEY", "4r")               \
	X(DHCID, 49, "DHCID", "R")                  \
	X(NSEC3, 50, "NSEC3", "4sHb")               \
	X(NSEC3PARAM, 51, "NSEC3PARAM", "4s")       \
	X(TLSA, 52, "TLSA", "3R")                   \
	X(SMIMEA, 53, "SMIMEA", "3R")               \
	X(HIP, 55, "HIP", "h")                      \
	X(NINFO, 56, "NINFO", "S")                  \
	X(RKEY, 57, "RKEY", "4r")                   \
	X(TALINK, 58, "TALINK", "dd")               \
	X(CDS, 59, "CDS", "4m")                     \
	X(CDNSKEY, 60, "CDNSKEY", "4r")             \
	X(OPENPGPKEY, 61, "OPENPGPKEY", "R")        \
	X(CSYNC, 62, "CSYNC", "6b")                 \
	X(ZONEMD, 63, "ZONEMD", "6R")               \
	X(SVCB, 64, "SVCB", "2>dp")                 \
	X(HTTPS, 65, "HTTPS", "2>dp")               \
	X(DSYNC, 66, "DSYNC", "5d")                 \
	X(HHIT, 67, "HHIT", "r")                    \
	X(BRID, 68, "BRID", "r")                    \
	X(SPF, 99, "SPF", "S")                      \
	X(UINFO, 100, "UINFO", "r")                 \
	X(UID, 101, "UID", "r")                     \
	X(GID, 102, "GID", "r")                     \
	X(UNSPEC, 103, "UNSPEC", "r")               \
	X(NID, 104, "NID", "10")                    \
	X(L32, 105, "L32", "6")                     \
	X(L64, 106, "L64", "10")                    \
	X(LP, 107, "LP", "2d")                      \
	X(EUI48, 108, "EUI48", "6")                 \
	X(EUI64, 109, "EUI64", "8")                 \
	X(NXNAME, 128, "NXNAME", NULL)              \
	X(TKEY, 249, "TKEY", NULL)                  \
	X(TSIG, 250, "TSIG", NULL)                  \
	X(IXFR, 251, "IXFR", NULL)                  \
	X(AXFR, 252, "AXFR", NULL)                  \
	X(MAILB, 253, "MAILB", NULL)                \
	X(MAILA, 254, "MAILA", NULL)                \
	X(ANY, 255, "ANY", NULL)                    \
	X(URI, 256, "URI", "4R")                    \
	X(CAA, 257, "CAA", "1Hr")                   \
	X(AVC, 258, "AVC", "S")                     \
	X(DOA, 259, "DOA", "r")                     \
	X(AMTRELAY, 260, "AMTRELAY", "a")           \
	X(RESINFO, 261, "RESINFO", "S")             \
	X(WALLET, 262, "WALLET", "S")               \
	X(CLA, 263, "CLA", "S")                     \
	X(IPN, 264, "IPN", "8")                     \
	X(TA, 32768, "TA", "4m")                    \
	X(DLV, 32769, "DLV", "4m")
/* clang-format on */

enum rrtype {
#define X(id, number, name, shape) RRTYPE_##id = number,
	RRTYPE_TABLE(X)
#undef X
};

enum { RRTYPE_TEXT_MAX = 16 };	/* longest name, and its NUL */

/* The name of a type, TYPEnnn (RFC 3597, section 5) for one without; NUL-terminated. */
__attribute__((nonnull))
void rrtype_to_text(uint16_t type, char out[RRTYPE_TEXT_MAX]);

/* The type that `text` names, in either case, as a name or as TYPEnnn.
 * returns false, `out` untouched, when there is none. */
__attribute__((nonnull, warn_unused_result))
bool rrtype_from_text(const char *text, uint16_t *out);

/* Can records of this type not stand in a zone: 0, OPT, and the types that are only
 * asked for or accompany a message, 128..255 (RFC 6895, section 3.1)? */
__attribute__((const))
bool rrtype_is_meta(uint16_t type);

/* The shape of a type's rdata, see above; "r" for unknown types and meta types.
 * Never NULL, borrowed for ever. */
__attribute__((const, returns_nonnull))
const char *rrtype_shape(uint16_t type);

#endif
