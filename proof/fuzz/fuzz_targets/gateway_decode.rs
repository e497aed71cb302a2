//! `gannet_fuzz_bodies::gateway_decode` under the fuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gannet_fuzz_bodies::gateway_decode(bytes));
