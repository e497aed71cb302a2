//! Settings of `ocsp`, `ocsp_cache` and `ocsp_peer`.

use super::{Settings, Shown};
use crate::options::{OcspCacheOptions, OcspOptions, OcspPeerOptions};

impl Settings<'_> {
    pub(super) fn ocsp(&mut self, ocsp: &OcspOptions, cache: &OcspCacheOptions) {
        self.block("ocsp", |settings| {
            let OcspOptions { mode, urls } = ocsp;
            settings.put("mode", mode.name());
            match urls.as_slice() {
                [] => {}
                [one] => settings.put("url", one),
                several => settings.put(
                    "urls",
                    Shown::List(several.iter().map(Into::into).collect()),
                ),
            }
        });
        self.block("ocsp_cache", |settings| {
            let OcspCacheOptions {
                on,
                local_store,
                preserve_revoked,
                save_interval,
            } = cache;
            settings.put("type", if *on { "local" } else { "none" });
            settings.put("local_store", local_store);
            settings.put("preserve_revoked", *preserve_revoked);
            settings.put("save_interval", *save_interval);
        });
    }

    pub(super) fn ocsp_peer(&mut self, peer: Option<OcspPeerOptions>) {
        let Some(peer) = peer else {
            return self.put("ocsp_peer", false);
        };
        self.block("ocsp_peer", |settings| {
            let OcspPeerOptions {
                ca_timeout,
                allowed_clockskew,
                unset_ttl,
                warn_only,
                unknown_is_good,
                allow_when_ca_unreachable,
            } = peer;
            settings.put("verify", true);
            settings.put("ca_timeout", ca_timeout);
            settings.put("allowed_clockskew", allowed_clockskew);
            settings.put("cache_ttl_when_next_update_unset", unset_ttl);
            settings.put("warn_only", warn_only);
            settings.put("unknown_is_good", unknown_is_good);
            settings.put("allow_when_ca_unreachable", allow_when_ca_unreachable);
        });
    }
}
