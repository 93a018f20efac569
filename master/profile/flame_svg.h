/* A flame graph: width is how often a frame was seen, what stands on it was called by it.
 * One SVG file that needs nothing else: a browser shows a title over each frame, a click
 * widens it, Ctrl-F (or the button) looks for names.  Without scripts it is a picture
 * still. */
#ifndef MASTER_PROFILE_FLAME_SVG_H
#define MASTER_PROFILE_FLAME_SVG_H

#include "master/profile/call_tree.h"

__attribute__((nonnull)) void flame_svg_write(const struct call_tree *tree, FILE *out);

#endif
