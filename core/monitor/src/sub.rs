//! One subscription as `/connz`, `/subsz` and `/gatewayz` show it.

use alloc::string::String;

use gannet_units::ConnId;
use serde::Serialize;

use crate::json::is_default;

/// A subscription, taken from an index or a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubInfo {
    /// The account whose index it is in.
    pub account: String,
    /// The subject or pattern.
    pub subject: String,
    /// The queue group; empty for none.
    pub queue: String,
    /// The client's id for it; empty on a gateway.
    pub sid: String,
    /// Messages delivered to it.
    pub delivered: u64,
    /// Deliveries after which it ends; 0 for never.
    pub max: u64,
    /// The connection it belongs to.
    pub cid: ConnId,
}

/// The JSON of one subscription.
#[derive(Serialize)]
pub(crate) struct Detail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_tag: Option<&'a str>,
    subject: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    qgroup: &'a str,
    sid: &'a str,
    msgs: u64,
    #[serde(skip_serializing_if = "is_default")]
    max: u64,
    cid: u64,
}

impl SubInfo {
    /// As part of a connection that already says its account.
    pub(crate) fn detail(&self) -> Detail<'_> {
        Detail {
            account: None,
            account_tag: None,
            subject: &self.subject,
            qgroup: &self.queue,
            sid: &self.sid,
            msgs: self.delivered,
            max: self.max,
            cid: self.cid.0,
        }
    }

    /// With its account.
    pub(crate) fn detail_with_account(&self) -> Detail<'_> {
        Detail {
            account: Some(&self.account),
            account_tag: Some(&self.account),
            ..self.detail()
        }
    }
}
