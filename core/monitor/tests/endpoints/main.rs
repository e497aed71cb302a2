//! Every endpoint against answers captured from the reference server.

mod common;
mod connz;
mod gatewayz;
mod routez;
mod small;
mod varz;
