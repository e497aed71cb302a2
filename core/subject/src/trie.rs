//! The index's tree of wildcard patterns: one node per token. Not here: literal subjects.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::group::{Counts, Group};
use crate::index::{Entry, MatchSink};
use crate::validity::tokens;

/// Position of a node in [`Trie::nodes`].
type NodeId = u32;

const ROOT: NodeId = 0;

#[derive(Debug)]
struct Node<S> {
    token: Box<[u8]>,
    parent: NodeId,
    /// Children with a literal token, found by the hash of that token.
    children: HashTable<NodeId>,
    star: Option<NodeId>,
    /// Patterns that end here.
    ends: Option<Box<Group<S>>>,
    /// Patterns that end here with a further `>`.
    rest: Option<Box<Group<S>>>,
}

impl<S> Node<S> {
    fn new(token: &[u8], parent: NodeId) -> Self {
        Node {
            token: token.into(),
            parent,
            children: HashTable::new(),
            star: None,
            ends: None,
            rest: None,
        }
    }

    fn is_unused(&self) -> bool {
        self.children.is_empty()
            && self.star.is_none()
            && self.ends.is_none()
            && self.rest.is_none()
    }
}

#[derive(Debug)]
pub(crate) struct Trie<S> {
    nodes: Vec<Node<S>>,
    free: Vec<NodeId>,
    hasher: FixedState,
}

impl<S: Entry> Trie<S> {
    pub(crate) fn new(seed: u64) -> Self {
        Trie {
            nodes: Vec::new(),
            free: Vec::new(),
            hasher: FixedState::with_seed(seed),
        }
    }

    /// Whether there is no pattern at all, so that a lookup can be skipped.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.first().is_none_or(Node::is_unused)
    }

    #[inline]
    fn hash(&self, token: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(token);
        hasher.finish()
    }

    fn node(&self, id: NodeId) -> &Node<S> {
        &self.nodes[id as usize]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node<S> {
        &mut self.nodes[id as usize]
    }

    #[inline]
    fn child(&self, parent: NodeId, token: &[u8]) -> Option<NodeId> {
        let children = &self.node(parent).children;
        if children.is_empty() {
            return None;
        }
        children
            .find(self.hash(token), |&id| *self.node(id).token == *token)
            .copied()
    }

    fn child_or_new(&mut self, parent: NodeId, token: &[u8]) -> NodeId {
        let known = if token == b"*" {
            self.node(parent).star
        } else {
            self.child(parent, token)
        };
        if let Some(id) = known {
            return id;
        }
        let id = self.allocate(Node::new(token, parent));
        if token == b"*" {
            self.node_mut(parent).star = Some(id);
            return id;
        }
        let hash = self.hash(token);
        let mut children = core::mem::take(&mut self.node_mut(parent).children);
        children.insert_unique(hash, id, |&id| self.hash(&self.node(id).token));
        self.node_mut(parent).children = children;
        id
    }

    fn allocate(&mut self, node: Node<S>) -> NodeId {
        match self.free.pop() {
            Some(id) => {
                *self.node_mut(id) = node;
                id
            }
            None => {
                self.nodes.push(node);
                NodeId::try_from(self.nodes.len() - 1)
                    .expect("fewer than 2^32 wildcard tokens fit in memory")
            }
        }
    }

    pub(crate) fn insert(&mut self, entry: S) -> Counts {
        if self.nodes.is_empty() {
            self.nodes.push(Node::new(b"", ROOT));
        }
        let mut at = ROOT;
        let mut rest = false;
        for token in tokens(entry.subject()) {
            if token == b">" {
                rest = true;
            } else {
                at = self.child_or_new(at, token);
            }
        }
        let node = self.node_mut(at);
        let group = if rest { &mut node.rest } else { &mut node.ends };
        group.get_or_insert_default().insert(entry)
    }

    pub(crate) fn remove(&mut self, entry: &S) -> Option<Counts> {
        let (at, rest) = self.place(entry.subject())?;
        let node = self.node_mut(at);
        let slot = if rest { &mut node.rest } else { &mut node.ends };
        let group = slot.as_mut()?;
        let left = group.remove(entry)?;
        group.shrink();
        if group.is_empty() {
            *slot = None;
            self.prune(at);
        }
        Some(left)
    }

    /// Drops nodes that hold nothing any more, from `at` towards the root.
    fn prune(&mut self, mut at: NodeId) {
        while at != ROOT && self.node(at).is_unused() {
            let parent = self.node(at).parent;
            let token = core::mem::take(&mut self.node_mut(at).token);
            if *token == *b"*" {
                self.node_mut(parent).star = None;
            } else {
                let hash = self.hash(&token);
                let children = &mut self.node_mut(parent).children;
                if let Ok(found) = children.find_entry(hash, |&id| id == at) {
                    found.remove();
                }
                if children.is_empty() {
                    *children = HashTable::new();
                }
            }
            self.free.push(at);
            at = parent;
        }
        if self.is_empty() {
            self.nodes = Vec::new();
            self.free = Vec::new();
        }
    }

    /// Hands every group whose pattern matches the literal `subject` to `sink`.
    #[inline]
    pub(crate) fn find<'a>(&'a self, subject: &[u8], sink: &mut impl MatchSink<'a, S>) {
        if !self.nodes.is_empty() {
            self.descend(ROOT, subject, sink);
        }
    }

    /// `subject` is what is left below node `at`; there is at least one token.
    fn descend<'a>(&'a self, at: NodeId, subject: &[u8], sink: &mut impl MatchSink<'a, S>) {
        let node = self.node(at);
        if let Some(group) = &node.rest {
            sink.group(group);
        }
        let (token, below) = match memchr::memchr(b'.', subject) {
            Some(dot) => (&subject[..dot], Some(&subject[dot + 1..])),
            None => (subject, None),
        };
        for child in [self.child(at, token), node.star].into_iter().flatten() {
            match below {
                Some(below) => self.descend(child, below, sink),
                None => {
                    if let Some(group) = &self.node(child).ends {
                        sink.group(group);
                    }
                }
            }
        }
    }

    /// Visits the patterns that end at up to `most` nodes from `from` on; answers where to go on, `None` at
    /// the end. Nodes keep their places, so a pattern that was there all the time is visited once.
    pub(crate) fn visit_some<'a>(
        &'a self,
        from: usize,
        most: usize,
        f: &mut impl FnMut(&'a [u8], Option<&'a [u8]>, Counts),
    ) -> Option<usize> {
        let end = self.nodes.len().min(from.saturating_add(most));
        for node in self.nodes.get(from..end).unwrap_or_default() {
            for group in [&node.ends, &node.rest].into_iter().flatten() {
                group.for_each_subject(f);
            }
        }
        (end < self.nodes.len()).then_some(end)
    }

    /// Visits all entries in the way of [`Trie::visit_some`].
    pub(crate) fn visit_entries<'a>(
        &'a self,
        from: usize,
        most: usize,
        f: &mut impl FnMut(&'a S),
    ) -> Option<usize> {
        let end = self.nodes.len().min(from.saturating_add(most));
        for node in self.nodes.get(from..end).unwrap_or_default() {
            for group in [&node.ends, &node.rest].into_iter().flatten() {
                group.for_each(f);
            }
        }
        (end < self.nodes.len()).then_some(end)
    }

    pub(crate) fn contains(&self, entry: &S) -> bool {
        let found = self.place(entry.subject());
        let group = found.and_then(|(at, rest)| {
            let node = self.node(at);
            if rest {
                node.rest.as_ref()
            } else {
                node.ends.as_ref()
            }
        });
        group.is_some_and(|group| group.contains(entry))
    }

    /// The node that a pattern ends at, and whether with a further `>`.
    fn place(&self, pattern: &[u8]) -> Option<(NodeId, bool)> {
        if self.nodes.is_empty() {
            return None;
        }
        let mut at = ROOT;
        let mut rest = false;
        for token in tokens(pattern) {
            match token {
                b">" => rest = true,
                b"*" => at = self.node(at).star?,
                token => at = self.child(at, token)?,
            }
        }
        Some((at, rest))
    }

    pub(crate) fn for_each<'a>(&'a self, f: &mut impl FnMut(&'a S)) {
        for node in &self.nodes {
            for group in [&node.ends, &node.rest].into_iter().flatten() {
                group.for_each(f);
            }
        }
    }
}
