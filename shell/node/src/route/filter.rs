//! The permissions of the cluster, as they decide which interest crosses its routes.

use gannet_broker::RouteFilter;
use gannet_config::{ClusterPermissions, SubjectPermission};
use gannet_subject::matches;

/// Subjects that are always allowed unless they are denied, as the reference server has it.
const ALWAYS: &[u8] = b"$MQTT.";

/// What the configuration allows.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter(pub(super) ClusterPermissions);

impl RouteFilter for Filter {
    fn may_ask_for(&self, subject: &[u8]) -> bool {
        allows(self.0.import.as_ref(), subject)
    }

    fn may_be_asked_for(&self, subject: &[u8]) -> bool {
        allows(self.0.export.as_ref(), subject)
    }
}

/// Wildcards of `subject` are taken as they stand: `foo.*` is allowed by `foo.*` and `foo.>`.
fn allows(permission: Option<&SubjectPermission>, subject: &[u8]) -> bool {
    let Some(permission) = permission else {
        return true;
    };
    let has = |list: &[String]| list.iter().any(|p| matches(p.as_bytes(), subject));
    let allow = permission.allow.as_deref();
    (subject.starts_with(ALWAYS) || allow.is_none_or(has)) && !has(&permission.deny)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(subjects: &[&str]) -> Vec<String> {
        subjects.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn imports_are_what_we_ask_for_and_exports_what_others_may() {
        let import = SubjectPermission {
            allow: Some(list(&["foo.*", "bar.>"])),
            deny: list(&["bar.secret"]),
        };
        let export = SubjectPermission {
            allow: None,
            deny: list(&["private.>"]),
        };
        let filter = Filter(ClusterPermissions {
            import: Some(import),
            export: Some(export),
        });
        let cases = [
            ("foo.a", true, true),
            ("foo.*", true, true),
            ("foo.a.b", false, true),
            ("bar.x.y", true, true),
            ("bar.secret", false, true),
            // The pattern is wider than what is denied: the reference server lets it through.
            ("bar.*", true, true),
            (">", false, true),
            ("$MQTT.sess", true, true),
            ("private.a", false, false),
            ("private.>", false, false),
        ];
        for (subject, asks, is_asked) in cases {
            let got = (
                filter.may_ask_for(subject.as_bytes()),
                filter.may_be_asked_for(subject.as_bytes()),
            );
            assert_eq!(got, (asks, is_asked), "{subject}");
        }
    }
}
