//! What the blocks of links to other servers have in common: URLs.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use super::reader::{Field, Reader};
use crate::error::Place;
use crate::options::ServerUrl;
use crate::text::quote::quoted;
use crate::text::url::{UrlFault, parse_url, redacted};
use crate::tree::Node;

impl Reader<'_> {
    /// A list of URLs of servers; messages call each a `what`.
    pub(super) fn server_urls(&mut self, key: &str, nodes: &[Node], what: &str) -> Vec<ServerUrl> {
        let mut seen = BTreeSet::new();
        let mut urls = Vec::with_capacity(nodes.len());
        for node in nodes {
            let Some(text) = self.text(Field { key, node }) else {
                continue;
            };
            if seen.contains(&text) {
                let problem = format!("Duplicate {what} entry detected");
                self.warn(&node.place, &redacted(&text), problem);
                continue;
            }
            urls.extend(self.server_url(&node.place, &text, what));
            seen.insert(text);
        }
        urls
    }

    /// One such URL.
    pub(super) fn server_url(
        &mut self,
        place: &Place,
        text: &str,
        what: &str,
    ) -> Option<ServerUrl> {
        let shown = || quoted(&redacted(text.trim()));
        match parse_url(text) {
            Ok(url) => Some(url),
            Err(UrlFault::Malformed) => {
                self.invalid(place, format!("error parsing {what} url [{}]", shown()));
                None
            }
            Err(UrlFault::Incomplete) => {
                self.invalid(
                    place,
                    format!("{what} url [{}] needs a host and a port", shown()),
                );
                None
            }
        }
    }
}
