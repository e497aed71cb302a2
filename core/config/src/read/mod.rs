//! Raw tree → typed options.
//!
//! What lives here: the tables of keys, one per block, with each key's state, and what its value
//! means. What does not: default values (`options`) and what only several options together can get
//! wrong (`Options::validate`).

mod accounts;
mod auth;
mod callout;
mod cluster;
mod exports;
mod gateway;
mod help;
mod imports;
mod links;
mod listen;
mod logging;
mod mappings;
mod ocsp;
mod permissions;
mod reader;
mod table;
mod tls;
mod top;
mod users;
mod without;

use alloc::string::{String, ToString};

use crate::digest::digest;
use crate::error::{ConfigWarning, Rejected};
use crate::options::Options;
use crate::origin::Origins;
use crate::source::Source;
use crate::tree::{Map, parse_file};
use reader::Reader;
pub(crate) use tls::is_insecure_suite;
pub use without::Without;

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What it says; flags are to be applied and [`Options::validate`] is to be asked next.
    pub options: Options,
    /// What the user should change. The server starts all the same, `-t` fails.
    pub warnings: alloc::vec::Vec<ConfigWarning>,
    /// `sha256:…`, equal for configurations that say the same in different words.
    pub digest: String,
    /// Where each of the options comes from.
    pub origins: Origins,
}

/// Reads the configuration file at `path` and everything that it includes.
pub fn load(path: &str, source: &dyn Source) -> Result<Loaded, Rejected> {
    load_without(path, source, &Without::default())
}

/// As [`load`], but some of what is not built yet may be in the file: it is left out.
pub fn load_without(
    path: &str,
    source: &dyn Source,
    without: &Without,
) -> Result<Loaded, Rejected> {
    let map = parse_file(path, source)?;
    let (mut options, mut reader) = options(&map, source, without);
    if map.is_empty() {
        reader.warnings.push(ConfigWarning::Empty {
            file: path.to_string(),
        });
    }
    let Reader {
        errors,
        warnings,
        origins,
        ..
    } = reader;
    if !errors.is_empty() {
        return Err(Rejected { errors, warnings });
    }
    let digest = digest(&map);
    options.digest = Some(digest.clone());
    Ok(Loaded {
        options,
        warnings,
        digest,
        origins,
    })
}

fn options<'s>(map: &Map, source: &'s dyn Source, without: &Without) -> (Options, Reader<'s>) {
    let mut reader = Reader::new(source, without);
    let mut options = Options::default();
    table::apply(map, top::KEYS, &mut reader, &mut options);
    reader.check_callout(&options);
    reader.check_accounts(&options);
    // A block that says nothing that makes a gateway makes none.
    options.gateway = options
        .gateway
        .filter(|g| !g.name.is_empty() || g.port.is_some());
    (options, reader)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::help::names;
    use super::{
        accounts, auth, callout, cluster, exports, gateway, imports, mappings, ocsp, permissions,
        tls, top, users,
    };

    /// Whether a key of this spelling is known is seen in a case of `tests/verdicts`, beside the reference.
    #[test]
    fn every_spelling_of_every_key_has_a_case() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts");
        for (file, keys) in [
            ("top", names(top::KEYS)),
            ("cluster", names(cluster::KEYS)),
            ("cluster", names(cluster::COMPRESSION_KEYS)),
            ("cluster", names(permissions::SUBJECT_KEYS)),
            ("cluster", names(permissions::RESPONSE_KEYS)),
            ("gateway", names(gateway::KEYS)),
            ("gateway", names(gateway::REMOTE_KEYS)),
            ("authorization", names(auth::KEYS)),
            ("cluster", names(permissions::CLUSTER_KEYS)),
            ("permissions", names(permissions::KEYS)),
            ("permissions", names(permissions::SUBJECT_KEYS)),
            ("permissions", names(permissions::RESPONSE_KEYS)),
            ("users", names(users::KEYS)),
            ("callout", names(callout::KEYS)),
            ("accounts", names(accounts::KEYS)),
            ("accounts", names(accounts::LIMIT_KEYS)),
            ("exports", names(exports::KEYS)),
            ("imports", names(imports::KEYS)),
            ("imports", names(imports::SOURCE_KEYS)),
            ("gateway", names(auth::LINK_KEYS)),
            ("mappings", names(mappings::KEYS)),
            ("tls", names(tls::KEYS)),
            ("tls", names(ocsp::PEER_KEYS)),
            ("top", names(ocsp::KEYS)),
            ("top", names(ocsp::CACHE_KEYS)),
        ] {
            let text = std::fs::read_to_string(folder.join(file).with_extension("txt"));
            let text = text.expect("a file of cases");
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let words: BTreeSet<&str> = text.split(|c| !word(c)).collect();
            let missing: std::vec::Vec<_> =
                keys.iter().filter(|key| !words.contains(**key)).collect();
            assert!(missing.is_empty(), "{file}: no case has {missing:?}");
        }
    }
}
