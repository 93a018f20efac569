/* Numbers of the protocol that more than one file needs (IANA's registries).
 * All types and their names: shm/rrtype.h. */
#ifndef SHM_DNS_H
#define SHM_DNS_H

enum dns_opcode { OPCODE_QUERY = 0, OPCODE_NOTIFY = 4, OPCODE_UPDATE = 5 };

enum dns_rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_NOTAUTH = 9,
	RCODE_BADVERS = 16,
	RCODE_BADCOOKIE = 23, /* RFC 7873, section 8 */
};

/* Options of EDNS, and the octets before what each holds: code and length. */
enum dns_option {
	OPTION_NSID = 3, /* RFC 5001 */
	OPTION_ECS = 8, /* RFC 7871 */
	OPTION_EXTENDED_ERROR = 15, /* RFC 8914 */
};
enum {
	OPTION_HEAD_LEN = 4,
	SUBNET_HEAD_LEN = 4, /* of ECS: family, source and scope prefix lengths */
};

/* RFC 8914: why an answer is none. */
enum dns_extended_error {
	EDE_NOT_AUTHORITATIVE = 20,
	EDE_NOT_SUPPORTED = 21,
	EDE_NO_REACHABLE_AUTHORITY = 22,
	EDE_INVALID_DATA = 24,
};

enum dns_class { CLASS_IN = 1, CLASS_CH = 3, CLASS_ANY = 255 };

enum dns_type {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_DNAME = 39,
	TYPE_OPT = 41,
	TYPE_DS = 43,
	TYPE_RRSIG = 46,
	TYPE_NSEC = 47,
	TYPE_DNSKEY = 48,
	TYPE_NSEC3 = 50,
	TYPE_NSEC3PARAM = 51,
	TYPE_TSIG = 250,
	TYPE_IXFR = 251,
	TYPE_AXFR = 252,
	TYPE_ANY = 255,
};

/* Bits of the header's octets 2 and 3. */
enum dns_flag {
	FLAG_QR = 0x80,
	FLAG_OPCODE = 0x78,
	FLAG_AA = 0x04,
	FLAG_TC = 0x02,
	FLAG_RD = 0x01,
	FLAG_CD = 0x10, /* octet 3 */
};

#endif
