//! The configuration language: any bytes are a configuration or a clear refusal.

use std::collections::BTreeMap;

use gannet_config::{Source, load};

/// The password in an included file.
const SECRET: &str = "s3cret";

/// A world with a few files and variables around the configuration.
struct World<'a> {
    main: &'a [u8],
    files: BTreeMap<&'static str, &'static [u8]>,
}

impl Source for World<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if path.trim_start_matches("./") == "main.conf" {
            return Ok(self.main.to_vec());
        }
        let file = self.files.get(path.trim_start_matches("./"));
        file.map(|bytes| bytes.to_vec())
            .ok_or_else(|| format!("open {path}: no such file or directory"))
    }

    fn env(&self, name: &str) -> Option<String> {
        let value = match name {
            "PORT" => "4333",
            "NAME" => "south",
            "LIST" => "[1, {a: b}]",
            "ITSELF" => "$ITSELF",
            "BROKEN" => "{ unclosed",
            _ => return None,
        };
        Some(value.to_owned())
    }
}

/// Reads the bytes as a configuration file.
pub fn config(bytes: &[u8]) {
    let files: [(&str, &[u8]); 4] = [
        ("part.conf", b"max_payload: 1MB\nping_interval: \"2m\"\n"),
        ("loop.conf", b"include main.conf\n"),
        (
            "users.conf",
            b"users = [ {user: ann, password: s3cret}, {user: bob} ]\n",
        ),
        ("empty.conf", b""),
    ];
    let world = World {
        main: bytes,
        files: files.into(),
    };
    let loaded = load("main.conf", &world);
    match &loaded {
        Ok(loaded) => {
            let hash = loaded.digest.strip_prefix("sha256:").unwrap_or_default();
            assert!(
                hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()),
                "{}",
                loaded.digest
            );
            // Whether the options fit together is another question; asking must be safe.
            let _ = loaded.options.validate();
            // The input may put the word elsewhere; the included file has it as a password only.
            let is_password = !bytes
                .windows(SECRET.len())
                .any(|window| window == SECRET.as_bytes());
            let shown = format!("{:?}", loaded.options).contains(SECRET);
            assert!(!(is_password && shown), "a password is shown");
        }
        Err(rejected) => {
            assert!(!rejected.errors.is_empty(), "a refusal says why");
            assert!(
                rejected
                    .errors
                    .iter()
                    .all(|error| !error.to_string().is_empty())
            );
        }
    }
    let again = load("main.conf", &world);
    assert_eq!(
        format!("{loaded:?}"),
        format!("{again:?}"),
        "the same text, read twice, says the same"
    );
}
