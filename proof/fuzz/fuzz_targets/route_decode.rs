//! `gannet_fuzz_bodies::route_decode` under the fuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gannet_fuzz_bodies::route_decode(bytes));
