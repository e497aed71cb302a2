//! The keys of the log that have more to them than one value. Not here: the others (`top`).

use alloc::format;
use alloc::string::String;

use super::help;
use super::reader::{Field, Reader};
use crate::options::{LogFormat, LogLevel, LogLevels, Options, Subsystem};
use crate::text::quote::quoted;

/// `log_format`.
pub(super) fn format(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let Some(name) = reader.text(field) else {
        return;
    };
    match LogFormat::named(&name) {
        Ok(format) => options.logging.format = format,
        Err(why) => {
            let text = format!("invalid log_format {}: {why}", quoted(&name));
            reader.invalid(&field.node.place, text);
        }
    }
}

/// `log_levels { SUBSYSTEM: LEVEL … }`: all of them anew.
pub(super) fn levels(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let Some(map) = reader.map(field) else {
        return;
    };
    let mut levels = LogLevels::default();
    for (key, node) in map.in_order() {
        let field = Field { key, node };
        let name = key.to_lowercase();
        let known = Subsystem::ALL
            .into_iter()
            .find(|known| known.name() == name);
        match known {
            Some(subsystem) => {
                reader.note(&[subsystem.name()], node);
                if let Some(level) = level(reader, field) {
                    levels.0.insert(subsystem, level);
                }
            }
            // A key of the user's own is a variable if something refers to it.
            None if node.referenced => {}
            None => {
                let names = Subsystem::ALL.map(Subsystem::name);
                let (key, known) = (quoted(key), names.join(", "));
                let text = format!("unknown subsystem {key} in log_levels, known are {known}");
                reader.invalid(&node.place, text);
                reader.help(help::likely(&name, &names));
            }
        }
    }
    options.logging.levels = levels;
}

fn level(reader: &mut Reader, field: Field<'_>) -> Option<LogLevel> {
    let name = reader.text(field)?;
    let level = LogLevel::named(&name);
    if level.is_none() {
        let names = LogLevel::ALL.map(LogLevel::name);
        let (level, known): (String, String) = (quoted(&name), names.join(", "));
        let text = format!(
            "unknown log level {level} for {}, known are {known}",
            field.key
        );
        reader.invalid(&field.node.place, text);
        reader.help(help::likely(&name.to_lowercase(), &names));
    }
    level
}
