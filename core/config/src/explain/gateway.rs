//! Settings of the `gateway` block.

use super::{Settings, Shown, urls};
use crate::options::{GatewayOptions, Limits, RemoteGateway};

impl Settings<'_> {
    pub(super) fn gateway(&mut self, gateway: Option<&GatewayOptions>, clients: &Limits) {
        match gateway {
            Some(gateway) => self.block("gateway", |s| s.within_gateway(gateway, clients)),
            None => self.put("gateway", Shown::Unset),
        }
    }

    fn within_gateway(&mut self, gateway: &GatewayOptions, clients: &Limits) {
        let GatewayOptions {
            name,
            host,
            port,
            auth,
            tls,
            advertise,
            connect_retries,
            connect_backoff,
            reject_unknown,
            remotes,
            write_deadline,
            write_timeout,
        } = gateway;
        self.put("name", name);
        self.put("host", host);
        self.put("port", *port);
        self.link_auth(auth);
        self.tls(tls.as_ref());
        self.put("advertise", advertise);
        self.put("connect_retries", *connect_retries);
        self.put("connect_backoff", *connect_backoff);
        self.put("reject_unknown_cluster", *reject_unknown);
        self.blocks("gateways", remotes, |s, remote| {
            let RemoteGateway {
                name,
                urls: own,
                tls,
            } = remote;
            s.put("name", name);
            s.put("urls", urls(own));
            s.remote_tls(tls.as_ref());
        });
        let own = write_deadline.map(Into::into);
        self.put_or(
            "write_deadline",
            own,
            "write_deadline",
            clients.write_deadline,
        );
        self.put("write_timeout", *write_timeout);
    }
}
