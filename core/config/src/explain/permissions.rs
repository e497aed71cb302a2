//! Settings of what users may do, and of what crosses routes.

use super::{Settings, Shown};
use crate::options::{ClusterPermissions, Permissions, ResponsePermission, SubjectPermission};

impl Settings<'_> {
    pub(super) fn permissions(&mut self, key: &str, permissions: Option<&Permissions>) {
        let Some(said) = permissions else {
            return self.put(key, Shown::Unset);
        };
        let Permissions {
            publish,
            subscribe,
            responses,
        } = said;
        if *said == Permissions::default() {
            // It is something else than none: those would be the defaults.
            return self.put(key, Shown::Map(Default::default()));
        }
        self.block(key, |s| {
            s.subjects("publish", publish.as_ref());
            s.subjects("subscribe", subscribe.as_ref());
            s.responses(*responses);
        });
    }

    pub(super) fn cluster_permissions(&mut self, permissions: Option<&ClusterPermissions>) {
        // A block that says nothing allows everything, as none does.
        let said = permissions.filter(|said| **said != ClusterPermissions::default());
        let Some(ClusterPermissions { import, export }) = said else {
            return self.put("permissions", Shown::Unset);
        };
        self.block("permissions", |s| {
            s.subjects("import", import.as_ref());
            s.subjects("export", export.as_ref());
        });
    }

    fn subjects(&mut self, key: &str, subjects: Option<&SubjectPermission>) {
        let Some(SubjectPermission { allow, deny }) = subjects else {
            return self.put(key, Shown::Unset);
        };
        self.block(key, |s| {
            s.put("allow", allow.as_ref());
            s.put("deny", deny);
        });
    }

    fn responses(&mut self, responses: Option<ResponsePermission>) {
        let Some(ResponsePermission { messages, expires }) = responses else {
            return self.put("allow_responses", Shown::Unset);
        };
        self.block("allow_responses", |s| {
            // Negative values stand for no bound.
            s.put("max", messages.map_or(Shown::Integer(-1), Into::into));
            s.put("expires", expires.map_or("-1ns".into(), Shown::from));
        });
    }
}
