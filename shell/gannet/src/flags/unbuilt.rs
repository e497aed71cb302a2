//! Flags of the reference server whose parts aren't built yet. They are refused by name, unless
//! they say that the part isn't wanted.

use super::error::FlagError;

/// A flag that we know and don't act on yet. All of them are switches.
pub(super) struct Unbuilt {
    names: &'static [&'static str],
    feature: &'static str,
}

const FLAGS: &[Unbuilt] = &[Unbuilt {
    names: &["js", "jetstream"],
    feature: "JetStream",
}];

/// The flag called `name`.
pub(super) fn find(name: &str) -> Option<&'static Unbuilt> {
    FLAGS.iter().find(|flag| flag.names.contains(&name))
}

/// Refuses the first of the given flags, each with its value, that wants something of us.
pub(super) fn check(given: &[(String, String)]) -> Result<(), FlagError> {
    for (name, value) in given {
        let Some(flag) = find(name) else { continue };
        if !super::server::go_bool(value).map_err(|reason| {
            let (flag, value) = (name.clone(), value.clone());
            FlagError::InvalidValue {
                flag,
                value,
                switch: true,
                reason,
            }
        })? {
            continue;
        }
        return Err(FlagError::NotYet {
            flag: name.clone(),
            feature: flag.feature,
        });
    }
    Ok(())
}
