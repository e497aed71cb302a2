//! Errors of the operating system in the words of the reference server, whose log lines and messages
//! tools look for.

use std::io;

/// `ACTION PATH: no such file or directory`.
pub(crate) fn file_error(action: &str, path: &str, error: &io::Error) -> String {
    format!("{action} {path}: {}", reason(error))
}

/// The system's reason alone: no number behind it, no capital letter in front.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = match text.find(" (os error ") {
        Some(end) => &text[..end],
        None => &text,
    };
    lower_first(text)
}

/// The text with a small first letter.
pub(crate) fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_the_reference_writes_them() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(
            file_error("open", "a/b", &missing),
            "open a/b: no such file or directory"
        );
        assert_eq!(reason(&io::Error::other("Bad luck")), "bad luck");
    }
}
