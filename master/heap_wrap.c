/* malloc and its kin round the C library's own, for the heap sampler: linked into martletd
 * alone.  By definition rather than by the linker's --wrap, so that what libraries allocate
 * is seen too.  What is allocated in other ways (aligned, by the C library for itself) is
 * merely not sampled.
 *
 * Under sanitizers, whose malloc it is then, by their hooks. */
#include <stddef.h>

#include "shm/heap_sampler.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ADDRESS_SANITIZER
#endif

#ifdef HAS_ADDRESS_SANITIZER

int __sanitizer_install_malloc_and_free_hooks(
	void (*malloc_hook)(const volatile void *block, size_t len),
	void (*free_hook)(const volatile void *block));

static void
note(const volatile void *block, size_t len)
{
	heap_sampler_note((void *)(uintptr_t)block, len);
}

static void
forget(const volatile void *block)
{
	heap_sampler_forget((void *)(uintptr_t)block);
}

__attribute__((constructor)) static void
install(void)
{
	__sanitizer_install_malloc_and_free_hooks(note, forget);
}

#else

/* As the C library names its own. */
void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t len);
void __libc_free(void *block);

void *malloc(size_t len);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t len);
void free(void *block);

void *
malloc(size_t len)
{
	void *block = __libc_malloc(len);

	heap_sampler_note(block, len);
	return block;
}

void *
calloc(size_t count, size_t size)
{
	void *block = __libc_calloc(count, size);

	heap_sampler_note(block, count * size);
	return block;
}

/* Where it fails, the old block lives on unsampled. */
void *
realloc(void *block, size_t len)
{
	void *moved;

	heap_sampler_forget(block);
	moved = __libc_realloc(block, len);
	heap_sampler_note(moved, len);
	return moved;
}

void
free(void *block)
{
	heap_sampler_forget(block);
	__libc_free(block);
}

#endif
