//! Settings, origins and faults as JSON.

use gannet_config::{ConfigError, ConfigWarning, Origin, Place, Setting};
use serde_json::{Value, json};

use crate::configuration::Failure;

/// A setting with its origin.
pub(super) fn setting(setting: &Setting) -> Value {
    json!({
        "key": setting.key.to_string(),
        "value": setting.value,
        "origin": origin(&setting.origin),
    })
}

fn origin(origin: &Origin) -> Value {
    match origin {
        Origin::Default => json!({"kind": "default"}),
        Origin::Flag(flag) => json!({"kind": "flag", "flag": flag}),
        Origin::File {
            place,
            variable: None,
        } => with_place(json!({"kind": "file"}), place),
        Origin::File {
            place,
            variable: Some(variable),
        } => {
            let found = match &variable.place {
                Some(place) => with_place(json!({"kind": "file"}), place),
                None => json!({"kind": "environment"}),
            };
            let mut shown = with_place(json!({"kind": "variable"}), place);
            shown["name"] = variable.name.as_str().into();
            shown["found"] = found;
            shown
        }
    }
}

fn with_place(mut object: Value, place: &Place) -> Value {
    object["file"] = place.file.as_ref().into();
    object["line"] = place.line.into();
    object["column"] = place.column.into();
    object
}

/// What is wrong with a configuration.
pub(super) fn failure(file: Option<&str>, failure: &Failure) -> Value {
    let (errors, warnings) = match failure {
        Failure::File(rejected) => (
            rejected.errors.iter().map(error).collect(),
            self::warnings(&rejected.warnings),
        ),
        Failure::Flags(error) => (vec![json!({"error": error.to_string()})], Value::Null),
    };
    json!({"file": file, "errors": errors, "warnings": warnings})
}

/// One fault.
pub(super) fn error(error: &ConfigError) -> Value {
    let mut shown = json!({"error": error.to_string()});
    if let ConfigError::Field { place, problem, .. } = error {
        shown = with_place(json!({"error": problem.to_string()}), place);
    }
    if let Some(help) = error.help() {
        shown["help"] = help.into();
    }
    shown
}

/// Warnings as they are printed.
pub(super) fn warnings(warnings: &[ConfigWarning]) -> Value {
    warnings.iter().map(|w| w.to_string()).collect()
}
