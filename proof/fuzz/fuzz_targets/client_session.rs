//! `gannet_fuzz_bodies::client_session` under the fuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gannet_fuzz_bodies::client_session(bytes));
