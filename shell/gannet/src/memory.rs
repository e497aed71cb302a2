//! The allocator of the binary, and how soon it gives memory back.

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long freed memory is kept for new use, in milliseconds. The allocator's own 10 s are long for a
/// server whose subscriptions come and go by the hundred thousand; below one second it costs speed.
#[cfg(feature = "jemalloc")]
const KEEP_FREED: isize = 1000;

/// Sets the allocator up. To be called before there are threads.
#[cfg(feature = "jemalloc")]
pub(crate) fn set_up() {
    use tikv_jemalloc_ctl::{Access, AsName};
    // Later arenas, and the one that there is. If it can't be set, memory is given back later.
    for name in [
        &b"arenas.dirty_decay_ms\0"[..],
        &b"arena.0.dirty_decay_ms\0"[..],
    ] {
        let _ = name.name().write(KEEP_FREED);
    }
}

/// The system's allocator needs no care.
#[cfg(not(feature = "jemalloc"))]
pub(crate) fn set_up() {}
