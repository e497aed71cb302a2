//! The JSON that servers and clients say of themselves: what was read, written down, reads the same; no
//! error quotes a text that holds secrets.

use gannet_wire::client::ClientConnect;
use gannet_wire::server_info::{ServerConnect, ServerInfo};

/// Reads the bytes as every kind of such JSON.
pub fn server_info(bytes: &[u8]) {
    match ServerInfo::parse(bytes) {
        Ok(info) => {
            let _ = info.command();
            let again = ServerInfo::parse(info.to_json().as_bytes());
            assert_eq!(again.as_ref(), Ok(&info));
        }
        Err(error) => check_error(&error.to_string()),
    }
    match ServerConnect::parse(bytes) {
        Ok(connect) => {
            let again = ServerConnect::parse(connect.to_json().as_bytes());
            assert_eq!(again.as_ref(), Ok(&connect));
        }
        Err(error) => check_error(&error.to_string()),
    }
    if let Err(error) = ClientConnect::parse(bytes) {
        check_error(&error.to_string());
    }
}

/// Errors are made of fixed words and a position.
fn check_error(text: &str) {
    const WORDS: [&str; 4] = [
        "unexpected end of JSON input (column ",
        "invalid JSON input (column ",
        "JSON value of the wrong type (column ",
        "JSON input too large",
    ];
    let text = text
        .strip_prefix("CONNECT options are not valid JSON: ")
        .unwrap_or(text);
    let rest = WORDS.iter().find_map(|words| text.strip_prefix(words));
    let fixed = rest.is_some_and(|rest| {
        rest.trim_end_matches(')')
            .bytes()
            .all(|b| b.is_ascii_digit())
    });
    assert!(fixed, "an error quotes what it read: {text}");
}
