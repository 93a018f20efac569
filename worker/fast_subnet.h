/* Queries that tell of their client's subnet (RFC 7871), or come with a cookie (RFC 7873), on
 * the straight path: answered as if they did not, with room kept free; at the end of the
 * batch the options that go back are appended to the OPT, which stands last.  Who does not
 * ask so pays nothing. */
#ifndef WORKER_FAST_SUBNET_H
#define WORKER_FAST_SUBNET_H

#include "shm/dns.h"
#include "shm/wire.h"
#include "worker/cookie.h"
#include "worker/edns.h"
#include "worker/fast.h"

static inline unsigned
fast_subnet_len(const struct fast *f, const struct query *q)
{
	return (q->flags & QUERY_ECS) ? edns_subnet_len(q, f->options) : 0;
}

/* Is an uncommon query common but for a subnet or cookie?  Then keep room for the subnet;
 * worker/cookie.c has done so. */
__attribute__((noinline)) static bool
fast_take_subnet(struct fast *f, struct query *q)
{
	if (q->verdict != QUERY_LOOKUP || q->class != CLASS_IN || (q->flags & QUERY_NSID))
		return false;
	if ((f->options->ecs && (q->flags & QUERY_ECS_BAD)) ||
	    (f->options->cookies && (q->flags & QUERY_COOKIE_BAD)))
		return false;
	q->scope_len = 0;
	q->limit = (uint16_t)(q->limit - fast_subnet_len(f, q));
	f->with_subnet |= UINT64_C(1) << (q - f->queries);
	return true;
}

/* The same, most often for a cookie alone; `slot` is the query's. */
static inline bool
fast_take_options(struct fast *f, struct query *q, unsigned slot)
{
	if (q->common != QUERY_COMMON_COOKIE)
		return fast_take_subnet(f, q);
	f->with_cookie |= UINT64_C(1) << slot;
	return true;
}

/* Complete those that came with a cookie and were answered; `left` are not. */
static inline void
fast_put_cookies(const struct fast *f, uint64_t left)
{
	for (uint64_t which = f->with_cookie & ~left; which; which &= which - 1) {
		struct query *q = &f->queries[__builtin_ctzll(which)];
		uint8_t *opt_end = q->packet + q->response_len;

		wire_put_u16(opt_end - sizeof(uint16_t), COOKIE_OPTION_LEN);
		cookie_put(opt_end, q);
		q->response_len += COOKIE_OPTION_LEN;
	}
}

/* The same of those with a subnet; `left` are not. */
static inline void
fast_put_subnets(const struct fast *f, uint64_t left)
{
	for (uint64_t which = f->with_subnet; which; which &= which - 1) {
		struct query *q = &f->queries[__builtin_ctzll(which)];
		unsigned len = fast_subnet_len(f, q);
		uint8_t *opt_end = q->packet + q->response_len, *end = opt_end;

		q->limit = (uint16_t)(q->limit + len);
		if (which & -which & left)
			continue;
		if (len > 0)
			end = edns_put_subnet(end, &q->subnet, q->scope_len);
		if (q->flags & QUERY_COOKIE_REPLY)
			end = cookie_put(end, q);
		if (end == opt_end)
			continue;
		wire_put_u16(opt_end - sizeof(uint16_t), (uint16_t)(end - opt_end));
		q->response_len += (uint32_t)(end - opt_end);
	}
}

#endif
