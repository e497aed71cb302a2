//! `gannet config explain`: every setting, its value and its origin.

use std::process::ExitCode;

use gannet_config::as_file;
use serde_json::json;

use super::{json, load};
use crate::flags::Invocation;

pub(super) fn explain(invocation: &Invocation, file: Option<&str>, as_json: bool) -> ExitCode {
    let file = file.or(invocation.config.as_deref());
    let configured = match load(invocation, file, as_json) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    let settings = configured.options.settings(&configured.origins);
    let valid = configured.options.validate();
    if as_json {
        let settings: Vec<_> = settings.iter().map(json::setting).collect();
        let errors: Vec<_> = valid.as_ref().err().map(json::error).into_iter().collect();
        crate::say(
            &json!({
                "file": file,
                "digest": configured.options.digest,
                "settings": settings,
                "errors": errors,
                "warnings": json::warnings(&configured.warnings),
            })
            .to_string(),
        );
    } else {
        if let (Some(file), Some(digest)) = (file, &configured.options.digest) {
            crate::say(&format!("# {file} ({digest})"));
        }
        crate::say(as_file(&settings).trim_end());
        configured.warn();
    }
    match valid {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if as_json => ExitCode::FAILURE,
        Err(error) => crate::refuse(invocation.program, error),
    }
}
