//! What services of other accounts are told of a client that asks them. Not here: which services it asks
//! (`gannet_broker`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gannet_broker::{Requester, Shared as Share};
use gannet_monitor::ClientInfo;

use crate::registry::ClientConn;
use crate::shared::Shared;

/// A client that may ask services.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) shared: Arc<Shared>,
    pub(super) conn: Arc<ClientConn>,
}

impl Requester for Asker {
    fn describe(&self, shared: Share, service: Option<&str>, out: &mut Vec<u8>) {
        let mut info = self.known_to_all();
        info.service = service.unwrap_or_default().to_owned();
        if shared != Share::Little {
            self.add_server(&mut info);
        }
        if shared == Share::All {
            self.add_client(&mut info);
        }
        out.extend_from_slice(&info.to_json());
    }
}

impl Asker {
    fn known_to_all(&self) -> ClientInfo {
        ClientInfo {
            account: self.conn.facts.lock().account.clone(),
            rtt: self.conn.rtt_nanos.load(Ordering::Relaxed),
            ..ClientInfo::default()
        }
    }

    fn add_server(&self, info: &mut ClientInfo) {
        info.server = self.shared.name.clone();
        info.cluster = self.shared.face.cluster();
        let mut links = self.shared.broker.outbound().to_vec();
        links.sort_by_key(|link| link.rtt());
        info.alternates = links.iter().map(|link| link.name().to_owned()).collect();
    }

    fn add_client(&self, info: &mut ClientInfo) {
        let facts = self.conn.facts.lock();
        info.start = Some(self.conn.started);
        info.host = self.conn.addr().ip().to_string();
        info.id = self.conn.id.0;
        info.user = facts.who.name().to_owned();
        info.name = facts.name.clone();
        info.lang = facts.lang.clone();
        info.version = facts.version.clone();
        info.kind = "Client".into();
        info.client_type = "nats".into();
    }
}
