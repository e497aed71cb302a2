//! Raw tree → typed options.
//!
//! What lives here: the tables of keys, one per block, with each key's state, and what its value
//! means. What does not: default values (`options`) and what only several options together can get
//! wrong (`Options::validate`).

mod auth;
mod cluster;
mod gateway;
mod links;
mod listen;
mod permissions;
mod reader;
mod table;
mod tls;
mod top;

use alloc::string::{String, ToString};

use crate::digest::digest;
use crate::error::{ConfigWarning, Rejected};
use crate::options::Options;
use crate::source::Source;
use crate::tree::{Map, parse_file};
use reader::Reader;

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What it says; flags are to be applied and [`Options::validate`] is to be asked next.
    pub options: Options,
    /// What the user should change. The server starts all the same, `-t` fails.
    pub warnings: alloc::vec::Vec<ConfigWarning>,
    /// `sha256:…`, equal for configurations that say the same in different words.
    pub digest: String,
}

/// Reads the configuration file at `path` and everything that it includes.
pub fn load(path: &str, source: &dyn Source) -> Result<Loaded, Rejected> {
    let map = parse_file(path, source)?;
    let (mut options, mut reader) = options(&map, source);
    if map.is_empty() {
        reader.warnings.push(ConfigWarning::Empty {
            file: path.to_string(),
        });
    }
    let Reader {
        errors, warnings, ..
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
    })
}

fn options<'s>(map: &Map, source: &'s dyn Source) -> (Options, Reader<'s>) {
    let mut reader = Reader::new(source);
    let mut options = Options::default();
    table::apply(map, top::KEYS, &mut reader, &mut options);
    // A block that says nothing that makes a gateway makes none.
    options.gateway = options
        .gateway
        .filter(|g| !g.name.is_empty() || g.port.is_some());
    (options, reader)
}
