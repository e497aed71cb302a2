//! What only the dialler does, and the change of a compression that stands.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::Compression;
use gannet_wire::server_info::GossipMode;

use super::Level;
use super::compression::{InUse, chosen, configured, is_negotiated, level};
use super::introduction::{Introduction, connect, info};
use super::link::Common;
use super::output::{Output, Say};
use super::settings::Context;
use super::standing::Place;

/// CONNECT, and INFO if nothing in it depends on the acceptor's.
pub(super) fn introduce(common: &mut Common, cx: &Context<'_>, out: &mut Vec<Output>) {
    let Some(errand) = common.errand.clone() else {
        return;
    };
    let mut lines = connect(&errand, cx);
    out.log(Level::Debug, "Route connect msg sent".to_string());
    if !delays_info(common, cx) {
        let says = Introduction {
            account: errand.account.as_deref(),
            compression: configured(&cx.settings.compression),
            gossip: errand.gossip,
            ..Introduction::default()
        };
        lines.extend_from_slice(&info(common, cx, says));
    }
    out.push(Output::Send(lines.into()));
}

/// Whether the dialler's INFO follows the acceptor's.
pub(super) fn delays_info(common: &Common, cx: &Context<'_>) -> bool {
    let is_pooled = |account: &Option<String>| account.is_none() && cx.settings.pooling;
    let errand = common.errand.as_ref();
    errand
        .is_some_and(|errand| is_negotiated(&cx.settings.compression) || is_pooled(&errand.account))
}

/// The dialler's INFO that says where the connection belongs.
pub(super) fn introduce_at(
    place: &Place,
    common: &mut Common,
    cx: &Context<'_>,
    out: &mut Vec<Output>,
) {
    let gossip = common
        .errand
        .as_ref()
        .map_or(GossipMode::Default, |e| e.gossip);
    let says = Introduction {
        account: match place {
            Place::Account(name) => Some(name),
            _ => None,
        },
        index: match place {
            Place::Pooled(index) => *index,
            _ => 0,
        },
        compression: chosen(&cx.settings.compression, common.compression),
        gossip,
    };
    let line = info(common, cx, says);
    out.push(Output::Send(line));
}

/// The new compression cannot be had on this connection.
pub(super) struct MustReconnect;

/// Goes over to the compression configured now.
pub(super) fn recompress(
    common: &mut Common,
    rtt: Option<Duration>,
    cx: &Context<'_>,
    out: &mut Vec<Output>,
) -> Result<(), MustReconnect> {
    use gannet_wire::s2::Mode;
    let InUse::On(before) = common.compression else {
        // Where nothing is compressed, "off" changes nothing; anything else may.
        let keeps = !is_negotiated(&cx.settings.compression);
        return if keeps { Ok(()) } else { Err(MustReconnect) };
    };
    let mode = match &cx.settings.compression {
        Compression::NotSupported | Compression::Off | Compression::Accept => {
            return Err(MustReconnect);
        }
        Compression::Fast => Mode::Fast,
        Compression::Better => Mode::Better,
        Compression::Best => Mode::Best,
        Compression::Auto(thresholds) => rtt.map_or(before, |rtt| level(thresholds, rtt)),
    };
    if mode != before {
        common.compression = InUse::On(mode);
        out.push(Output::WriteCompressed(mode));
    }
    Ok(())
}
