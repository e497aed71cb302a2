//! Whole super-clusters on one thread, from one seed.
