/* Every counter: name, kind, help.  Append only: struct, text, JSON and manual come
 * from this table, and a name once published stays.
 *
 * COUNTER only grows; each worker writes its own, readers add them up.
 * GAUGE is a level now; summed over workers that run. */
#ifndef SHM_STATS_TABLE_H
#define SHM_STATS_TABLE_H

/* clang-format off */
#define STATS_TABLE(X) \
	X(udp_queries,       COUNTER, "datagrams received") \
	X(udp_responses,     COUNTER, "datagrams sent") \
	X(udp_send_failed,   COUNTER, "datagrams that the kernel refused to send") \
	X(tcp_queries,       COUNTER, "messages received over TCP") \
	X(tcp_responses,     COUNTER, "messages sent over TCP") \
	X(tcp_accepted,      COUNTER, "TCP connections accepted") \
	X(tcp_open,          GAUGE,   "TCP connections open") \
	X(tcp_closed_idle,   COUNTER, "TCP connections closed after tcp.idle_ms without progress") \
	X(tcp_closed_full,   COUNTER, "TCP connections closed to make room for newer ones") \
	X(tcp_refused_client,COUNTER, "TCP connections refused: tcp.per_client reached") \
	X(tcp_closed_broken, COUNTER, "TCP connections closed for a malformed or failed stream") \
	X(tcp_closed_queries,COUNTER, "TCP connections closed after tcp.queries queries") \
	X(ipv6_queries,      COUNTER, "queries over IPv6, UDP and TCP") \
	X(noerror,           COUNTER, "responses NOERROR, any content") \
	X(nxdomain,          COUNTER, "responses NXDOMAIN") \
	X(formerr,           COUNTER, "responses FORMERR") \
	X(servfail,          COUNTER, "responses SERVFAIL") \
	X(notimp,            COUNTER, "responses NOTIMP") \
	X(refused,           COUNTER, "responses REFUSED") \
	X(yxdomain,          COUNTER, "responses YXDOMAIN: a DNAME made a name too long") \
	X(badvers,           COUNTER, "responses BADVERS") \
	X(nodata,            COUNTER, "NOERROR responses without answer that are no referral") \
	X(referrals,         COUNTER, "referrals") \
	X(wildcard_answers,  COUNTER, "answers expanded from a wildcard") \
	X(truncated,         COUNTER, "responses with TC") \
	X(dropped_short,     COUNTER, "messages too short for a header, not answered") \
	X(dropped_response,  COUNTER, "messages with QR set, not answered") \
	X(edns,              COUNTER, "queries with EDNS") \
	X(edns_do,           COUNTER, "queries with the DO bit") \
	X(chaos,             COUNTER, "queries of class CH") \
	X(store_damage,      COUNTER, "SERVFAIL for an offset or length that contradicts its map") \
	X(generation_swaps,  COUNTER, "generations taken over by this worker") \
	X(restarts,          COUNTER, "starts of a worker after its first") \
	X(log_dropped,       COUNTER, "log lines lost because the log pipe was full") \
	X(batches,           COUNTER, "receive calls that returned datagrams") \
	X(udp_socket_drops,  COUNTER, "datagrams dropped by the kernel, mostly because a socket's queue was full") \
	X(hung_workers,      COUNTER, "workers killed because their loop stood still while queries waited") \
	X(notauth,           COUNTER, "responses NOTAUTH: signed by TSIG, of which no key is known") \
	X(steered,           COUNTER, "RRsets of which records were chosen for one response") \
	X(aname_answers,     COUNTER, "address questions at an ANAME, or a CNAME of a flattened zone") \
	X(aname_unresolved,  COUNTER, "of these, SERVFAIL: no resolver has told the addresses as yet") \
	X(limit_client_rate, COUNTER, "queries over limit.client.rate and its burst") \
	X(limit_client_blacklist,COUNTER, "queries of clients on limit.client.blacklist") \
	X(limit_refused,     COUNTER, "queries refused for a limit of their client") \
	X(limit_dropped,     COUNTER, "queries not answered for a limit of their client") \
	X(limit_log_only,    COUNTER, "queries and responses over a limit that were let through: limit.log_only") \
	X(cookies_new,       COUNTER, "queries with a DNS cookie of the client alone") \
	X(cookies_valid,     COUNTER, "queries with a cookie that we gave to this client") \
	X(cookies_invalid,   COUNTER, "queries with a cookie that is not ours, or too old") \
	X(cookies_malformed, COUNTER, "queries with a cookie of a wrong length: FORMERR") \
	X(limit_rrl_answers, COUNTER, "answers over limit.rrl.answers") \
	X(limit_rrl_nxdomain,COUNTER, "NXDOMAIN over limit.rrl.nxdomain") \
	X(limit_rrl_nodata,  COUNTER, "NODATA over limit.rrl.nxdomain") \
	X(limit_rrl_referrals,COUNTER, "referrals over limit.rrl.referrals") \
	X(limit_rrl_errors,  COUNTER, "errors over limit.rrl.errors") \
	X(limit_rrl_dropped, COUNTER, "responses over limit.rrl that were made, and not sent") \
	X(limit_rrl_slipped, COUNTER, "responses over limit.rrl that went out with TC, errors as they were") \
	X(badcookie,         COUNTER, "responses over limit.rrl that became BADCOOKIE") \
	X(isolation_short,   COUNTER, "times that a worker fell behind its receive queue") \
	X(isolation_shed_absent,COUNTER, "queries that limit.isolation left unanswered: their zone asked for too much, and their names do not exist or are of a wildcard") \
	X(isolation_shed_existing,COUNTER, "the same of names that exist") \
	X(query_log_records, COUNTER, "queries handed to the query log") \
	X(query_log_dropped, COUNTER, "queries that the query log missed: its ring was full") \
	X(starved_processes, COUNTER, "workers and services that stood still because they got no CPU time, and were not killed for it") \
	X(steered_stand_ins, COUNTER, "signed answers with other records than were chosen: no signature over those was made yet") \
	X(steered_requests,  COUNTER, "sets of steered records that the signer was asked for") \
	X(steered_requests_lost,COUNTER, "requests that the signer did not get: the ring was full")
/* clang-format on */

#endif
