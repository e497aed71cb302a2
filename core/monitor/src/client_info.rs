//! Who a client is, as services of other accounts, metrics of services and events are told. Not here: how much each
//! of them may know.

use alloc::string::String;
use alloc::vec::Vec;

use gannet_units::WallTime;
use serde::Serialize;

use crate::json::{compact, is_default, some_time};

/// A client, in the fields of the reference server's `ClientInfo`; those that say nothing are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClientInfo {
    /// When it came.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_time")]
    pub start: Option<WallTime>,
    /// Its address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The number of its connection.
    #[serde(skip_serializing_if = "is_default")]
    pub id: u64,
    /// Its account.
    #[serde(rename = "acc", skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// The account that passes its request on.
    #[serde(rename = "svc", skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Its user's name or public key; never a secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// What it calls itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The language of its library.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lang: String,
    /// The version of its library.
    #[serde(rename = "ver", skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The time that it takes there and back, in nanoseconds.
    #[serde(skip_serializing_if = "is_default")]
    pub rtt: u64,
    /// The server that it is connected to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// That server's cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// Other clusters, the nearest first.
    #[serde(rename = "alts", skip_serializing_if = "Vec::is_empty")]
    pub alternates: Vec<String>,
    /// What kind of connection it has: `Client`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// What it speaks: `nats`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_type: String,
}

impl ClientInfo {
    /// As JSON in one line.
    pub fn to_json(&self) -> Vec<u8> {
        compact(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_left_out() {
        let mut info = ClientInfo {
            account: "A".into(),
            ..ClientInfo::default()
        };
        assert_eq!(info.to_json(), b"{\"acc\":\"A\"}");
        info.start = Some(WallTime::from_unix_nanos(1_500_000_000));
        info.rtt = 7;
        let text = String::from_utf8(info.to_json()).unwrap();
        assert_eq!(
            text,
            "{\"start\":\"1970-01-01T00:00:01.5Z\",\"acc\":\"A\",\"rtt\":7}"
        );
    }
}
