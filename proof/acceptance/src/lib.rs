//! The real binary against real clients and Go peers, over loopback.
//!
//! Here live the tools of the acceptance tests: obtaining the programs, starting servers and whole
//! super-clusters of any mix of Gannet and Go servers, talking raw bytes to them, driving unmodified clients
//! in three languages. The tests themselves are in `tests/`, one file per chapter; the client programs are in
//! `clients/`. No knowledge of Gannet's inside may enter: whatever is checked here can be seen from outside.

pub mod agent;
pub mod apart;
pub mod certificates;
pub mod dice;
pub mod gateway_peer;
pub mod http;
pub mod later;
pub mod linked;
pub mod mesh;
pub mod namespaces;
pub mod operate;
pub mod ports;
pub mod programs;
pub mod reach;
pub mod responder;
pub mod route_peer;
pub mod server;
pub mod slow_road;
pub mod supercluster;
pub mod told;
pub mod transcript;
pub mod wait;
pub mod wire;

pub use agent::{Agent, Language};
pub use gateway_peer::{GatewayPeer, ScriptedGateway, Unanswering};
pub use linked::{Neighbour, linked, linked_as};
pub use route_peer::RoutePeer;
pub use server::{Kind, Server};
pub use slow_road::SlowRoad;
pub use supercluster::{Seeds, SuperCluster};
pub use told::{Message, Told, hpub};
pub use transcript::{login, play, play_on};
pub use wait::eventually;
pub use wire::Wire;

/// Turns `#[test] fn name(kind: Kind) { … }` into a module `name` with the two tests `gannet` and `go`.
///
/// The Go variant keeps the test honest: an expectation that the reference server does not meet is a wrong
/// expectation (or a difference that we want, and then the body says so with [`Kind`]).
#[macro_export]
macro_rules! both {
    ($($(#[doc = $doc:literal])* #[test] fn $name:ident($kind:ident: Kind) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            fn check($kind: $crate::Kind) $body
            #[test]
            fn gannet() {
                check($crate::Kind::Gannet);
            }
            #[test]
            fn go() {
                check($crate::Kind::Go);
            }
        }
    )+};
}

/// [`both!`] for what a later part of the work brings: the first words name the feature as the server does when
/// it refuses the key. The test `go` shows that the expectations are right; the test `gannet` shows that the
/// server says itself that it cannot do this yet, and that [`later::NOT_YET`] has it.
#[macro_export]
macro_rules! later {
    ($($feature:literal: $(#[doc = $doc:literal])* #[test] fn $name:ident($kind:ident: Kind) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            fn check($kind: $crate::Kind) $body
            #[test]
            fn gannet() {
                $crate::later::expect_refusal(module_path!(), $feature, || check($crate::Kind::Gannet));
            }
            #[test]
            fn go() {
                check($crate::Kind::Go);
            }
        }
    )+};
}

/// Declares tests that are asked of the reference server alone: of what this one does not do yet, and could not refuse
/// either, since nobody asks for it in a configuration.
#[macro_export]
macro_rules! reference {
    ($($(#[doc = $doc:literal])* #[test] fn $name:ident($kind:ident: Kind) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            fn check($kind: $crate::Kind) $body
            #[test]
            fn go() { check($crate::Kind::Go); }
        }
    )+};
}

/// [`pairs!`] for what a later part of the work brings: the reference server alone shows that the expectations are
/// right.
#[macro_export]
macro_rules! later_pairs {
    ($($(#[doc = $doc:literal])* #[test] fn $name:ident($one:ident: Kind, $other:ident: Kind) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            fn check($one: $crate::Kind, $other: $crate::Kind) $body
            #[test]
            fn xx() { check($crate::Kind::Go, $crate::Kind::Go); }
        }
    )+};
}

/// Turns `#[test] fn name(one: Kind, other: Kind) { … }` into a module `name` with one test for each pair of programs:
/// `G` is Gannet, `X` is Go.
#[macro_export]
macro_rules! pairs {
    ($($(#[doc = $doc:literal])* #[test] fn $name:ident($one:ident: Kind, $other:ident: Kind) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            fn check($one: $crate::Kind, $other: $crate::Kind) $body
            #[test]
            fn gg() { check($crate::Kind::Gannet, $crate::Kind::Gannet); }
            #[test]
            fn gx() { check($crate::Kind::Gannet, $crate::Kind::Go); }
            #[test]
            fn xg() { check($crate::Kind::Go, $crate::Kind::Gannet); }
            #[test]
            fn xx() { check($crate::Kind::Go, $crate::Kind::Go); }
        }
    )+};
}

/// Turns `#[test] fn name(mix: &str) { … }` into a module `name` with one test per mix of three servers: `G` is
/// Gannet, `X` is Go, in the order of the clusters A, B, C.
#[macro_export]
macro_rules! mixes {
    ($($(#[doc = $doc:literal])* #[test] fn $name:ident($mix:ident: &str) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            fn check($mix: &str) $body
            #[test]
            fn ggg() { check("GGG"); }
            #[test]
            fn ggx() { check("GGX"); }
            #[test]
            fn gxg() { check("GXG"); }
            #[test]
            fn xgg() { check("XGG"); }
            #[test]
            fn gxx() { check("GXX"); }
            #[test]
            fn xxg() { check("XXG"); }
            #[test]
            fn xxx() { check("XXX"); }
        }
    )+};
}
