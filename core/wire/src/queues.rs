//! The names of queue groups as a frame between servers lists them.

/// Names of queue groups, separated by white space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queues<'a>(pub(crate) &'a [u8]);

impl<'a> Queues<'a> {
    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The names in the order in which they came.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .split(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
            .filter(|name| !name.is_empty())
    }

    /// Whether `name` is among them.
    pub fn contains(self, name: &[u8]) -> bool {
        self.iter().any(|queue| queue == name)
    }
}
