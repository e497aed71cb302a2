//! Addresses and ports to listen on.

use alloc::format;
use alloc::string::{String, ToString};

use super::reader::{Field, Reader};
use crate::options::Port;
use crate::text::address::split_host_port;
use crate::text::quote::quoted;
use crate::tree::Value;

/// A host, if there is one, and a port, where 0 is none.
pub(super) struct Listen {
    pub(super) host: Option<String>,
    pub(super) port: Option<Port>,
}

impl Reader<'_> {
    /// The value of a `listen` key: a port or `host:port`.
    pub(super) fn listen(&mut self, field: Field<'_>) -> Option<Listen> {
        let place = &field.node.place;
        match &field.node.value {
            Value::Integer(port) => Some(Listen {
                host: None,
                port: self.checked_port(field, *port)?,
            }),
            Value::Text(text) => {
                let Some((host, port)) = split_host_port(text) else {
                    self.invalid(
                        place,
                        format!("could not parse address string {}", quoted(text)),
                    );
                    return None;
                };
                let Ok(number) = port.parse() else {
                    self.invalid(place, format!("could not parse port {}", quoted(port)));
                    return None;
                };
                let host = Some(host.to_string()).filter(|h| !h.is_empty());
                Some(Listen {
                    host,
                    port: self.checked_port(field, number)?,
                })
            }
            other => {
                let text = format!("expected port or host:port, got {}", other.type_name());
                self.invalid(place, text);
                None
            }
        }
    }

    /// The value of a `port` key. 0 stands for none, which is given as `None` inside.
    pub(super) fn port(&mut self, field: Field<'_>) -> Option<Option<Port>> {
        let number = self.integer(field)?;
        self.checked_port(field, number)
    }

    fn checked_port(&mut self, field: Field<'_>, number: i64) -> Option<Option<Port>> {
        match (number, u16::try_from(number)) {
            (0, _) => Some(None),
            (-1, _) => Some(Some(Port::Random)),
            (_, Ok(port)) => Some(Some(Port::At(port))),
            (_, Err(_)) => {
                self.invalid(&field.node.place, format!("port {number} is out of range"));
                None
            }
        }
    }
}
