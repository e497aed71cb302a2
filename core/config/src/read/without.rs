//! Blocks that an operator does without. What is not built yet is refused, since a server does what its file says; but a
//! file can be somebody else's (a test's launcher, a tool that writes one for all servers), and then it is the operator's
//! to say that a block may go unheeded.
//!
//! Not here: what becomes of such a block (`table`).

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

use super::table::Key;
use super::top;
use crate::text::quote::quoted;

/// Top-level keys of parts that are not built yet, which a configuration may have all the same: they are left
/// out, with a warning for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Without(BTreeSet<&'static str>);

impl Without {
    /// What can be left out: the keys by their usual names, in the order of the tables.
    pub fn possible() -> Vec<&'static str> {
        waiting().filter_map(usual).collect()
    }

    /// Whether the key with this usual name is left out.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

impl FromStr for Without {
    type Err = String;

    /// `leafnodes,websocket`: any spelling of each will do. An empty text leaves nothing out.
    ///
    /// # Errors
    ///
    /// The whole text to show, if a name is not one of [`Without::possible`].
    fn from_str(text: &str) -> Result<Without, String> {
        let names = text.split(',').map(str::trim);
        let names = names.filter(|_| !text.trim().is_empty());
        let one = |name: &str| {
            let lower = name.to_lowercase();
            let key = waiting().find(|key| key.names.contains(&lower.as_str()));
            key.and_then(usual).ok_or_else(|| {
                let all = Without::possible().join(", ");
                format!(
                    "{} is no part that can be left out until it is built; those are {all}",
                    quoted(name)
                )
            })
        };
        names.map(one).collect::<Result<_, _>>().map(Without)
    }
}

/// The keys that wait for a part of the server, but for those that say whom to let in: without them the server would let
/// in whom it should not.
fn waiting() -> impl Iterator<Item = &'static Key<crate::Options>> {
    let waits = |key: &&Key<crate::Options>| {
        let missing = key.state.missing();
        missing.is_some_and(|feature| !top::guards(feature))
    };
    top::KEYS.iter().filter(waits)
}

fn usual(key: &Key<crate::Options>) -> Option<&'static str> {
    key.names.first().copied()
}

#[cfg(test)]
mod tests {
    use super::Without;

    #[test]
    fn parts_have_the_names_of_their_blocks() {
        let both: Without = "leafnodes,websocket".parse().expect("two parts");
        assert!(both.has("leafnodes") && both.has("websocket") && !both.has("mqtt"));
        assert_eq!(" WS , leaf".parse(), Ok(both));
        for nothing in ["", " "] {
            assert_eq!(nothing.parse(), Ok(Without::default()), "{nothing:?}");
        }
    }

    #[test]
    fn all_that_can_be_left_out_is_what_is_refused() {
        for name in Without::possible() {
            assert!(name.parse::<Without>().is_ok_and(|parsed| parsed.has(name)));
        }
    }

    #[test]
    fn other_names_are_refused_with_the_list() {
        let all = Without::possible().join(", ");
        for name in ["cluster", "leafnodez", "JetStream store", "", "operator"] {
            let text = std::format!("mqtt,{name}");
            let wanted = std::format!(
                "\"{name}\" is no part that can be left out until it is built; those are {all}"
            );
            assert_eq!(text.parse::<Without>(), Err(wanted), "{name:?}");
        }
        assert!(
            all.contains("leafnodes, websocket, mqtt, jetstream"),
            "{all}"
        );
    }
}
