//! Addresses that the peers say belong to them, each as long as one of them says so.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

/// Addresses, each with the number of peers that named it.
#[derive(Clone, Debug, Default)]
pub(super) struct Urls(BTreeMap<String, usize>);

impl Urls {
    /// A peer names these. Answers whether there is a new one among them.
    pub(super) fn add<'a>(&mut self, urls: impl IntoIterator<Item = &'a String>) -> bool {
        let before = self.0.len();
        for url in urls {
            *self.0.entry(url.to_string()).or_default() += 1;
        }
        self.0.len() > before
    }

    /// A peer that named these is gone. Answers whether one of them is, too.
    pub(super) fn remove<'a>(&mut self, urls: impl IntoIterator<Item = &'a String>) -> bool {
        let before = self.0.len();
        for url in urls {
            if let Some(count) = self.0.get_mut(url) {
                *count -= 1;
                if *count == 0 {
                    self.0.remove(url);
                }
            }
        }
        self.0.len() < before
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
