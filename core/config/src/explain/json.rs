//! Values for programs, by serde: what there is as what it is, secrets masked.

use serde::ser::{Serialize, Serializer};

use super::Shown;

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Shown::Unset => serializer.serialize_none(),
            Shown::Secret(_) => serializer.serialize_str("[REDACTED]"),
            Shown::Bool(on) => serializer.serialize_bool(*on),
            Shown::Integer(number) => serializer.serialize_i64(*number),
            Shown::Text(text) => serializer.serialize_str(text),
            Shown::Url(url) => serializer.serialize_str(&url.redacted()),
            Shown::List(values) => serializer.collect_seq(values),
            Shown::Map(values) => serializer.collect_map(values),
        }
    }
}
