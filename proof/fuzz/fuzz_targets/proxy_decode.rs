//! `gannet_fuzz_bodies::proxy_decode` under the fuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gannet_fuzz_bodies::proxy_decode(bytes));
