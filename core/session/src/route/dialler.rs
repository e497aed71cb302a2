//! What only the dialler does, and the change of a compression that stands.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::Compression;
use gannet_wire::server_info::GossipMode;

use super::Level;
use super::compression::{InUse, chosen, is_negotiated, level};
use super::introduction::{Introduction, connect, info};
use super::link::Common;
use super::output::{Output, Say};
use super::settings::Context;
use super::standing::Place;

/// CONNECT.
pub(super) fn introduce(common: &Common, cx: &Context<'_>, out: &mut Vec<Output>) {
    let Some(errand) = &common.errand else {
        return;
    };
    out.log(Level::Debug, "Route connect msg sent".to_string());
    out.push(Output::Send(connect(errand, cx).into()));
}

/// The dialler's INFO that says where the connection belongs: never before it has its place here. By it an
/// acceptor knows that both have registered the connection (`topology::routes` decides races by that).
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
