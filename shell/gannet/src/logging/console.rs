//! Log lines on standard error, with coloured level names if somebody looks at them.

use std::io::{IsTerminal as _, Write as _};

use gannet_node::{Level, Line, LogWriter};

/// Standard error.
pub(super) struct Console {
    coloured: bool,
}

impl Console {
    pub(super) fn stderr() -> Console {
        Console {
            coloured: std::io::stderr().is_terminal(),
        }
    }
}

impl LogWriter for Console {
    fn write_line(&self, line: &Line<'_>) {
        let mut text = line.to_string();
        if self.coloured && !line.is_json() {
            text = coloured(line.level(), &text);
        }
        text.push('\n');
        // In one piece, so that lines of several threads don't mix. There is nowhere to complain.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// The line with its level's name in colour: the second pair of brackets, after the process id's.
fn coloured(level: Level, line: &str) -> String {
    let parts = line.get(1..).and_then(|rest| {
        let open = rest.find('[')? + 2;
        let close = open + line[open..].find(']')?;
        Some((&line[..open], &line[open..close], &line[close..]))
    });
    match parts {
        Some((before, name, after)) => {
            format!("{before}\x1b[{}m{name}\x1b[0m{after}", colour(level))
        }
        None => line.to_string(),
    }
}

/// The reference server's colours.
fn colour(level: Level) -> &'static str {
    match level {
        Level::Info => "32",
        Level::Debug => "36",
        Level::Warn => "0;93",
        Level::Error | Level::Fatal => "31",
        Level::Trace => "33",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_the_level_is_coloured() {
        let line = "[7] 2026/01/02 03:04:05.000006 [WRN] [x] is odd";
        let want = "[7] 2026/01/02 03:04:05.000006 [\x1b[0;93mWRN\x1b[0m] [x] is odd";
        assert_eq!(coloured(Level::Warn, line), want);
        assert_eq!(
            coloured(Level::Info, "[7] [INF] ready"),
            "[7] [\x1b[32mINF\x1b[0m] ready"
        );
    }

    #[test]
    fn a_line_of_another_form_stays_as_it_is() {
        for line in ["", "x", "[7] no level", "[7] [cut"] {
            assert_eq!(coloured(Level::Info, line), line);
        }
    }
}
