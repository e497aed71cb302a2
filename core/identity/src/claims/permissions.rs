//! Permissions in claims, and as options.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{Permissions, ResponsePermission, SubjectPermission};
use serde::Deserialize;

use super::issues::Issues;
use super::subjects;

/// What a user may do; what all users of an account may by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PermissionClaims {
    /// Publishing.
    pub r#pub: SubjectPermissionClaims,
    /// Subscribing.
    pub sub: SubjectPermissionClaims,
    /// Answering.
    pub resp: Option<ResponseClaims>,
}

/// Subjects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SubjectPermissionClaims {
    /// All if there is none.
    pub allow: Vec<String>,
    /// Taken away.
    pub deny: Vec<String>,
}

/// Answers to what one got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ResponseClaims {
    /// So many each; 0 is the default, less is any number.
    pub max: i64,
    /// Nanoseconds; 0 is the default, less is for ever.
    pub ttl: i64,
}

impl PermissionClaims {
    pub(super) fn check(&self, issues: &mut Issues) {
        self.sub.check(true, issues);
        self.r#pub.check(false, issues);
    }

    /// As options have them; `None` if nothing is said.
    pub fn to_options(&self) -> Option<Permissions> {
        let responses = self.resp.as_ref().map(ResponseClaims::to_options);
        let subscribe = self.sub.to_options();
        let mut publish = self.r#pub.to_options();
        if responses.is_some() {
            // Whoever may answer may publish nothing else, unless it is said.
            let allow = &mut publish.get_or_insert_default().allow;
            allow.get_or_insert_default();
        }
        (publish.is_some() || subscribe.is_some() || responses.is_some()).then_some(Permissions {
            publish,
            subscribe,
            responses,
        })
    }
}

impl SubjectPermissionClaims {
    fn check(&self, queues: bool, issues: &mut Issues) {
        for entry in self.allow.iter().chain(&self.deny) {
            let parts: Vec<&str> = entry.splitn(4, ' ').collect();
            match parts[..] {
                [subject] => subjects::check(subject, issues),
                [subject, queue] => {
                    subjects::check(subject, issues);
                    subjects::check(queue, issues);
                    if !queues {
                        issues.error(format!(
                            "Permission Subject \"{entry}\" is not allowed to contain queue"
                        ));
                    }
                }
                _ => issues.error(format!(
                    "Permission Subject \"{entry}\" contains too many spaces"
                )),
            }
        }
    }

    fn to_options(&self) -> Option<SubjectPermission> {
        if self.allow.is_empty() && self.deny.is_empty() {
            return None;
        }
        Some(SubjectPermission {
            allow: (!self.allow.is_empty()).then(|| self.allow.clone()),
            deny: self.deny.clone(),
        })
    }
}

impl ResponseClaims {
    fn to_options(&self) -> ResponsePermission {
        let default = ResponsePermission::default();
        ResponsePermission {
            messages: match self.max {
                0 => default.messages,
                max => u32::try_from(max.min(i64::from(u32::MAX))).ok(),
            },
            expires: match self.ttl {
                0 => default.expires,
                ttl => u64::try_from(ttl).ok().map(Duration::from_nanos),
            },
        }
    }
}
