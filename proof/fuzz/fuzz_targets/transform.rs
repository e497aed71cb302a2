//! `gannet_fuzz_bodies::transform` under the fuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gannet_fuzz_bodies::transform(bytes));
