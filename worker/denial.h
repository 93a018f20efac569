/* Proofs of what does not exist, from the zone's own NSEC or NSEC3 records (RFC 4035,
 * section 3.1.3; RFC 5155, section 7.2).  They collect in a->proofs, without
 * duplicates, and go into the authority section behind everything else.
 *
 * A chain that lacks a record is answered without it: the client's validator sees the
 * zone's fault.  All return false only when the store contradicts itself. */
#ifndef WORKER_DENIAL_H
#define WORKER_DENIAL_H

#include "worker/answering.h"

/* NXDOMAIN: neither the name nor the wildcard at its closest encloser exists. */
bool denial_of_name(struct answering *a, unsigned encloser_labels);

/* NODATA at the name itself. */
bool denial_of_type(struct answering *a, const struct node *node);

/* NODATA at the wildcard that the name expands. */
bool denial_of_type_in_wildcard(struct answering *a, const struct node *wildcard,
				unsigned encloser_labels);

/* An answer expanded from a wildcard: no closer match exists. */
bool denial_of_expansion(struct answering *a, unsigned encloser_labels);

/* A referral to an unsigned zone: no DS at the cut. */
bool denial_of_ds(struct answering *a, const struct node *cut, unsigned cut_labels);

/* Let the record in `denial`, a node like those of NSEC and NSEC3, stand for the one of the
 * same owner that was collected. */
void denial_replace(struct answering *a, const struct node *denial);

/* Append the proofs collected. */
enum step denial_add(struct answering *a);

#endif
