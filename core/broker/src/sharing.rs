//! What an account shares with others, made ready: what it offers, what it takes, and its bounds. An
//! account without any of it has none of this. Not here: how it comes to be (`define`), and what it does to
//! messages.

pub(crate) mod cycles;
pub(crate) mod define;
pub(crate) mod evaluate;
pub(crate) mod exports;
pub(crate) mod imports;
mod near;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use gannet_config::{AccountLimits, AccountOptions, Import, Mapping};

use crate::mapping::Mappings;
use exports::Exports;
use imports::{ServiceImport, StreamImport};

/// One account's part in what accounts share.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Shares {
    pub(crate) exports: Exports,
    pub(crate) streams: Box<[Arc<StreamImport>]>,
    pub(crate) services: Box<[Arc<ServiceImport>]>,
    /// Imports that are not allowed now: they are looked at again when the exporter changes.
    pub(crate) refused: Box<[Import]>,
    pub(crate) limits: AccountLimits,
    /// Nothing where no subject is mapped.
    pub(crate) renaming: Option<Arc<Renaming>>,
}

/// Which subjects an account's messages go to instead of others.
#[derive(Debug)]
pub(crate) struct Renaming {
    /// As configured.
    source: Box<[Mapping]>,
    pub(crate) mappings: Mappings,
}

impl Renaming {
    /// By `mappings` on a server of that cluster; those that are faulty map nothing.
    pub(crate) fn new(mappings: &[Mapping], cluster: &str) -> Option<Arc<Renaming>> {
        let cluster = Some(cluster).filter(|name| !name.is_empty());
        let made = Mappings::new(mappings, cluster).ok()?;
        (!made.is_empty()).then(|| {
            Arc::new(Renaming {
                source: mappings.into(),
                mappings: made,
            })
        })
    }
}

impl PartialEq for Renaming {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Shares {
    /// What is an account's own, without imports, on a server of that cluster.
    fn own(options: &AccountOptions, cluster: &str) -> Shares {
        Shares {
            exports: Exports::new(&options.exports),
            limits: options.limits.clone(),
            renaming: Renaming::new(&options.mappings, cluster),
            ..Shares::default()
        }
    }

    /// The same, as it is.
    fn own_again(&self) -> Shares {
        Shares {
            exports: self.exports.clone(),
            limits: self.limits.clone(),
            renaming: self.renaming.clone(),
            ..Shares::default()
        }
    }

    /// The imports that are carried out, as they were configured.
    pub(crate) fn allowed_imports(&self) -> Vec<Import> {
        self.allowed().cloned().collect()
    }

    fn allowed(&self) -> impl Iterator<Item = &Import> {
        let streams = self.streams.iter().map(|import| &import.source);
        let services = self.services.iter().map(|import| &import.source);
        streams.chain(services)
    }

    /// All imports as they were configured, allowed or not.
    fn imports(&self) -> Vec<Import> {
        self.allowed().chain(&self.refused).cloned().collect()
    }

    fn is_empty(&self) -> bool {
        *self == Shares::default()
    }
}
