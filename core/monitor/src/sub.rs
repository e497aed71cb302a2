//! One subscription as `/connz`, `/subsz`, `/routez` and `/gatewayz` show it.

use alloc::borrow::Cow;
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
    /// The client's id for it; empty on a link to another server.
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
    sid: Cow<'a, str>,
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
            sid: Cow::Borrowed(&self.sid),
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

    /// As interest that came over a route. For `sid`, the reference has what the other server said:
    /// `R`, the account unless the route has just one, subject and queue group.
    pub(crate) fn detail_of_route(&self, names_account: bool) -> Detail<'_> {
        let account = if names_account { &self.account } else { "" };
        let mut sid = String::from("R");
        for word in [account, &self.subject, &self.queue] {
            if !word.is_empty() {
                sid.push(' ');
                sid.push_str(word);
            }
        }
        Detail {
            sid: Cow::Owned(sid),
            ..self.detail()
        }
    }
}
