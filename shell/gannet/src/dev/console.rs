//! Log lines of the servers of `gannet dev` on standard error, each with its cluster's name in front.

use std::io::Write as _;

use gannet_node::{Level, Line, LogWriter};

/// Where one server's lines go.
pub(super) struct Console {
    /// The server's cluster.
    pub(super) name: String,
    /// Everything, not only what is wrong.
    pub(super) all: bool,
}

impl LogWriter for Console {
    fn write_line(&self, line: &Line<'_>) {
        if self.all || line.level() <= Level::Warn {
            // In one piece, so that lines of several threads don't mix. There is nowhere to complain.
            let text = format!("{:<4}{line}\n", self.name);
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        }
    }
}
