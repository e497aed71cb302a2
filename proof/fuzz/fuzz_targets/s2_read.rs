//! `gannet_fuzz_bodies::s2_read` under the fuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gannet_fuzz_bodies::s2_read(bytes));
